// What does somebody hear who does not see the page? Its roles, names and states, as they were agreed on.
import { PAGES, address } from '../pages.mjs';

/** What other cases leave behind goes, and what is newest is the same. */
async function tidied({ gateway, key }) {
  const change = (method, path, body) => gateway.api(method, path, body, { 'if-match': '*' });
  const names = async (path) => (await gateway.api('GET', path)).data;
  for (const { id } of (await names('/api/clients')).filter(({ name }) => name !== 'my-first-app')) await change('DELETE', `/api/clients/${id}`);
  for (const { id } of (await names('/api/providers')).filter(({ id }) => id !== 'lab')) await change('DELETE', `/api/providers/${id}`);
  for (const { id } of (await names('/api/groups')).filter(({ id }) => id === 'tides')) await change('DELETE', `/api/groups/${id}`);
  await change('PATCH', '/api/settings', { capture: { clients: [key.split('_')[1]] } });
  await gateway.chat(key, 'broken', 'Hello');
  for (let turn = 0; turn < 2; turn += 1) await gateway.chat(key, 'lab-1', 'Hello to those who listen');
}

/** All that is on each page; and what lies on top, where something does. */
async function heard(world) {
  await tidied(world);
  const page = await world.open('/ui/proxies', { as: 'admin' });
  await world.settled(page);
  await world.reads(page.getByRole('navigation'), 'navigation-admin');
  for (const [path, name = path] of PAGES) {
    await page.goto(address(world, path));
    await world.settled(page);
    await page.waitForTimeout(500);
    const dialog = page.getByRole('dialog');
    await world.reads((await dialog.count()) > 0 ? dialog : page.getByRole('main'), name, true);
  }
  await page.keyboard.press('Control+k');
  await page.keyboard.type('account');
  await page.getByRole('option').first().waitFor();
  await world.reads(page.getByRole('dialog'), 'palette', true);
}

async function door(world) {
  const nobody = await world.open('/ui/overview');
  await nobody.getByRole('heading', { name: 'Sign in' }).waitFor();
  await world.reads(nobody.locator('body'), 'sign-in');
}

export const cases = [
  ['every page is read to those who do not see it', heard],
  ['so is the door', door],
];
