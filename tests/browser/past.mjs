// How does a gateway come to an admin and to a past, before anybody looks at it?
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PASSWORD } from './people.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** Somebody claims it, and stays signed in. */
export async function claim(world, name) {
  const { pathname, hash } = new URL(await world.gateway.setupLink());
  const page = await world.open(pathname + hash);
  await page.getByLabel('Name').fill(name);
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByLabel('Password again').fill(PASSWORD);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'First steps' }).waitFor();
  await world.keep(name, page);
}

/** A program writes it into the database of a gateway that is stopped; returns what it says of it. */
export function remember(program, folder, said) {
  const source = readFileSync(here('../../core/src/store/record.rs'), 'utf8');
  const [, table] = source.match(/LATENCY_BOUNDS_MS: [^=]*= \[([^\]]*)\]/);
  const bounds = table.split(',').map((bound) => Number(bound.replaceAll('_', '').trim())).filter((bound) => bound > 0);
  const input = JSON.stringify({ database: join(folder, 'data', 'tidegate.db'), bounds, ...said });
  const wrote = spawnSync('python3', [here(program)], { input, encoding: 'utf8' });
  if (wrote.status !== 0) throw new Error(wrote.stderr);
  return wrote.stdout.trim();
}
