// How does each page look at a gateway that is at work? Takes the pictures of the documentation, in both themes.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Gateway } from './gateway.mjs';
import { claim, remember } from './past.mjs';
import { startProvider } from './provider.mjs';
import { World } from './world.mjs';

const { values } = parseArgs({
  options: {
    server: { type: 'string' },
    chromium: { type: 'string', default: '/usr/bin/chromium' },
    pages: { type: 'string' },
    to: { type: 'string' },
    only: { type: 'string', default: '' },
  },
});

/** Pictures are part of every clone. */
const PICTURE_BYTES_MAX = 60 << 10;
const LOOK = { width: 1160, height: 780 };

const MODELS = [
  { provider: 'openai', model: 'gpt-5', price: [1.25, 10], first_ms: 900, token_ms: 12 },
  { provider: 'openai', model: 'gpt-5-mini', price: [0.25, 2], first_ms: 450, token_ms: 6 },
  { provider: 'anthropic', model: 'claude-sonnet-4-5', price: [3, 15], first_ms: 800, token_ms: 14 },
  { provider: 'anthropic', model: 'claude-haiku-4-5', price: [1, 5], first_ms: 420, token_ms: 6 },
  { provider: 'gemini', model: 'gemini-2.5-flash', price: [0.3, 2.5], first_ms: 380, token_ms: 4 },
  { provider: 'workbench', model: 'gpt-oss-120b', price: [0.15, 0.6], first_ms: 300, token_ms: 5 },
];
const TEAMS = [
  { id: 'support', name: 'Support', limits: [{ dollars: 40, per: 'day' }] },
  { id: 'platform', name: 'Platform', limits: [{ requests: 50_000, per: 'day' }] },
  { id: 'research', name: 'Research', limits: [{ dollars: 900, per: 'month' }] },
  { id: 'agents', name: 'Agents', parent: 'platform', limits: [{ tokens: 2_000_000, per: 'hour' }] },
];
const CLIENTS = [
  { name: 'Help desk', team: 'support', weight: 22, uses: { 'gpt-5-mini': 6, 'claude-haiku-4-5': 3 } },
  { name: 'Call summaries', team: 'support', weight: 9, uses: { 'gemini-2.5-flash': 4, 'gpt-5-mini': 1 } },
  { name: 'Code review', team: 'platform', weight: 7, uses: { 'claude-sonnet-4-5': 5, 'gpt-5': 2 } },
  { name: 'Docs search', team: 'platform', weight: 12, uses: { 'gpt-oss-120b': 5, 'gemini-2.5-flash': 2 } },
  { name: 'Release agent', team: 'agents', weight: 5, uses: { 'claude-sonnet-4-5': 3, 'gpt-5': 3 } },
  { name: 'Notebook', team: 'research', weight: 6, uses: { 'gpt-5': 3, 'claude-sonnet-4-5': 2, 'gpt-oss-120b': 2 } },
];
const SAID = [
  'say: The invoice was sent on Monday. Ask accounting for a copy if it has not come by Thursday.',
  'say: Two functions do the same. Keep the one in money.rs, and let the other one call it.',
  'say: The customer wants the parcel at the office. The address is changed and the courier knows.',
];

const folder = mkdtempSync(join(tmpdir(), 'tidegate-pictures-'));
const provider = await startProvider();
const server = resolve(values.server);
let gateway = await Gateway.server(server, folder);
const world = await World.start({ gateway, provider, chromiumPath: values.chromium, pages: values.pages });

await claim(world, 'ada');
const made = await furnish();
await gateway.stop();
console.log(`${remember('history.py', folder, { clients: made.clients, models: MODELS })} requests remembered`);
gateway = await Gateway.server(server, folder);
world.gateway = gateway;
const request = await work(made);
await take(request);

await world.stop();
await gateway.stop();
await provider.close();
rmSync(folder, { recursive: true, force: true });

