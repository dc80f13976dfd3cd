// Do clients, teams and users come and go, and does a viewer see what a viewer may?
import assert from 'node:assert/strict';
import { OTHER_PASSWORD, PASSWORD } from '../people.mjs';

async function teams(world) {
  const page = await world.open('/ui/teams', { as: 'admin' });
  await page.getByRole('heading', { name: 'No team yet' }).waitFor();
  await page.getByRole('button', { name: 'Make a team' }).first().click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Id').fill('harbour');
  await dialog.getByLabel('Name').fill('Harbour');
  await dialog.getByRole('button', { name: 'Add a limit' }).click();
  await dialog.getByLabel('Limit 1: of what').selectOption('requests');
  await dialog.getByLabel('Limit 1: how much').fill('5');
  await dialog.getByLabel('Limit 1: in which time').selectOption('day');
  await dialog.getByRole('button', { name: 'Make the team' }).click();
  await page.getByText('The team Harbour is made.').waitFor();
  await page.getByText('5 requests a day').waitFor();
}

async function clients(world) {
  const page = await world.open('/ui/clients', { as: 'admin' });
  await page.getByRole('button', { name: 'Make a client' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill('crane');
  await dialog.getByLabel('Team').selectOption('harbour');
  await dialog.getByRole('button', { name: 'Make the client' }).click();
  await page.getByRole('heading', { name: 'The key of crane' }).waitFor();
  world.crane = (await page.getByLabel('Client key', { exact: true }).textContent()).trim();
  await page.getByRole('button', { name: 'Copy: Client key' }).click();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), world.crane);
  await page.getByRole('button', { name: 'I have it' }).click();
  await page.waitForTimeout(2500);
  for (let turn = 0; turn < 4; turn += 1) assert.equal((await world.gateway.chat(world.crane, 'lab-1', 'Lift')).status, 200);
  await page.goto(`${world.gateway.url}/ui/teams/harbour`);
  await page.getByText('4 used, 1 left').waitFor();
  assert.equal(await page.getByRole('meter').getAttribute('aria-valuenow'), '80');
  await page.goto(`${world.gateway.url}/ui/overview`);
  await page.getByRole('link', { name: 'Harbour: 80 % of 5 requests a day' }).click();
  await page.waitForURL('**/ui/teams/harbour');
}

async function rotation(world) {
  const page = await world.open('/ui/clients', { as: 'admin' });
  await page.getByRole('link', { name: 'crane' }).click();
  await page.getByRole('button', { name: 'Rotate the key' }).click();
  await page.getByLabel('How long does the present key work on?').selectOption({ label: 'Not at all: it stops now' });
  await page.getByRole('button', { name: 'Make another key' }).click();
  const key = (await page.getByLabel('Client key', { exact: true }).textContent()).trim();
  assert.notEqual(key, world.crane);
  await page.getByRole('button', { name: 'I have it' }).click();
  await page.waitForTimeout(500);
  assert.equal((await world.gateway.chat(world.crane, 'lab-1', 'Lift')).status, 401, 'the old key has stopped');
  // The rotation must not be in the way of a change that comes after it.
  await page.getByLabel('Models').fill('lab-1');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('crane is saved.').waitFor();
  await page.waitForTimeout(2500);
  assert.equal((await world.gateway.chat(key, 'lab-2', 'Lift')).status, 403, 'the limit on models holds');
  await page.getByRole('button', { name: 'Revoke' }).click();
  await page.getByRole('dialog').getByText('Every application that calls with the key of crane').waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke crane' }).click();
  await page.getByText('crane is revoked.').waitFor();
  assert.equal((await world.gateway.chat(key, 'lab-1', 'Lift')).status, 401, 'the key has ended');
}

async function users(world) {
  const page = await world.open('/ui/users', { as: 'admin' });
  await page.getByRole('button', { name: 'Make a user' }).click();
  await page.getByRole('dialog').getByLabel('Name').fill('vera');
  await page.getByRole('button', { name: 'Make the user' }).click();
  const link = (await page.getByLabel('One-time link', { exact: true }).textContent()).trim();
  const { pathname, hash } = new URL(link);
  const hers = await world.open(pathname + hash);
  await hers.getByRole('heading', { name: 'Choose a password' }).waitFor();
  await hers.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await hers.getByLabel('Password again').fill(PASSWORD);
  await hers.getByRole('button', { name: 'Set the password' }).click();
  await hers.getByRole('heading', { name: 'Overview' }).waitFor();
  await world.keep('viewer', hers);
}

