// Of what does a cost consist? Lines by today's prices, told only when they add up to what the record says.
import type { Priced, Record_ } from './api/types';

export interface Line {
  what: string;
  tokens: number;
  /** Dollars for a million. */
  price: string;
  nano: number;
}

const MILLION = 1_000_000n;

/** Nano-dollars for a million of something, from a decimal. */
function rate(decimal: string): bigint {
  const [whole = '0', part = ''] = decimal.split('.');
  return BigInt(whole) * 1_000_000_000n + BigInt(part.padEnd(9, '0').slice(0, 9));
}

/** The lines, or nothing when the record was priced in another way. */
export function lines(record: Record_, priced: Priced | undefined): Line[] | undefined {
  const prices: Record<string, unknown> = priced?.price ?? {};
  const said = (name: string): string | undefined => {
    const value = prices[name];
    return typeof value === 'string' ? value : undefined;
  };
  const [input, output] = [said('input'), said('output')];
  if (!priced || input === undefined || output === undefined) return undefined;
  const { usage } = record;
  const written = usage.cache_write_5m + usage.cache_write_1h;
  const fresh = usage.prompt - usage.cached - written;
  const parts: [string, number, string][] = [
    ['Prompt', fresh, input],
    ['Prompt from the cache', usage.cached, said('cache_read') ?? input],
    ['Prompt into the cache, 5 minutes', usage.cache_write_5m, said('cache_write_5m') ?? input],
    ['Prompt into the cache, 1 hour', usage.cache_write_1h, said('cache_write_1h') ?? said('cache_write_5m') ?? input],
    ['Answer', usage.completion, output],
  ];
  const found = parts
    .filter(([, tokens]) => tokens > 0)
    .map(([what, tokens, price]): Line => ({ what, tokens, price, nano: Number((BigInt(tokens) * rate(price)) / MILLION) }));
  const sum = found.reduce((sum, line) => sum + line.nano, 0);
  // Each line is rounded by itself here, and the sum once there.
  const near = Math.abs(sum - (record.cost_nano - record.side_nano)) <= found.length;
  return near && found.length > 0 ? found : undefined;
}
