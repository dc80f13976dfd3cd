// Which requests are wanted? What the address says of it, in the words of the API.
import type { Record_ } from './api/types';
import { refine, route } from './state/route.svelte';

const NAMES = ['client', 'team', 'provider', 'model', 'status', 'failed', 'stream'] as const;

/** Reactive: as the address has it now. */
export const filter = (): Record<string, string> => Object.fromEntries(NAMES.map((name) => [name, route.get(name)]));

export const filtered = () => NAMES.some((name) => route.get(name) !== '');

/** Wants all of them again. */
export const unfilter = () => refine(Object.fromEntries(NAMES.map((name) => [name, null])));

/** Whether the log would list this one, asked with that filter. */
export const fits = (row: Record_, wanted: Record<string, string>) =>
  NAMES.every((name) => {
    const value = wanted[name] ?? '';
    return value === '' || value === String(name === 'failed' ? row.ended !== 'done' : row[name]);
  });