async function viewer(world) {
  const page = await world.open('/ui/overview', { as: 'viewer' });
  await world.settled(page);
  const nav = await page.getByRole('navigation', { name: 'Pages' }).getByRole('link').allTextContents();
  assert.deepEqual(nav, ['Overview', 'Live', 'Requests', 'System', 'Providers', 'Models', 'Groups', 'Proxies', 'Playground', 'Clients', 'Teams', 'Settings']);
  await world.reads(page.getByRole('navigation', { name: 'Pages' }), 'navigation-viewer');
  for (const hidden of ['users', 'keys', 'audit', 'start']) {
    await page.goto(`${world.gateway.url}/ui/${hidden}`);
    await page.getByRole('heading', { name: 'Only for admins' }).waitFor();
  }
  for (const [path, change] of [['providers/lab', 'Save'], ['clients', 'Make a client'], ['teams/harbour', 'Save'], ['groups/dispatcher', 'Save'], ['proxies', 'Add a proxy'], ['proxies/search', 'Save'], ['settings', 'Save']]) {
    await page.goto(`${world.gateway.url}/ui/${path}`);
    await world.settled(page);
    assert.equal(await page.getByRole('button', { name: change }).count(), 0, `${path} offers a change`);
  }
  await page.goto(`${world.gateway.url}/ui/settings`);
  await page.getByRole('button', { name: 'Export the configuration' }).waitFor();
  assert.equal(await page.getByLabel('Import a configuration…').count(), 0, 'a viewer imports nothing');
  await page.goto(`${world.gateway.url}/ui/requests`);
  await page.locator('tbody tr a').first().click();
  await page.getByRole('heading', { name: 'The way it took' }).waitFor();
  assert.equal(await page.getByRole('button', { name: 'Show the bodies' }).count(), 0);
  const refused = await page.evaluate(async () => {
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"name": "sneaky"}' };
    return (await fetch('/api/clients', init)).status;
  });
  assert.equal(refused, 403, 'the server refuses it too');
}

async function reset(world) {
  const page = await world.open('/ui/users', { as: 'admin' });
  await page.getByLabel('Role of vera').selectOption('admin');
  await page.getByText('vera is saved.').waitFor();
  await page.getByRole('button', { name: 'Reset vera' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Reset vera' }).click();
  await page.getByLabel('One-time link', { exact: true }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Delete vera' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete vera' }).click();
  await page.getByText('vera is deleted.').waitFor();
  await page.getByRole('button', { name: 'Turn off admin' }).click();
  await page.getByRole('alert').getByText('admin').first().waitFor();
}

async function account(world) {
  const page = await world.open('/ui/account', { as: 'admin' });
  await page.getByLabel('Password until now').fill('not this one at all');
  await page.getByLabel('New password', { exact: true }).fill(OTHER_PASSWORD);
  await page.getByLabel('New password again').fill(OTHER_PASSWORD);
  await page.getByRole('button', { name: 'Change the password' }).click();
  await page.getByText('The current password is not this one.').waitFor();
  await page.getByLabel('Password until now').fill(PASSWORD);
  await page.getByRole('button', { name: 'Change the password' }).click();
  await page.getByText('The password is changed.').waitFor();
  await world.keep('admin', page);
}

async function sessions(world) {
  const elsewhere = await world.open('/ui/overview');
  await elsewhere.getByLabel('Name').fill('admin');
  await elsewhere.getByLabel('Password').fill(OTHER_PASSWORD);
  await elsewhere.getByRole('button', { name: 'Sign in' }).click();
  await elsewhere.getByRole('heading', { name: 'Overview' }).waitFor();
  const page = await world.open('/ui/account', { as: 'admin' });
  const panel = page.getByRole('region', { name: 'Sessions' });
  await panel.getByText('this one').waitFor();
  const other = panel.locator('tbody tr').filter({ hasNotText: 'this one' }).first();
  const before = await panel.locator('tbody tr').count();
  await other.getByRole('button', { name: /^End/ }).click();
  await page.getByRole('dialog').getByText('The others go on.').waitFor();
  await page.getByRole('dialog').getByRole('button', { name: /^End the session of/ }).click();
  await page.getByText('The session has ended.').waitFor();
  await panel.locator('tbody tr').nth(before - 1).waitFor({ state: 'detached' });
  await elsewhere.getByRole('navigation').getByRole('link', { name: 'Teams' }).click();
  await elsewhere.getByRole('heading', { name: 'Sign in' }).waitFor();
  await page.reload();
  await panel.getByText('this one').waitFor();
}

export const cases = [
  ['a team is made with a limit', teams, true],
  ['a client is made, and its team has a gauge', clients, true],
  ['a key is rotated, limited and revoked', rotation],
  ['a user chooses a password with a link', users, true],
  ['a viewer sees what a viewer may, and nothing else', viewer],
  ['a user is changed, reset and deleted, and the last admin stays', reset],
  ['a password is changed', account, true],
  ['one session ends, and the others go on', sessions],
];
