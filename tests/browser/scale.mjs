// Is the overview quick over five million requests? Loads it and goes through its choices as somebody does.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
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
    records: { type: 'string', default: '5000000' },
  },
});

const DAYS = 29;
const LOAD_MS_MAX = 1000;
/** From a click to what the screen shows of it. */
const ACT_MS_MAX = 100;
const CLIENTS = Array.from({ length: 40 }, (_, at) => `team${at % 8}-application${at}`);
const MODELS = [
  ['openai', 'gpt-5'], ['openai', 'gpt-5-mini'], ['anthropic', 'claude-sonnet-4-5'], ['anthropic', 'claude-haiku-4-5'],
  ['gemini', 'gemini-2.5-flash'], ['workbench', 'gpt-oss-120b'],
].map(([provider, model]) => ({ provider, model }));

const folder = mkdtempSync(join(tmpdir(), 'tidegate-scale-'));
const provider = await startProvider();
const server = resolve(values.server);
let gateway = await Gateway.server(server, folder);
const world = await World.start({ gateway, provider, chromiumPath: values.chromium, pages: values.pages });
await claim(world, 'ada');
await gateway.stop();
console.log(`records, sums and buckets: ${remember('many.py', folder, { records: Number(values.records), days: DAYS, clients: CLIENTS, models: MODELS })}`);
gateway = await Gateway.server(server, folder);
world.gateway = gateway;

const [loads, acts] = [[], []];
for (const range of ['24h', '7d', '30d']) {
  const page = await world.open(`/ui/live`, { as: 'ada' });
  await world.settled(page);
  const begun = Date.now();
  await page.goto(`${gateway.url}/ui/overview?range=${range}`);
  await drawn(page);
  loads.push({ what: range, ms: Date.now() - begun });
  await page.evaluate(watch);
  for (const [group, name] of [
    ['Kept apart by', 'Model'], ['Kept apart by', 'Client'], ['Kept apart by', 'Team'], ['Kept apart by', 'Provider'],
    ['What is shown', 'Cost'], ['What is shown', 'Tokens'], ['What is shown', 'Requests'], ['Range', '30 days'], ['Range', '7 days'],
  ]) {
    const clicked = Date.now();
    await page.getByRole('group', { name: group }).getByRole('button', { name }).click();
    await drawn(page);
    loads.push({ what: `${range}, ${name}`, ms: Date.now() - clicked });
    await page.waitForTimeout(300);
  }
  acts.push(...(await page.evaluate(() => window.acts)));
  await page.context().close();
}

const worst = (list) => list.reduce((most, one) => (one.ms > most.ms ? one : most), { what: 'none', ms: 0 });
const [load, act] = [worst(loads), worst(acts)];
console.log(loads.map(({ what, ms }) => `${what}: ${ms} ms`).join('; '));
console.log(`the slowest load takes ${load.ms} ms (${load.what}), the slowest of ${acts.length} acts and tasks ${act.ms} ms (${act.what})`);
await world.stop();
await gateway.stop();
await provider.close();
rmSync(folder, { recursive: true, force: true });
assert.deepEqual(world.troubles, []);
assert.ok(load.ms < LOAD_MS_MAX, 'the overview takes too long');
assert.ok(act.ms <= ACT_MS_MAX, 'it does not follow the hand');

/** All numbers are there, and the chart. */
async function drawn(page) {
  await page.locator('.tile').first().waitFor();
  await page.locator('[aria-busy="true"]').first().waitFor({ state: 'detached' });
  await page.locator('canvas').waitFor();
  await page.locator('table tbody tr').first().waitFor();
}

/** In the page: notes how long clicks wait for the screen, and tasks that take long. */
function watch() {
  window.acts = [];
  const note = (list) => list.getEntries().forEach(({ name, duration }) => window.acts.push({ what: name, ms: Math.round(duration) }));
  new PerformanceObserver(note).observe({ type: 'event', durationThreshold: 16 });
  new PerformanceObserver(note).observe({ type: 'longtask' });
}
