// Whose keys and records are these: a provider's, or a proxy's, which is told by a prefix where both have names of one kind?
import { to } from './state/route.svelte';

const PREFIX = 'proxy:';

/** The name of a proxy among those of providers. */
export const pool = (slug: string) => PREFIX + slug;

/** The same in the two fields of the API. */
export function owner(id: string): { provider: string } | { proxy: string } {
  return id.startsWith(PREFIX) ? { proxy: id.slice(PREFIX.length) } : { provider: id };
}

/** What people call one. */
export const called = (id: string) => (id.startsWith(PREFIX) ? `the proxy ${id.slice(PREFIX.length)}` : id);

/** Where its page is. */
export const page = (id: string) => (id.startsWith(PREFIX) ? to('proxies', id.slice(PREFIX.length)) : to('providers', id));
