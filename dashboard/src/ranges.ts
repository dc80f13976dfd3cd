// Over which time does one look? Ranges with a whole number of hours, and the one before for comparison.
export const RANGES = [
  ['24h', '24 hours'],
  ['7d', '7 days'],
  ['30d', '30 days'],
  ['90d', '90 days'],
] as const;

export type Range = (typeof RANGES)[number][0];

const HOUR_MS = 3_600_000;
const HOURS: Record<Range, number> = { '24h': 24, '7d': 168, '30d': 720, '90d': 2160 };
const WIDTHS: Record<Range, number> = { '24h': 1, '7d': 6, '30d': 24, '90d': 24 };

export interface Span {
  from_ms: number;
  to_ms: number;
  /** Where the span before begins, which ends where this one does begin. */
  before_ms: number;
  bucket_hours: number;
}

export const range = (text: string): Range => RANGES.find(([name]) => name === text)?.[0] ?? '24h';

export function span(range: Range, now = Date.now()): Span {
  const to_ms = Math.ceil(now / HOUR_MS) * HOUR_MS;
  const from_ms = to_ms - HOURS[range] * HOUR_MS;
  return { from_ms, to_ms, before_ms: from_ms - HOURS[range] * HOUR_MS, bucket_hours: WIDTHS[range] };
}

/** Where the buckets of a span begin. */
export function buckets({ from_ms, to_ms, bucket_hours }: Span): number[] {
  const width = bucket_hours * HOUR_MS;
  const first = from_ms - (from_ms % width);
  return Array.from({ length: Math.ceil((to_ms - first) / width) }, (_, at) => first + at * width);
}
