// Are changes told, and are settings set?
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

async function audit(world) {
  const page = await world.open('/ui/audit', { as: 'admin' });
  await world.settled(page);
  await page.getByLabel('Kind').selectOption('team');
  await page.waitForURL('**kind=team**');
  const change = page.locator('li', { hasText: 'harbour' }).last();
  await change.locator('summary').click();
  await change.getByText('limits').waitFor();
  await page.getByLabel('Who').fill('nobody at all');
  await page.getByLabel('Who').blur();
  await page.getByRole('heading', { name: 'No change fits' }).waitFor();
}

async function settings(world) {
  const page = await world.open('/ui/settings', { as: 'admin' });
  await page.getByLabel('Days that records are kept').fill('45');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('The settings are saved.').waitFor();
  await page.reload();
  await world.settled(page);
  if ((await page.getByLabel('Days that records are kept').inputValue()) !== '45') throw new Error('it is not kept');
  await page.getByRole('button', { name: 'Price again' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Price them again' }).click();
  await page.getByText(/records looked at/).first().waitFor();
}

async function exported(world) {
  const page = await world.open('/ui/settings', { as: 'admin' });
  await world.settled(page);
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Export the configuration' }).click()]);
  assert.match(download.suggestedFilename(), /^tidegate-\d{4}-\d\d-\d\d\.json$/);
  const text = readFileSync(await download.path(), 'utf8');
  const file = JSON.parse(text);
  const named = (rows) => rows.map((row) => row.id);
  assert.equal(file.tidegate, 1);
  assert.equal(named(file.providers).includes('lab'), true);
  assert.equal(named(file.groups).includes('dispatcher'), true);
  assert.equal(named(file.teams).includes('harbour'), true);
  assert.equal(named(file.proxies).includes('search'), true);
  for (const secret of ['sk-', 'token-of-search', world.key]) assert.equal(text.includes(secret), false, `${secret} leaves in the file`);
}

export const cases = [
  ['the audit log says what changed', audit],
  ['settings are set, and past records priced again', settings],
  ['the configuration leaves as one file without secrets', exported],
];
