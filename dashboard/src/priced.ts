// Which models are there, what do they cost, and what is set for them?
import { all } from './api/client';
import type { Model, Priced } from './api/types';
import { catalogOf } from './catalogue';

export interface Row {
  provider: string;
  model: string;
  name: string;
  /** Dollars for a million, as decimals. */
  price: Record<string, string>;
  /** What is set for it, under `provider/model` or under `model` for every provider. */
  set: Model | undefined;
  /** A provider in use lists it. */
  served: boolean;
}

/** Every model of the providers, and then what else the catalogue knows. */
export async function rows(signal: AbortSignal): Promise<Row[]> {
  const [providers, priced, models] = await Promise.all([
    all('/api/providers', {}, signal),
    all('/api/prices', {}, signal),
    all('/api/models', {}, signal),
  ]);
  const set = new Map(models.map((model) => [model.id, model]));
  const listed = new Map(priced.map((one) => [`${one.provider}/${one.id}`, one]));
  const row = (provider: string, model: string, known: Priced | undefined, served: boolean): Row => {
    const own = set.get(`${provider}/${model}`) ?? set.get(model);
    const name = own?.display_name || known?.name || model;
    return { provider, model, name, price: plain(own?.price ?? known?.price ?? null), set: own, served };
  };
  const mine = providers.flatMap((provider) => {
    const catalog = catalogOf(provider);
    const names = provider.models ?? priced.filter((one) => one.provider === catalog).map((one) => one.id);
    return names.map((name) => row(provider.id, name, listed.get(`${catalog}/${name}`), provider.enabled));
  });
  const there = new Set(mine.map((one) => `${one.provider}/${one.model}`));
  const others = priced.filter((one) => !there.has(`${one.provider}/${one.id}`));
  return [...mine, ...others.map((one) => row(one.provider, one.id, one, false))];
}

function plain(price: Priced['price'] | Model['price']): Record<string, string> {
  const named = Object.entries(price ?? {}).filter((pair): pair is [string, string] => typeof pair[1] === 'string');
  return Object.fromEntries(named);
}

/** A price can be set for each of these. */
export const PRICES = [
  ['input', 'Prompt'],
  ['output', 'Answer'],
  ['cache_read', 'From the cache'],
  ['cache_write_5m', 'Into the cache, 5 minutes'],
  ['cache_write_1h', 'Into the cache, 1 hour'],
  ['reasoning', 'Reasoning'],
] as const;
