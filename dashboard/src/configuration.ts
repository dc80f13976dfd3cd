// What is configured here, as one file? All that the dashboard keeps but what is secret; the rest is declared elsewhere.
import { all, ask } from './api/client';
import type { Import } from './api/types';

/** Counts the forms that this file had. */
const FORM = 1;

interface Kept {
  version: number;
  declared_in?: string | null;
  locked?: boolean;
}

/** What the configuration declares is changed there, and versions say nothing anywhere else. */
function own<T extends Kept>(rows: T[]) {
  return rows.filter((row) => !row.declared_in && !row.locked).map(({ version, declared_in, locked, ...said }) => said);
}

/** Its text. */
export async function configuration(): Promise<string> {
  const [settings, providers, models, groups, proxies, teams, clients] = await Promise.all([
    ask('get', '/api/settings'),
    all('/api/providers'),
    all('/api/models'),
    all('/api/groups'),
    all('/api/proxies'),
    all('/api/teams'),
    all('/api/clients'),
  ]);
  const { version, declared, ...set } = settings;
  const lists = { providers: own(providers), models: own(models), groups: own(groups), proxies: own(proxies), teams: own(teams), clients: own(clients) };
  return JSON.stringify({ tidegate: FORM, exported_at: new Date().toISOString(), settings: set, ...lists }, null, 2);
}

type Step = Import['steps'][number];

/** What is said of each thing that an import can do, the weightiest first. */
const DOES: [Step['does'], string][] = [
  ['make', 'Will be made'],
  ['change', 'Will change'],
  ['leave', 'Left alone, for the configuration declares it'],
  ['keep', 'Stays as it is'],
];

/** The steps of an import, those that do the same together. */
export function planned(steps: Step[]): { does: Step['does']; title: string; steps: Step[] }[] {
  const parts = DOES.map(([does, title]) => ({ does, title, steps: steps.filter((step) => step.does === does) }));
  return parts.filter((part) => part.steps.length > 0);
}
