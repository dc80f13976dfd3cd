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

/** What a file would do is shown, and done when somebody says so. */
async function imported(world) {
  const page = await world.open('/ui/settings', { as: 'admin' });
  await world.settled(page);
  const choose = (name, file) =>
    page.getByLabel('Import a configuration…').setInputFiles({ name, mimeType: 'application/json', buffer: Buffer.from(file) });
  await choose('broken.json', '{');
  await page.getByRole('alert').getByText('broken.json is not JSON').waitFor();
  const wrong = { tidegate: 1, teams: [{ id: 'a b' }], groups: [{ id: 'g', strategy: 'none', targets: [] }] };
  await choose('wrong.json', JSON.stringify(wrong));
  await page.getByRole('alert').getByText('teams[0].id').waitFor();
  await page.getByRole('alert').getByText('groups[0].strategy').waitFor();
  const said = (id, base_url) => ({ id, dialect: 'openai_chat', base_url });
  const file = { tidegate: 1, providers: [said('moved-in', 'https://llm.example/v1')], teams: [{ id: 'harbour', name: 'Harbour of files' }] };
  await choose('other.json', JSON.stringify(file));
  const plan = page.getByRole('dialog', { name: 'What other.json would do' });
  await plan.getByText('Will be made').waitFor();
  await plan.getByText('Secrets that no file holds').waitFor();
  await page.keyboard.press('Escape');
  await plan.waitFor({ state: 'detached' });
  const { data } = await world.gateway.api('GET', '/api/providers');
  assert.equal(data.some((row) => row.id === 'moved-in'), false, 'nothing is done before somebody says so');
  file.teams = [];
  await choose('other.json', JSON.stringify(file));
  await plan.getByRole('button', { name: 'Change one thing' }).click();
  await page.getByText('1 thing is imported from other.json.').waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Close', exact: true }).last().click();
  await world.gateway.api('DELETE', '/api/providers/moved-in', undefined, { 'if-match': '*' });
}

export const cases = [
  ['the audit log says what changed', audit],
  ['settings are set, and past records priced again', settings],
  ['the configuration leaves as one file without secrets', exported],
  ['a configuration comes in once it was said what it does', imported],
];
