// Are providers, keys, models and groups made, changed and removed as people do it?
import assert from 'node:assert/strict';

async function providers(world) {
  const page = await world.open('/ui/providers', { as: 'admin' });
  await page.getByRole('button', { name: 'Add a provider' }).click();
  await page.getByRole('button', { name: 'Demo (no key needed)' }).click();
  await page.getByRole('button', { name: 'Add Demo' }).click();
  await page.getByRole('heading', { name: 'demo', exact: true }).waitFor();
  await page.getByText('demo is added.').waitFor();
  await page.locator('summary', { hasText: 'More' }).click();
  await page.getByLabel('Keys take turns').selectOption('weighted');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('demo is saved.').waitFor();
  assert.equal((await world.gateway.api('GET', '/api/providers/demo')).rotation, 'weighted');
  await page.goto(`${world.gateway.url}/ui/providers`);
  await page.locator('tbody tr', { hasText: 'lab' }).getByText('up').or(page.locator('tbody tr', { hasText: 'lab' }).getByText('shaky')).waitFor();
}

async function providerConflict(world) {
  const page = await world.open('/ui/providers/demo', { as: 'admin' });
  await world.settled(page);
  await page.locator('summary', { hasText: 'More' }).click();
  await page.getByLabel('Keys take turns').selectOption('least_used');
  await world.gateway.api('PATCH', '/api/providers/demo', { models: ['echo', 'echo-2'] }, { 'if-match': '*' });
  await page.getByRole('button', { name: 'Save' }).click();
  const clash = page.getByRole('alert');
  await clash.getByText('Somebody else has changed this meanwhile').waitFor();
  await clash.getByText('least_used').waitFor();
  await clash.getByText('["echo","echo-2"]').waitFor();
  await clash.getByRole('button', { name: 'Take theirs' }).click();
  assert.equal(await page.getByLabel('Models').inputValue(), 'echo, echo-2');
}

async function removed(world) {
  const page = await world.open('/ui/providers/demo', { as: 'admin' });
  await page.getByRole('button', { name: 'Remove' }).click();
  const question = page.getByRole('dialog');
  await question.getByText('The provider demo and all of its keys').waitFor();
  await page.keyboard.press('Escape');
  await question.waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Remove' }).click();
  await question.getByRole('button', { name: 'Remove demo and its keys' }).click();
  await page.waitForURL('**/ui/providers');
  await page.getByText('demo is removed.').waitFor();
  assert.equal(await page.getByRole('link', { name: 'demo', exact: true }).count(), 0);
}

async function keys(world) {
  const page = await world.open('/ui/keys', { as: 'admin' });
  await page.getByRole('button', { name: 'Add keys' }).click();
  await page.getByLabel('Provider or proxy').selectOption('lab');
  await page.getByRole('textbox', { name: 'Keys' }).fill('sk-second-0123456789\nsk-third-0123456789ab\nsk-second-0123456789');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await page.getByText('2 keys are added to lab, 1 were there already.').waitFor();
  const row = page.locator('tbody tr', { hasText: '…89ab' });
  await row.getByText('ready').waitFor();
  await row.getByRole('button', { name: /^Test/ }).click();
  await row.getByText(/tested: 200 after/).waitFor();
  await row.getByText('good', { exact: true }).waitFor();
  assert.equal(await page.getByText('sk-third').count(), 0, 'a secret is never shown');
  await row.getByRole('button', { name: /^Change/ }).click();
  await page.getByLabel('Label').fill('the third');
  await page.getByLabel('Requests a minute').fill('100');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('The key is saved.').waitFor();
  const named = page.locator('tbody tr', { hasText: 'the third' });
  await named.getByText('100 requests a minute').waitFor();
  await named.getByRole('button', { name: /^Turn off/ }).click();
  await named.getByText('off', { exact: true }).waitFor();
  await named.getByRole('button', { name: /^Forget/ }).click();
  await page.getByRole('dialog').getByText('Tidegate cannot give it back').waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Forget the key' }).click();
  await named.waitFor({ state: 'detached' });
}

