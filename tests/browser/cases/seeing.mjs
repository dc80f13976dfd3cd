// Do numbers and the log say what was asked?
import assert from 'node:assert/strict';

const EVIL = '<img src=x onerror="alert(1)"><script>alert(2)</script>';

/** Some traffic: what goes well, what streams, what fails, and what would like to be a script. */
async function traffic(world) {
  const { gateway, key } = world;
  for (let turn = 0; turn < 6; turn += 1) await gateway.chat(key, 'lab-1', `Hello for the ${turn}th time`);
  for (let turn = 0; turn < 3; turn += 1) await gateway.chat(key, 'lab-2', 'Hello in a stream', true);
  world.failed = await gateway.chat(key, 'broken', 'Hello');
  world.evil = await gateway.chat(key, `lab/${EVIL}`.replaceAll(' ', ''), `say: ${EVIL}`);
  assert.equal(world.failed.status >= 400, true);
}

async function overview(world) {
  const page = await world.open('/', { as: 'admin' });
  await page.waitForURL('**/ui/overview');
  await world.settled(page);
  const tile = page.locator('.tile', { hasText: 'Requests' });
  await tile.getByText('12', { exact: true }).waitFor();
  for (const by of ['Model', 'Client', 'Team', 'Provider']) {
    await page.getByRole('group', { name: 'Kept apart by' }).getByRole('button', { name: by }).click();
    await page.getByRole('heading', { name: `By ${by.toLowerCase()}` }).waitFor();
    await page.locator('table tbody tr').first().waitFor();
  }
  assert.match(page.url(), /by=provider/);
  await page.getByRole('link', { name: 'lab', exact: true }).waitFor();
  await page.getByRole('group', { name: 'Range' }).getByRole('button', { name: '7 days' }).click();
  assert.match(page.url(), /range=7d/);
  await page.locator('canvas').waitFor();
  await page.reload();
  assert.equal(await page.getByRole('button', { name: '7 days' }).getAttribute('aria-pressed'), 'true');
}

async function requests(world) {
  const page = await world.open('/ui/requests', { as: 'admin' });
  await world.settled(page);
  await page.getByText('12 shown').waitFor();
  await page.getByLabel('Outcome').selectOption('failed');
  await page.waitForURL('**failed=true**');
  const row = page.locator('tbody tr', { hasText: 'broken' });
  await row.getByRole('link').click();
  await page.waitForURL(`**/ui/requests/${world.failed.id}`);
  await page.getByRole('heading', { name: 'The way it took' }).waitFor();
  await page.getByText('tried last').waitFor();
  await page.goBack();
  assert.equal(await page.getByLabel('Outcome').inputValue(), 'true', 'the way back keeps the filter');
  await page.getByLabel('Outcome').selectOption('any');
  await page.getByLabel('Model').fill('lab-2');
  await page.keyboard.press('Enter');
  await page.getByText('3 shown').waitFor();
}

async function following(world) {
  const page = await world.open('/ui/requests', { as: 'admin' });
  await page.getByText('12 shown').waitFor();
  await page.getByRole('button', { name: 'Follow' }).click();
  await world.gateway.chat(world.key, 'lab-1', 'Hello while somebody looks');
  await page.getByText('13 shown, following').waitFor();
}

async function live(world) {
  const page = await world.open('/ui/live', { as: 'admin' });
  const first = page.locator('tbody tr a').first();
  await first.waitFor();
  const asked = await world.gateway.chat(world.key, 'lab-1', 'Hello while it streams by');
  await page.locator(`tbody a[href$="${asked.id}"]`).waitFor();
  assert.match(await first.getAttribute('href'), new RegExp(`${asked.id}$`), 'the newest is on top');
  await page.getByRole('button', { name: 'Pause' }).click();
  await page.getByText('paused').waitFor();
  const unseen = await world.gateway.chat(world.key, 'lab-1', 'Hello while it is paused');
  await page.waitForTimeout(3000);
  assert.equal(await page.locator(`tbody a[href$="${unseen.id}"]`).count(), 0, 'a paused list stands still');
  await page.getByRole('button', { name: 'Go on' }).click();
  await page.locator(`tbody a[href$="${unseen.id}"]`).waitFor();
  await page.getByLabel('Model').fill('lab-2');
  await page.keyboard.press('Enter');
  await page.waitForURL('**model=lab-2');
  await page.locator(`tbody a[href$="${asked.id}"]`).waitFor({ state: 'detached' });
  await page.locator('tbody tr', { hasText: 'lab-2' }).first().waitFor();
  await page.getByLabel('Model').fill('');
  await page.keyboard.press('Enter');
  await page.locator(`tbody a[href$="${unseen.id}"]`).click();
  await page.waitForURL(`**/ui/requests/${unseen.id}`);
}

/** More than the list holds: each is shown or counted, and the list stays as short as it is. */
async function crowd(world) {
  const page = await world.open('/ui/live', { as: 'admin' });
  await page.locator('tbody tr a').first().waitFor();
  const before = new Set(await page.locator('tbody tr a').evaluateAll((links) => links.map((link) => link.href)));
  await page.getByRole('button', { name: 'Pause' }).click();
  const MANY = 160;
  for (let turn = 0; turn < MANY; turn += 1) await world.gateway.chat(world.key, 'lab-1', 'One of a crowd');
  await page.waitForTimeout(1500);
  await page.getByRole('button', { name: 'Go on' }).click();
  await page.getByText('100 shown, 60 skipped').waitFor();
  const shown = await page.locator('tbody tr a').evaluateAll((links) => links.map((link) => link.href));
  assert.equal(shown.length, 100);
  assert.equal(shown.filter((href) => before.has(href)).length, 0);
}

