// Which way would a request take? The list of models it may go to, as the tree of the groups that lead there.
import type { Planned } from './api/types';
import { why } from './rest';

export interface Step {
  name: string;
  /** Why the group above picked it. */
  why: string;
  /** It is a group. */
  inner: Step[];
  /** The models that answer to this name, in their order. */
  models: Planned[];
}

/** Best first. What leads on from one target stays together as long as nothing else comes between. */
export function tree(name: string, targets: Planned[]): Step {
  const root: Step = { name, why: '', inner: [], models: [] };
  for (const planned of targets) {
    let at = root;
    for (const step of planned.steps) {
      const last = at.inner.at(-1);
      if (last && last.name === step.target && last.why === step.why) {
        at = last;
      } else {
        const next = { name: step.target, why: step.why, inner: [], models: [] };
        at.inner.push(next);
        at = next;
      }
    }
    at.models.push(planned);
  }
  return root;
}

/** Why a model would not be asked; empty when it would. */
export function passedOver({ turn, refusal, rests, keys }: Planned): string {
  if (turn !== null) return '';
  if (refusal) return refusal;
  if (rests) return `the provider is left alone: ${why(rests)}`;
  const reasons = new Set(keys.flatMap(({ out }) => (out ? [why(out)] : [])));
  return reasons.size > 0 ? `no key is ready: ${[...reasons].join('; ')}` : 'no key is ready';
}