async function models(world) {
  const page = await world.open('/ui/models?show=all', { as: 'admin' });
  await world.settled(page);
  await page.keyboard.press('/');
  await page.keyboard.type('gpt-4o mini');
  const row = page.locator('tbody tr', { hasText: 'gpt-4o-mini' }).first();
  await row.getByRole('button', { name: 'Change' }).click();
  await page.getByLabel('A price of your own').check();
  await page.getByLabel('Prompt', { exact: true }).fill('0.5');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText(/is saved/).waitFor();
  await row.getByText('own price').waitFor();
  await row.getByText('0.5', { exact: true }).waitFor();
  await row.getByRole('button', { name: 'Turn off' }).click();
  await row.getByText('off', { exact: true }).waitFor();
}

async function groups(world) {
  const page = await world.open('/ui/groups', { as: 'admin' });
  await page.getByRole('link', { name: 'dispatcher' }).waitFor();
  // The tree goes through groups to models.
  await page.locator('section', { hasText: 'dispatcher' }).getByText('deepseek-v4-pro').first().waitFor();
  await page.locator('section', { hasText: 'dispatcher' }).getByText('rated 1 to 3').waitFor();
  await page.getByRole('button', { name: 'Make a group' }).click();
  await page.getByLabel('Name', { exact: true }).fill('tides');
  await page.getByLabel('How a target is picked').selectOption('heuristic');
  await page.getByLabel('Target 1', { exact: true }).fill('lab-1');
  await page.getByRole('button', { name: 'Add a target' }).click();
  await page.getByLabel('Target 2', { exact: true }).fill('lab-2');
  await page.getByRole('button', { name: 'Add a rule' }).click();
  await page.getByLabel('Rule 1: to').selectOption('lab-2');
  await page.getByLabel('Keywords').fill('debug, step by step');
  await page.getByLabel('Keywords').blur();
  await page.getByLabel('Where it leads').getByText('“debug” or “step by step”').waitFor();
  await page.getByRole('button', { name: 'Save' }).click();
  await page.waitForURL('**/ui/groups/tides');
  await page.waitForTimeout(2500);
  const asked = await world.gateway.chat(world.key, 'tides', 'Please debug this');
  await page.waitForTimeout(500);
  const record = await world.gateway.api('GET', `/api/records/${asked.id}`);
  assert.equal(record.model, 'lab-2', 'the rule holds');
  await page.goto(`${world.gateway.url}/ui/requests/${asked.id}`);
  await page.getByText('group, heuristic').waitFor();
  await page.getByText('the keyword `debug`').waitFor();
  await page.getByRole('cell', { name: 'lab/lab-2' }).waitFor();
}

async function playground(world) {
  const page = await world.open('/ui/playground?model=tides', { as: 'admin' });
  await page.getByRole('button', { name: 'Make a key for an hour' }).click();
  await page.waitForFunction(() => document.querySelector('input[placeholder="tg_…"]').value.startsWith('tg_'));
  for (const dialect of ['Chat Completions', 'Responses', 'Anthropic', 'Gemini']) {
    for (const stream of [true, false]) {
      await page.getByRole('button', { name: dialect, exact: true }).click();
      await page.getByLabel('As a stream').setChecked(stream);
      await page.getByLabel('Prompt').fill(`Hello in ${dialect}, ${stream}`);
      await page.keyboard.press('Control+Enter');
      await page.locator('pre.said', { hasText: `You said: Hello in ${dialect}, ${stream}` }).waitFor();
      await page.getByText('in all').waitFor();
    }
  }
  await page.locator('summary', { hasText: 'The raw exchange' }).click();
  await page.getByText('POST /v1beta/models/tides:generateContent').waitFor();
  await page.locator('section').getByRole('link').click();
  await page.getByRole('heading', { name: 'Request', exact: true }).waitFor();
  // The page forgets the key, and the next one is another of the same client.
  const made = () => page.waitForFunction(() => document.querySelector('input[placeholder="tg_…"]').value.startsWith('tg_'));
  await page.goto(`${world.gateway.url}/ui/playground?model=lab-1`);
  await page.getByRole('button', { name: 'Make a key for an hour' }).click();
  await made();
  await page.getByLabel('Prompt').fill('Hello again');
  await page.keyboard.press('Control+Enter');
  await page.locator('pre.said', { hasText: 'You said: Hello again' }).waitFor();
}

