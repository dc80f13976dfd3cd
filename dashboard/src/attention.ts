// What needs somebody? Providers that are down, keys that rest, and budgets that are nearly used up.
import { all, ask } from './api/client';
import { part, used, words } from './limits';
import { page } from './owner';
import { why } from './rest';
import { to } from './state/route.svelte';

export interface Trouble {
  kind: 'bad' | 'warn';
  text: string;
  about: string;
  href: string;
}

/** Budgets are told from here on. */
const NEARLY = 0.8;
/** So many clients and teams with limits are looked at. */
const WATCHED_MAX = 40;

export async function troubles(signal: AbortSignal): Promise<Trouble[]> {
  const [hosts, clients, teams] = await Promise.all([providers(signal), budgets('clients', signal), budgets('teams', signal)]);
  const found = [...hosts, ...clients, ...teams];
  return found.sort((one, other) => Number(one.kind === 'warn') - Number(other.kind === 'warn'));
}

async function providers(signal: AbortSignal): Promise<Trouble[]> {
  const { data } = await ask('get', '/api/health', { signal });
  return data
    .filter((provider) => provider.enabled)
    .flatMap((provider): Trouble[] => {
      const href = page(provider.provider);
      const said = provider.last_error ? `last failure: ${provider.last_error}` : '';
      if (provider.rests) return [{ kind: 'bad', text: `${provider.provider} is left alone`, about: why(provider.rests), href }];
      if (provider.state === 'down') return [{ kind: 'bad', text: `${provider.provider} is down`, about: said, href }];
      const rests = provider.resting.map(({ id, rest }): Trouble => {
        return { kind: 'warn', text: `A key of ${provider.provider} rests`, about: `${id}: ${why(rest)}`, href };
      });
      if (provider.state !== 'shaky') return rests;
      const failed = `${provider.failed} of ${provider.requests} lately failed; ${said}`;
      return [{ kind: 'warn', text: `${provider.provider} is shaky`, about: failed, href }, ...rests];
    });
}

async function budgets(of: 'clients' | 'teams', signal: AbortSignal): Promise<Trouble[]> {
  const nodes = (await all(`/api/${of}`, {}, signal)).filter((node) => node.enabled && node.limits.length > 0);
  const found = await Promise.all(
    nodes.slice(0, WATCHED_MAX).map(async ({ id, name }) => {
      const spending = await ask('get', `/api/${of}/{id}/spending`, { id, signal });
      const near = spending.limits.filter((spent) => part(spent) >= NEARLY);
      return near.map((spent): Trouble => {
        const kind = part(spent) >= 1 ? 'bad' : 'warn';
        return { kind, text: `${name || id}: ${Math.round(part(spent) * 100)} % of ${words(spent.limit)}`, about: used(spent), href: to(of, id) };
      });
    }),
  );
  return found.flat();
}
