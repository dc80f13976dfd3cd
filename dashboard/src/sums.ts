// What do sums say: totals, shares, and the largest groups with the rest as one?
import type { Sum } from './api/types';

export type Measured = 'requests' | 'cost' | 'tokens' | 'failed';

export const MEASURED = [
  ['requests', 'Requests'],
  ['cost', 'Cost'],
  ['tokens', 'Tokens'],
  ['failed', 'Failures'],
] as const satisfies readonly (readonly [Measured, string])[];

export const tokens = (sum: Sum) => sum.usage.prompt + sum.usage.completion;

export function size(sum: Sum, measured: Measured): number {
  if (measured === 'cost') return sum.cost_nano;
  return measured === 'tokens' ? tokens(sum) : sum[measured];
}

const SERIES_MAX = 7;

/** One line of values for each of the largest groups, and one for all others. */
export function series(sums: Sum[], starts: number[], measured: Measured, title: (group: string) => string) {
  const totals = new Map<string, number>();
  for (const sum of sums) totals.set(sum.group, (totals.get(sum.group) ?? 0) + size(sum, measured));
  const ranked = [...totals].filter(([, total]) => total > 0).sort((one, other) => other[1] - one[1]);
  const named = ranked.slice(0, SERIES_MAX).map(([group]) => group);
  const places = new Map(starts.map((start, at) => [start, at]));
  const lines = new Map(named.map((group) => [group, new Array<number>(starts.length).fill(0)]));
  const others = new Array<number>(starts.length).fill(0);
  for (const sum of sums) {
    const at = places.get(sum.at_ms);
    const line = lines.get(sum.group) ?? others;
    if (at !== undefined) line[at] = (line[at] ?? 0) + size(sum, measured);
  }
  const shown = [...lines].map(([group, values]) => ({ name: title(group), values }));
  return ranked.length > SERIES_MAX ? [...shown, { name: 'others', values: others }] : shown;
}