async function simulated(world) {
  const page = await world.open('/ui/groups/tides', { as: 'admin' });
  const panel = page.getByRole('region', { name: 'Simulate a prompt' });
  await panel.getByLabel('Prompt to simulate').fill('Please debug this');
  await panel.getByRole('button', { name: 'Simulate' }).click();
  const turns = panel.locator('li', { has: page.locator('.tag') });
  const way = panel.locator('li', { hasText: 'rule 1' });
  await way.getByText('asked first').waitFor();
  await way.getByText('lab-2').first().waitFor();
  await way.getByText(/\$[0-9.]+ to \$[0-9.]+|no price is known/).waitFor();
  assert.match(await turns.last().textContent(), /turn 2.*lab-1/, 'the other target comes after it');
  const group = { strategy: 'priority', targets: [{ name: 'never-heard-of', weight: 1 }, { name: 'tides', weight: 1 }] };
  await world.gateway.api('PUT', '/api/groups/shoals', group);
  await page.waitForTimeout(2500);
  await panel.getByLabel('Model').fill('shoals');
  await panel.getByRole('button', { name: 'Simulate' }).click();
  await panel.getByRole('heading', { name: 'The way of shoals' }).waitFor();
  await panel.getByRole('heading', { name: 'Passed over on the way' }).waitFor();
  await panel.getByRole('listitem').filter({ hasText: 'never-heard-of' }).waitFor();
  await panel.locator('li', { hasText: 'tides' }).locator('li', { hasText: 'rule 1' }).getByText('asked first').waitFor();
  await world.accessible(page, 'a simulation');
  await panel.scrollIntoViewIfNeeded();
  await world.picture(page, 'simulate');
  await panel.getByLabel('Model').fill('no-such-model');
  await panel.getByRole('button', { name: 'Simulate' }).click();
  await panel.getByRole('alert').waitFor();
  await world.gateway.api('DELETE', '/api/groups/shoals', undefined, { 'if-match': '*' });
}

async function groupGone(world) {
  const page = await world.open('/ui/groups/tides', { as: 'admin' });
  await page.getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete tides' }).click();
  await page.getByText('The group tides is deleted.').waitFor();
}

