// Which requests are wanted? What the address says of it, in the words of the API.
import { refine, route } from './state/route.svelte';

const NAMES = ['client', 'team', 'provider', 'model', 'status', 'failed', 'stream'] as const;

/** Reactive: as the address has it now. */
export const filter = (): Record<string, string> => Object.fromEntries(NAMES.map((name) => [name, route.get(name)]));

export const filtered = () => NAMES.some((name) => route.get(name) !== '');

/** Wants all of them again. */
export const unfilter = () => refine(Object.fromEntries(NAMES.map((name) => [name, null])));
