// Does somebody come from an empty database to a first request, with the keyboard alone?
import assert from 'node:assert/strict';
import { PASSWORD } from '../people.mjs';

/** Moves the focus on until it is at something that is called so. */
async function tabTo(page, name) {
  for (let step = 0; step < 60; step += 1) {
    await page.keyboard.press('Tab');
    const here = await page.evaluate(() => {
      const at = document.activeElement;
      const label = at?.labels?.[0]?.textContent ?? '';
      return `${at?.getAttribute('aria-label') ?? ''} ${label} ${at?.tagName === 'BUTTON' || at?.tagName === 'A' ? at.textContent : ''}`;
    });
    if (here.includes(name)) return;
  }
  throw new Error(`the keyboard does not reach “${name}”`);
}

async function unclaimed(world) {
  const page = await world.open('/');
  await page.getByRole('heading', { name: 'Not set up yet' }).waitFor();
  await page.getByText('setup-url').waitFor();
  await world.accessible(page, 'an unclaimed dashboard');
  if (world.gateway.data) await world.reads(page.locator('body'), 'unclaimed');
  await world.picture(page, 'unclaimed');
}

async function setUp(world) {
  const { pathname, hash } = new URL(await world.gateway.setupLink());
  const page = await world.open(pathname + hash);
  await page.getByRole('heading', { name: world.gateway.data ? 'Welcome to Tidegate' : 'Choose a password' }).waitFor();
  assert.equal(new URL(page.url()).hash, '', 'the token stays in the address');
  await world.accessible(page, 'the set-up');
  if (world.gateway.data) await world.reads(page.locator('body'), 'setup');
  await world.picture(page, 'setup');
  await tabTo(page, 'Password');
  await page.keyboard.type('short');
  await tabTo(page, 'Password again');
  await page.keyboard.type('short');
  await page.keyboard.press('Enter');
  await page.getByText(/at least 12/i).last().waitFor();
  for (const name of ['Password', 'Password again']) {
    await page.getByLabel(name, { exact: true }).focus();
    await page.keyboard.press('Control+A');
    await page.keyboard.type(PASSWORD);
  }
  await page.keyboard.press('Enter');

  if (!world.gateway.data) {
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    await page.goto(`${world.gateway.url}/ui/start`);
  }
  await page.getByRole('heading', { name: 'First steps' }).waitFor();
  await tabTo(page, 'Another host');
  await page.keyboard.press('Enter');
  await tabTo(page, 'Name');
  await page.keyboard.type('lab');
  await tabTo(page, 'Address');
  await page.keyboard.type(world.provider.url);
  await tabTo(page, 'Models');
  await page.keyboard.type('lab-1, lab-2, broken');
  await tabTo(page, 'Key of Another host');
  await page.keyboard.type('sk-lab-0123456789abcdef');
  await page.keyboard.press('Enter');
  await page.getByText('✓ lab').waitFor();

  await tabTo(page, 'Make the key');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: '3. A first request' }).waitFor();
  world.key = (await page.getByLabel('Client key', { exact: true }).textContent()).trim();
  assert.match(world.key, /^tg_/);
  for (const tool of ['Python', 'Node', 'Claude Code', 'Codex', 'LangChain', 'curl']) {
    await page.getByRole('button', { name: tool, exact: true }).click();
    assert.ok((await page.getByLabel(`Snippet for ${tool}`, { exact: true }).textContent()).includes(world.key), `${tool} has the key`);
  }
  await world.accessible(page, 'the first steps');
  await world.picture(page, 'start');
  await tabTo(page, 'Send one from here');
  await page.keyboard.press('Enter');
  await page.getByText('The first request has come.').waitFor();
  await page.getByText('“You said: Hello, Tidegate!”').waitFor();
  await page.getByText('lab-1 → lab/lab-1').waitFor();
  await page.getByRole('link', { name: 'To the overview' }).click();
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
  await world.keep('admin', page);
}

async function spent(world) {
  const page = await world.open('/setup#t=spent-long-ago');
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByLabel('Password again').fill(PASSWORD);
  await page.getByRole('button', { name: 'Make the admin' }).click();
  await page.getByText('This link is not good, or not any more.').waitFor();
}

export const cases = [
  ['a fresh server says how it is set up', unclaimed],
  ['set-up with the keyboard alone, to the first request', setUp, true],
  ['a link that has served is refused', spent],
];