async function proxies(world) {
  const page = await world.open('/ui/proxies', { as: 'admin' });
  await page.getByRole('heading', { name: 'No proxy yet' }).waitFor();
  await page.getByRole('button', { name: 'Add a proxy' }).first().click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name', { exact: true }).fill('search');
  await dialog.getByLabel('Address').fill(new URL(world.provider.url).origin);
  await dialog.getByLabel('The key goes into').selectOption('header');
  await dialog.getByLabel('Name of the header').fill('host');
  await dialog.getByLabel('Paths that pass').fill('/items');
  await dialog.getByLabel('GET').check();
  await dialog.getByLabel('First key').fill('token-of-search-0001');
  await dialog.getByRole('button', { name: 'Add the proxy' }).click();
  await dialog.getByText('Name the header or the parameter that takes the key.').first().waitFor();
  await dialog.getByLabel('Name of the header').fill('X-Api-Token');
  await dialog.getByRole('button', { name: 'Add the proxy' }).click();
  await page.getByRole('heading', { name: 'search', exact: true }).waitFor();
  const line = await page.getByLabel('A request through the proxy', { exact: true }).textContent();
  assert.equal(line.trim(), `curl '${world.gateway.url}/proxy/search/items' -H 'x-tidegate-key: YOUR_CLIENT_KEY'`);
  await page.getByRole('button', { name: 'Add keys' }).click();
  await dialog.getByRole('textbox', { name: 'Keys' }).fill('token-of-search-0002\ntoken-of-search-0001');
  await dialog.getByRole('button', { name: 'Add', exact: true }).click();
  await page.getByText('1 key is added to the proxy search, 1 were there already.').waitFor();
  // The process that answers looks for changes every two seconds.
  await page.locator('tbody tr', { hasText: '…0002' }).getByText('ready').waitFor();
  const asked = await fetch(`${world.gateway.url}/proxy/search/items`, { headers: { 'x-tidegate-key': world.key } });
  assert.equal(asked.status, 200);
  const closed = await fetch(`${world.gateway.url}/proxy/search/other`, { headers: { 'x-tidegate-key': world.key } });
  assert.equal(closed.status, 403, 'only what is named passes');
  await page.getByText('Answered last').waitFor();
  await page.goto(`${world.gateway.url}/ui/proxies`);
  await page.locator('tbody tr', { hasText: 'search' }).getByText('2 of 2').waitFor();
  await page.keyboard.press('Control+k');
  await page.keyboard.type('search');
  await page.getByRole('option', { name: 'search Proxy' }).click();
  await page.waitForURL('**/ui/proxies/search');
}

async function proxyConflict(world) {
  const page = await world.open('/ui/proxies/search', { as: 'admin' });
  await world.settled(page);
  await page.getByLabel('Keys take turns').selectOption('weighted');
  await world.gateway.api('PATCH', '/api/proxies/search', { paths: ['/items', '/more'] }, { 'if-match': '*' });
  await page.getByRole('button', { name: 'Save' }).click();
  const clash = page.getByRole('alert');
  await clash.getByText('Somebody else has changed this meanwhile').waitFor();
  await clash.getByText('weighted').waitFor();
  await clash.getByText('["/items","/more"]').waitFor();
  await clash.getByRole('button', { name: 'Keep mine, then save' }).click();
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('search is saved.').waitFor();
  const { rotation, paths } = await world.gateway.api('GET', '/api/proxies/search');
  assert.deepEqual([rotation, paths], ['weighted', ['/items']]);
}

async function proxyRemoved(world) {
  await world.gateway.api('PUT', '/api/proxies/passing', { base_url: world.provider.url });
  const page = await world.open('/ui/proxies/passing', { as: 'admin' });
  await page.getByRole('button', { name: 'Remove' }).click();
  const question = page.getByRole('dialog');
  await question.getByText('The proxy passing and all of its keys').waitFor();
  await question.getByRole('button', { name: 'Remove passing and its keys' }).click();
  await page.waitForURL('**/ui/proxies');
  await page.getByText('passing is removed.').waitFor();
  await page.getByRole('link', { name: 'search', exact: true }).waitFor();
  assert.equal(await page.getByRole('link', { name: 'passing', exact: true }).count(), 0);
}

export const cases = [
  ['a provider is added and changed', providers, true],
  ['two people change one provider, and both versions are shown', providerConflict],
  ['a provider is removed after a question that names it', removed],
  ['keys are added in numbers, changed, switched and forgotten', keys],
  ['a model is found, priced and turned off', models],
  ['a group is built, and leads where its rule says', groups, true],
  ['the playground speaks four dialects, streamed and whole', playground],
  ['a simulated prompt shows its way, and what is passed over', simulated],
  ['a group is deleted', groupGone],
  ['a proxy is added with its keys, and passes what it may', proxies, true],
  ['two people change one proxy, and both versions are shown', proxyConflict],
  ['a proxy is removed after a question that names it', proxyRemoved],
];
