// Why is a provider or a key left alone, in words?
import type { Health } from './api/types';
import { ago } from './format';

type Rest = NonNullable<Health['rests']>;

const WHY: Record<Rest['why'], string> = {
  down: 'it failed too often',
  silent: 'it did not answer',
  limited: 'the provider limits it',
  exhausted: 'a limit of it is used up',
  spent: 'it has no credit left',
  refused: 'the provider refuses it',
};

export function why(rest: Rest, now = Date.now()): string {
  if (!rest.until_ms) return WHY[rest.why];
  const when = rest.until_ms > now ? ago(rest.until_ms, now) : 'with the next request';
  return `${WHY[rest.why]}; asked again ${when}`;
}
