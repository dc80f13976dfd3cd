// Can every page be read by everybody: both themes, a wide screen and a phone, with the findings of axe?
import assert from 'node:assert/strict';
import { PAGES, address } from '../pages.mjs';

async function seen(world, theme, phone) {
  const page = await world.open('/ui/overview', { as: 'admin', theme, phone });
  await world.settled(page);
  for (const [path, name = path] of PAGES) {
    await page.goto(address(world, path));
    await world.settled(page);
    await page.waitForTimeout(250);
    const what = `${name}, ${theme}${phone ? ', phone' : ''}`;
    await world.accessible(page, what);
    if (phone) await world.fits(page, what);
    await world.picture(page, `${name}-${theme}${phone ? '-phone' : ''}`);
  }
}

async function menu(world) {
  const page = await world.open('/ui/overview', { as: 'admin', phone: true });
  await world.settled(page);
  await page.getByRole('button', { name: 'Menu' }).click();
  await page.getByRole('navigation').getByRole('link', { name: 'Requests' }).click();
  await page.getByRole('heading', { name: 'Requests', exact: true }).waitFor();
  assert.equal(await page.getByRole('navigation').isVisible(), false, 'the menu closes');
  await page.locator('tbody tr a').first().click();
  await page.getByRole('heading', { name: 'The way it took' }).waitFor();
}

export const cases = [
  ['every page in the light theme', (world) => seen(world, 'light', false)],
  ['every page in the dark theme', (world) => seen(world, 'dark', false)],
  ['every page on a phone', (world) => seen(world, 'light', true)],
  ['the menu of a phone', menu],
];
