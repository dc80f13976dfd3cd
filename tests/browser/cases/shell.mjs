// Does one find the way: palette, keys, links, themes, and a session that ends?
import assert from 'node:assert/strict';
import { OTHER_PASSWORD } from '../people.mjs';

async function palette(world) {
  const page = await world.open('/ui/overview', { as: 'admin' });
  await world.settled(page);
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox', { name: 'Go to' }).waitFor();
  await page.keyboard.type('heavy');
  await page.getByRole('option', { name: 'heavy-logic' }).waitFor();
  await world.accessible(page, 'the palette');
  await world.picture(page, 'palette');
  await page.keyboard.press('Enter');
  await page.waitForURL('**/ui/groups/heavy-logic');
  await page.keyboard.press('Control+k');
  await page.keyboard.press('Escape');
  await page.getByRole('combobox', { name: 'Go to' }).waitFor({ state: 'detached' });
  await page.keyboard.press('Control+k');
  await page.keyboard.type('dark theme');
  await page.keyboard.press('Enter');
  assert.equal(await page.locator('html').getAttribute('data-theme'), 'dark');
  await page.reload();
  assert.equal(await page.locator('html').getAttribute('data-theme'), 'dark', 'the theme stays');
}

async function ways(world) {
  const page = await world.open('/ui/clients', { as: 'admin' });
  await world.settled(page);
  await page.getByRole('navigation').getByRole('link', { name: 'Groups' }).click();
  await page.getByRole('heading', { name: 'Groups', exact: true }).waitFor();
  assert.equal(await page.evaluate(() => document.activeElement?.tagName), 'H1', 'the heading has the focus');
  assert.equal(await page.title(), 'Groups · Tidegate');
  await page.goBack();
  await page.getByRole('heading', { name: 'Clients', exact: true }).waitFor();
  await page.goto(`${world.gateway.url}/ui/nowhere`);
  await page.getByRole('heading', { name: 'There is no such page' }).waitFor();
  assert.equal((await page.request.get(`${world.gateway.url}/ui/assets/none.js`)).status(), 404);
  const json = await page.request.get(`${world.gateway.url}/`, { headers: { accept: 'application/json' } });
  assert.equal((await json.json()).name, 'Tidegate', 'programs get JSON at the same address');
}

async function expiry(world) {
  const page = await world.open('/ui/teams/harbour', { as: 'admin' });
  await world.settled(page);
  await page.context().clearCookies();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await page.getByText('The session has ended').waitFor();
  await page.getByLabel('Name').fill('admin');
  await page.getByLabel('Password').fill('wrong, and long enough');
  await page.keyboard.press('Enter');
  await page.getByRole('alert').getByText('Name and password do not fit.').waitFor();
  await world.accessible(page, 'the sign-in');
  await page.getByLabel('Password').fill(OTHER_PASSWORD);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Harbour' }).waitFor();
}

async function unreachable(world) {
  const page = await world.open('/ui/clients', { as: 'admin' });
  await world.settled(page);
  await page.route('**/api/teams*', (route) => route.abort());
  await page.getByRole('navigation').getByRole('link', { name: 'Teams' }).click();
  await page.getByRole('alert').getByText('Tidegate does not answer.').waitFor();
  await page.unroute('**/api/teams*');
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByRole('link', { name: 'Harbour' }).waitFor();
}

async function leaving(world) {
  const page = await world.open('/ui/account', { as: 'admin' });
  await page.getByRole('button', { name: 'End all sessions' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'End all of my sessions' }).click();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await page.getByLabel('Name').fill('admin');
  await page.getByLabel('Password').fill(OTHER_PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Account' }).waitFor();
  await world.keep('admin', page);
}

export const cases = [
  ['the palette finds pages and names, and changes the theme', palette],
  ['links, titles, focus and the way back hold', ways],
  ['a session that ends asks for the password and goes on where it was', expiry],
  ['without the server a page says so and can be tried again', unreachable],
  ['signing out ends it', leaving, true],
];
