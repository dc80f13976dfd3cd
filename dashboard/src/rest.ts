// Why is a provider or a key left alone, in words?
import { ago } from './format';

interface Rest {
  why: string;
  until_ms?: number | null;
}

const WHY: Record<string, string> = {
  down: 'it failed too often',
  silent: 'it did not answer',
  limited: 'the provider limits it',
  exhausted: 'a limit of it is used up',
  spent: 'it has no credit left',
  refused: 'the provider refuses it',
  busy: 'it has as many requests as it takes at a time',
  requests: 'its requests a minute are used up',
  tokens: 'its tokens a minute are used up',
  other_models: 'it is for other models',
};

export function why({ why, until_ms }: Rest, now = Date.now()): string {
  const said = WHY[why] ?? why;
  if (!until_ms) return said;
  const when = until_ms > now ? ago(until_ms, now) : 'with the next request';
  return `${said}; asked again ${when}`;
}
