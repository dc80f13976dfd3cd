// Which pages are there, who may see them, and where is their code? It is loaded when a page is first shown.
import type { Component } from 'svelte';

export type Shown = {
  /** What the page shows one of, where the address names it. */
  id: string;
};

type Code<Props extends Record<string, unknown>> = () => Promise<{ default: Component<Props> }>;

export interface Place {
  /** The first part of the address. */
  name: string;
  title: string;
  group: 'See' | 'Route' | 'People' | 'House' | '';
  /** Only for admins. */
  admin?: true;
  list: Code<Record<string, never>>;
  /** The page of one of them. */
  one?: Code<Shown>;
  /** Further words that find it. */
  words?: string;
}

export const PLACES: readonly Place[] = [
  { name: 'overview', title: 'Overview', group: 'See', list: () => import('./pages/Overview.svelte'), words: 'cost usage statistics charts' },
  { name: 'live', title: 'Live', group: 'See', list: () => import('./pages/Live.svelte'), words: 'stream now requests' },
  { name: 'requests', title: 'Requests', group: 'See', list: () => import('./pages/Requests.svelte'), one: () => import('./pages/Request.svelte'), words: 'log records errors' },
  { name: 'system', title: 'System', group: 'See', list: () => import('./pages/System.svelte'), words: 'health memory cpu uptime' },
  { name: 'providers', title: 'Providers', group: 'Route', list: () => import('./pages/Providers.svelte'), one: () => import('./pages/Provider.svelte'), words: 'hosts health pools' },
  { name: 'keys', title: 'Keys', group: 'Route', admin: true, list: () => import('./pages/Keys.svelte'), words: 'credentials upstream import' },
  { name: 'models', title: 'Models', group: 'Route', list: () => import('./pages/Models.svelte'), words: 'prices enable' },
  { name: 'groups', title: 'Groups', group: 'Route', list: () => import('./pages/Groups.svelte'), one: () => import('./pages/Group.svelte'), words: 'routing targets fallbacks' },
  { name: 'proxies', title: 'Proxies', group: 'Route', list: () => import('./pages/Proxies.svelte'), one: () => import('./pages/Proxy.svelte'), words: 'other apis http' },
  { name: 'playground', title: 'Playground', group: 'Route', list: () => import('./pages/Playground.svelte'), words: 'try chat' },
  { name: 'clients', title: 'Clients', group: 'People', list: () => import('./pages/Clients.svelte'), one: () => import('./pages/Client.svelte'), words: 'api keys applications budgets' },
  { name: 'teams', title: 'Teams', group: 'People', list: () => import('./pages/Teams.svelte'), one: () => import('./pages/Team.svelte'), words: 'budgets limits' },
  { name: 'users', title: 'Users', group: 'People', admin: true, list: () => import('./pages/Users.svelte'), words: 'admins viewers' },
  { name: 'audit', title: 'Audit', group: 'House', admin: true, list: () => import('./pages/Audit.svelte'), words: 'changes who' },
  { name: 'settings', title: 'Settings', group: 'House', list: () => import('./pages/Settings.svelte'), words: 'retention capture cache recall prices theme' },
  { name: 'account', title: 'Account', group: '', list: () => import('./pages/Account.svelte'), words: 'password sign out' },
  { name: 'start', title: 'First steps', group: '', admin: true, list: () => import('./pages/Start.svelte'), words: 'set up snippets' },
];

/** The pages that somebody may see. */
export function seen(admin: boolean): Place[] {
  return PLACES.filter((place) => admin || !place.admin);
}