/** What a team of engineers has configured after a while. */
async function furnish() {
  const put = (path, body) => gateway.api('PUT', path, body);
  const key = (of, label, more = {}) => gateway.api('POST', '/api/keys', { ...of, label, secret: `sk-${label.replaceAll(' ', '-')}-${Math.random().toString(36).slice(2)}`, ...more });
  const models = (of) => MODELS.filter(({ provider }) => provider === of).map(({ model }) => model);
  for (const id of ['openai', 'anthropic', 'gemini', 'workbench']) {
    await put(`/api/providers/${id}`, { dialect: 'openai_chat', base_url: provider.url, models: models(id), rotation: id === 'openai' ? 'least_used' : 'round_robin' });
  }
  await key({ provider: 'openai' }, 'production', { rpm: 5000 });
  await key({ provider: 'openai' }, 'batch', { weight: 2, tpm: 400_000 });
  await key({ provider: 'openai' }, 'old account', { enabled: false });
  await key({ provider: 'anthropic' }, 'production');
  await key({ provider: 'anthropic' }, 'agents', { models: ['claude-sonnet-4-5'], concurrency: 8 });
  await key({ provider: 'gemini' }, 'production');
  await key({ provider: 'workbench' }, 'rack 3');
  await put('/api/models/openai/gpt-5', { price: { input: '1.1', output: '8.8' }, display_name: 'GPT-5 at our discount' });
  const targets = (...names) => names.map((name) => ({ name }));
  await put('/api/groups/everyday', { strategy: 'weighted', targets: [{ name: 'openai/gpt-5-mini', weight: 3 }, { name: 'anthropic/claude-haiku-4-5', weight: 1 }], fallbacks: ['gemini/gemini-2.5-flash'], primary_use: 'Questions of customers' });
  await put('/api/groups/thorough', { strategy: 'priority', targets: targets('anthropic/claude-sonnet-4-5', 'openai/gpt-5'), primary_use: 'Reviews and plans' });
  await put('/api/groups/assistant', { strategy: 'heuristic', targets: targets('everyday', 'thorough', 'workbench/gpt-oss-120b'), default_target: 'everyday', aliases: ['auto'], rules: [{ target: 'thorough', keywords: ['review', 'step by step'] }, { target: 'thorough', tokens_min: 8000 }], primary_use: 'What applications ask for unless they know better' });
  await put('/api/proxies/geocoder', { base_url: 'https://geo.example.com/v2', key_in: 'header', key_name: 'X-Api-Token', methods: ['GET'], paths: ['/search', '/reverse'] });
  await put('/api/proxies/speech', { base_url: 'https://speech.example.com', key_in: 'bearer' });
  await key({ proxy: 'geocoder' }, 'free plan');
  await key({ proxy: 'geocoder' }, 'paid plan', { rpm: 600 });
  await key({ proxy: 'speech' }, 'production');
  for (const team of TEAMS) await gateway.api('POST', '/api/teams', team);
  for (const [name, role] of [['grace', 'admin'], ['linus', 'viewer'], ['barbara', 'viewer']]) await gateway.api('POST', '/api/users', { name, role });
  const clients = [];
  for (const { name, team, weight, uses } of CLIENTS) {
    const { id, key } = await gateway.api('POST', '/api/clients', { name, team });
    clients.push({ id, key, name, team, weight, uses });
  }
  const limits = { limits: [{ dollars: 5, per: 'day' }, { requests: 400, per: 'hour' }], models: ['everyday', 'assistant', 'auto'] };
  await gateway.api('PATCH', `/api/clients/${clients[0].id}`, limits, { 'if-match': '*' });
  await gateway.api('PATCH', '/api/settings', { capture: { clients: [clients[0].id] } }, { 'if-match': '*' });
  return { clients };
}

/** Some requests now, by which providers are seen to be well. */
async function work({ clients }) {
  let last;
  for (let turn = 0; turn < 40; turn += 1) {
    const client = clients[turn % clients.length];
    const model = turn % clients.length === 0 ? 'assistant' : ['openai/gpt-5-mini', 'anthropic/claude-haiku-4-5', 'gemini/gemini-2.5-flash', 'workbench/gpt-oss-120b'][turn % 4];
    const answer = await gateway.chat(client.key, model, SAID[turn % SAID.length], turn % 3 === 0);
    if (turn % clients.length === 0) last = answer.id;
  }
  await new Promise((done) => setTimeout(done, 2500));
  return { id: last, client: clients[0].id };
}

async function take({ id, client }) {
  const pages = [
    ['overview', 'overview'], ['overview-models', 'overview?by=model&range=30d'], ['live', 'live'], ['requests', 'requests'], ['request', `requests/${id}`], ['system', 'system'],
    ['providers', 'providers'], ['provider', 'providers/openai'], ['keys', 'keys'], ['models', 'models'], ['groups', 'groups'], ['group', 'groups/assistant'],
    ['proxies', 'proxies'], ['proxy', 'proxies/geocoder'], ['playground', 'playground?model=assistant'], ['clients', 'clients'], ['client', `clients/${client}`], ['teams', 'teams'],
    ['team', 'teams/support'], ['users', 'users'], ['audit', 'audit'], ['settings', 'settings'], ['account', 'account'], ['start', 'start'],
  ];
  mkdirSync(values.to, { recursive: true });
  for (const theme of ['light', 'dark']) {
    const page = await world.open('/ui/overview', { as: 'ada', theme });
    await page.setViewportSize(LOOK);
    for (const [name, path] of pages.filter(([name]) => name.includes(values.only))) {
      await page.goto(`${gateway.url}/ui/${path}`);
      await world.settled(page);
      if (name === 'playground') await play(page);
      if (name === 'live') await page.locator('tbody tr a').first().waitFor();
      if (name.startsWith('overview')) await page.locator('canvas').waitFor();
      await page.waitForTimeout(700);
      await snap(page, `${name}-${theme}`);
    }
    await page.context().close();
    const door = await world.open('/ui/overview', { theme });
    await door.setViewportSize(LOOK);
    await door.getByRole('heading', { name: 'Sign in' }).waitFor();
    if ('sign-in'.includes(values.only)) await snap(door, `sign-in-${theme}`);
    await door.context().close();
  }
}

async function play(page) {
  await page.getByRole('button', { name: 'Make a key for an hour' }).click();
  await page.waitForFunction(() => document.querySelector('input[placeholder="tg_…"]').value.startsWith('tg_'));
  await page.getByLabel('Prompt').fill('say: High water is at a quarter past four, and the gate closes an hour before.');
  await page.keyboard.press('Control+Enter');
  await page.locator('pre.said', { hasText: 'High water is at' }).waitFor();
}

/** A picture with few colours, which is all that a page has. */
async function snap(page, name) {
  const path = join(values.to, `${name}.png`);
  await page.screenshot({ path, animations: 'disabled' });
  const packed = spawnSync('pngquant', ['--force', '--strip', '--speed', '1', '--output', path, '64', path]);
  if (packed.error) throw new Error('pngquant is missing: on Debian it is the package of that name');
  const { size } = statSync(path);
  console.log(`${name}.png ${size}`);
  if (size > PICTURE_BYTES_MAX) throw new Error(`${name}.png has ${size} bytes`);
}
