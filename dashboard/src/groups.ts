// What do the strategies of groups mean, and how does a new group begin?
import type { Group } from './api/types';

type Strategy = Group['strategy'];

export const STRATEGIES: Record<Strategy, { title: string; about: string }> = {
  priority: { title: 'one after another', about: 'The first target that answers, in the order of the list.' },
  weighted: { title: 'by weight', about: 'Drawn by lot, by the weights.' },
  heuristic: { title: 'by rules', about: 'That of the first rule that fits; else the default, else the first.' },
  classifier: { title: 'by difficulty', about: 'A cheap model rates the task, and the ratings are spread over the targets in even bands.' },
  cost: { title: 'the cheapest', about: 'Where this request would cost least, by its own length.' },
  latency: { title: 'the fastest', about: 'The faster of two that are drawn, by the time to the first byte seen lately.' },
  sticky: { title: 'always the same', about: "The same for one session, user or beginning of a prompt, so that the provider's cache is used." },
};

export function blankGroup(): Group {
  return {
    id: '',
    version: 0,
    declared_in: null,
    enabled: true,
    strategy: 'priority',
    targets: [{ name: '', weight: 1 }],
    rules: [],
    fallbacks: [],
    content_fallbacks: [],
    context_fallbacks: [],
    aliases: [],
    default_target: null,
    classifier: null,
    sticky_by: null,
    hedge: null,
    logic_level: null,
    primary_use: '',
  };
}

/** Which ratings lead to which of so many targets, as the gateway spreads them. */
export function band(at: number, of: number, scale: number): string {
  const steps = scale - 1;
  const bandOf = (rating: number) => Math.floor((2 * (rating - 1) * (of - 1) + steps) / (2 * steps));
  const ratings = Array.from({ length: scale }, (_, above) => above + 1).filter((rating) => bandOf(rating) === at);
  const [from, to] = [ratings[0], ratings.at(-1)];
  if (from === undefined) return 'never';
  return from === to ? String(from) : `${from} to ${to}`;
}
