// Which pages are there, with something on each of them?

/** The address, and the name where that is another. */
export const PAGES = [
  ['overview'], ['live'], ['requests'], ['requests/', 'request'], ['system'], ['providers'], ['providers/lab', 'provider'], ['keys'], ['models'],
  ['groups'], ['groups/dispatcher', 'group'], ['groups?add=1', 'group-new'], ['proxies'], ['proxies/search', 'proxy'], ['proxies?add=1', 'proxy-new'],
  ['playground'], ['clients'], ['clients/', 'client'], ['clients?add=1', 'client-new'], ['teams'], ['teams/harbour', 'team'], ['users'], ['audit'],
  ['settings'], ['account'], ['start'],
];

/** Where one is; ids are those of this run. */
export function address(world, path) {
  const id = path === 'requests/' ? world.evil.id : path === 'clients/' ? world.key.split('_')[1] : '';
  return `${world.gateway.url}/ui/${path}${id}`;
}
