// What does a limit say, in words, and how is one typed?
import type { Limit, Spending } from './api/types';
import { count, roundMoney } from './format';

export type Measure = 'dollars' | 'tokens' | 'requests' | 'concurrent';

export const MEASURES: readonly (readonly [Measure, string])[] = [
  ['dollars', 'Dollars'],
  ['tokens', 'Tokens'],
  ['requests', 'Requests'],
  ['concurrent', 'Requests at a time'],
];

export const SPANS = ['minute', 'hour', 'day', 'week', 'month', 'total'] as const;

/** A span as one says it behind an amount. */
export function spanned(span: string): string {
  if (span === 'total') return 'in total';
  return span === 'hour' ? 'an hour' : `a ${span}`;
}

/** What a limit counts. */
export function measure(limit: Limit): Measure {
  const found = MEASURES.find(([name]) => limit[name] !== null && limit[name] !== undefined);
  return found?.[0] ?? 'requests';
}

/** A limit as a person says it. */
export function words(limit: Limit): string {
  const what = measure(limit);
  const size = limit[what] ?? 0;
  if (what === 'concurrent') return `${count(size)} requests at a time`;
  const amount = what === 'dollars' ? `$${size}` : `${count(size)} ${what}`;
  return `${amount} ${spanned(limit.per ?? 'total')}${limit.window === 'rolling' ? ', rolling' : ''}`;
}

/** How much of it is used, in its own unit. */
export function used(spent: Spending['limits'][number]): string {
  const write = measure(spent.limit) === 'dollars' ? roundMoney : count;
  return `${write(spent.used)} used, ${write(Math.max(0, spent.remaining))} left`;
}

/** The part of it that is used, from 0 to 1. */
export function part(spent: Spending['limits'][number]): number {
  const all = spent.used + Math.max(0, spent.remaining);
  return all > 0 ? spent.used / all : 1;
}

/** A limit that says one thing alone, as the API wants it. */
export function limit(what: Measure, size: number, per: string, window: string | null): Limit {
  if (what === 'concurrent') return { concurrent: size };
  return { [what]: size, per, ...(window && { window }) };
}