/** Nobody looks, and nothing is asked. */
async function hidden(world) {
  const page = await world.open('/ui/live', { as: 'admin' });
  await page.locator('tbody tr a').first().waitFor();
  let asked = 0;
  page.on('request', (request) => { if (request.url().includes('/api/records')) asked += 1; });
  const hide = (hidden) => page.evaluate((hidden) => { Object.defineProperty(document, 'hidden', { value: hidden, configurable: true }); }, hidden);
  await hide(true);
  await page.waitForTimeout(500);
  asked = 0;
  await page.waitForTimeout(5000);
  assert.equal(asked, 0, 'a hidden page asks');
  await hide(false);
  await page.waitForRequest((request) => request.url().includes('/api/records'));
}

async function paging(world) {
  for (let turn = 0; turn < 60; turn += 1) await world.gateway.chat(world.key, 'lab-1', 'One of many');
  const page = await world.open('/ui/requests', { as: 'admin' });
  await page.getByText('50 shown').waitFor();
  await page.getByRole('button', { name: 'Older ones' }).click();
  const { data } = await world.gateway.api('GET', '/api/records?limit=100');
  await page.getByText(`${data.length} shown`).waitFor();
  const ids = await page.locator('tbody tr a').evaluateAll((links) => links.map((link) => link.href));
  assert.equal(new Set(ids).size, data.length, 'no request twice');
}

async function captured(world) {
  const page = await world.open('/ui/settings', { as: 'admin' });
  await page.getByRole('group', { name: 'Clients', exact: true }).getByLabel('my-first-app').check();
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('The settings are saved.').waitFor();
  // The process that answers looks at settings every two seconds.
  await page.waitForTimeout(3000);
  const evil = await world.gateway.chat(world.key, 'lab-1', `say: ${EVIL}`);
  await page.waitForTimeout(1000);
  await page.goto(`${world.gateway.url}/ui/requests/${evil.id}`);
  await page.getByRole('button', { name: 'Show the bodies' }).click();
  await page.getByLabel('Body of the answer', { exact: true }).getByText('<img src=x').waitFor();
  assert.equal(await page.locator('main img, main script').count(), 0, 'it is text, not elements');
  await page.goto(`${world.gateway.url}/ui/requests/${world.evil.id}`);
  await page.getByText('<imgsrc=x').first().waitFor();
  assert.equal(await page.locator('main img, main script').count(), 0, 'it is text, not elements');
}

/** An answer that is given again says so, and that nobody was asked. */
async function recalled(world) {
  const page = await world.open('/ui/settings', { as: 'admin' });
  await page.getByRole('group', { name: 'Clients given answers again' }).getByLabel('my-first-app').check();
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('The settings are saved.').waitFor();
  // The process that answers looks at settings every two seconds.
  await page.waitForTimeout(3000);
  await world.gateway.chat(world.key, 'lab-1', 'once more');
  await page.waitForTimeout(1000);
  const again = await world.gateway.chat(world.key, 'lab-1', 'once more');
  await page.waitForTimeout(1000);
  await page.goto(`${world.gateway.url}/ui/requests/${again.id}`);
  await page.getByText('given as it had been given before').waitFor();
  await page.getByText('answered before by').waitFor();
  await world.gateway.api('PATCH', '/api/settings', { recall: { clients: [] } }, { 'if-match': '*' });
}

async function system(world) {
  const page = await world.open('/ui/system', { as: 'admin' });
  await page.getByText('Up for').waitFor();
  await page.getByRole('meter', { name: 'Memory in use' }).waitFor();
}

/** The page Live tells how the process bears it, and when a key begins to rest. */
async function happenings(world) {
  const page = await world.open('/ui/live', { as: 'admin' });
  await world.settled(page);
  await page.getByText('Under way').waitFor();
  await page.getByText('Processors').waitFor();
  await world.gateway.api('PUT', '/api/providers/reef', { dialect: 'openai_chat', base_url: world.provider.url, models: ['reef-1'] });
  await world.gateway.api('POST', '/api/keys', { provider: 'reef', secret: 'sk-refused' });
  // Settings are looked at every two seconds.
  await page.waitForTimeout(3000);
  assert.equal(await page.getByText('A key of reef rests').count(), 0, 'nothing has happened yet');
  await world.gateway.chat(world.key, 'reef-1', 'Hello');
  await page.getByRole('log').getByText('A key of reef rests').waitFor();
  await world.accessible(page, 'what happens to providers');
  await world.picture(page, 'happenings');
  await world.gateway.api('DELETE', '/api/providers/reef', undefined, { 'if-match': '*' });
}

async function refusal(world) {
  const page = await world.open('/ui/requests/no-such-request', { as: 'admin' });
  await page.getByRole('alert').getByText('There is no record').waitFor();
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByRole('alert').getByText('Status 404').waitFor();
}

export const cases = [
  ['traffic of all kinds', traffic, true],
  ['the overview has its numbers, its breakdowns and its ranges', overview],
  ['requests are filtered, opened, and found again by the way back', requests],
  ['new requests appear while somebody follows', following],
  ['older requests come page by page', paging],
  ['the live page shows what comes, pauses, filters and leads on', live],
  ['a crowd on the live page is shown or counted', crowd],
  ['a hidden live page asks nothing', hidden],
  ['captured bodies are text, whatever they would like to be', captured],
  ['an answer that is given again says so', recalled],
  ['the system page shows the machine', system],
  ['the live page tells how the process is and what happens to providers', happenings],
  ['what is not there is told, and can be tried again', refusal],
];
