// Does the dashboard work as people use it? A real server, an empty database, a scripted provider and Chromium.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { cases as books } from './cases/books.mjs';
import { cases as flood } from './cases/flood.mjs';
import { cases as hostile } from './cases/hostile.mjs';
import { cases as house } from './cases/house.mjs';
import { cases as looks } from './cases/looks.mjs';
import { cases as people } from './cases/people.mjs';
import { cases as reading } from './cases/reading.mjs';
import { cases as routing } from './cases/routing.mjs';
import { cases as seeing } from './cases/seeing.mjs';
import { cases as setup } from './cases/setup.mjs';
import { cases as shell } from './cases/shell.mjs';
import { Gateway } from './gateway.mjs';
import { startProvider } from './provider.mjs';
import { World } from './world.mjs';

const CASE_MS = 90_000;

const { values } = parseArgs({
  options: {
    server: { type: 'string' },
    lambda: { type: 'string' },
    emulator: { type: 'string' },
    worker: { type: 'string' },
    pages: { type: 'string' },
    chromium: { type: 'string', default: '/usr/bin/chromium' },
    images: { type: 'string' },
    long: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
  },
});

const folder = mkdtempSync(join(tmpdir(), 'tidegate-browser-'));
const provider = await startProvider();
const gateway = await start();
const world = await World.start({ gateway, provider, chromiumPath: values.chromium, images: values.images, pages: values.pages, long: values.long });

let [passed, failed, left] = [0, 0, 0];
let lost = false;
/** What each adapter is asked, where the server is asked everything: the platform may differ, the pages do not. */
const SMOKE = [
  ...setup.filter(([, , needed]) => needed),
  ...seeing.filter(([name]) => /^(traffic|the overview|requests are|the live page shows|what is not there)/.test(name)),
  ...routing.filter(([name]) => name.startsWith('a proxy is added')),
  ...people.filter(([name]) => /^(a team is made|a client is made|a key is rotated|a password is changed)/.test(name)),
  ...house.filter(([name]) => /configuration/.test(name)),
  ...shell.filter(([name]) => /^(links|a session|without)/.test(name)),
];
const ALL = [...setup, ...seeing, ...routing, ...people, ...house, ...shell, ...books, ...reading, ...looks, ...hostile, ...flood];

// They build on each other: who is set up first signs in later.
for (const [name, run, needed = false] of gateway.data ? ALL : SMOKE) {
  if (lost || (!needed && !name.includes(values.only))) {
    left += 1;
    continue;
  }
  const start = Date.now();
  const problem = await attempt(run, name);
  if (problem) failed += 1;
  else passed += 1;
  lost = needed && Boolean(problem);
  console.log(`${problem ? 'FAILED' : 'ok    '} ${name} (${((Date.now() - start) / 1000).toFixed(1)} s)${problem ? `\n${problem}` : ''}`);
}

await world.stop();
await gateway.stop();
await provider.close();
rmSync(folder, { recursive: true, force: true });
console.log(`test result: ${failed ? 'FAILED' : 'ok'}. ${passed} passed; ${failed} failed; ${left} ignored`);
process.exitCode = failed || !passed ? 1 : 0;

/** The adapter that is asked: the Worker or the function where their builds are named, the server otherwise. */
function start() {
  const path = (name) => resolve(values[name]);
  if (values.worker) return Gateway.worker(path('worker'), folder);
  if (values.lambda) return Gateway.lambda({ server: path('server'), lambda: path('lambda'), emulator: path('emulator') }, folder);
  return Gateway.server(path('server'), folder);
}

/** What is wrong with a case: its own failure, and what must not happen in any. */
async function attempt(run, name) {
  world.troubles = [];
  let timer;
  const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error('it takes too long')), CASE_MS); });
  let problem;
  try {
    await Promise.race([run(world), late]);
  } catch (error) {
    problem = error.stack;
    for (const context of world.browser.contexts()) await world.picture(context.pages()[0], `failed-${name.replaceAll(" ", "-")}`).catch(() => {});
  } finally {
    clearTimeout(timer);
    for (const context of world.browser.contexts()) await context.close();
  }
  return [problem, ...world.troubles].filter(Boolean).join('\n');
}
