// Does the live page bear a flood? Two hundred requests a second, as long as the suite wants to look. It comes last: the
// health of providers is read from the newest records.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

const EACH_SECOND = 200;
const EVERY_MS = 50;
const FIRST_LOOK_S = 10;
const [SHORT_S, LONG_S] = [20, 60];
/** How much larger than at the first look the page may become. */
const GROWTH_MAX = 1.2;
/** What the page may work at a time. By the clock it takes longer where the machine has other things to do. */
const TASK_MS_MAX = 100;

/** Every request is shown or counted, and the page stays as small and as quick as it was. */
async function flood(world) {
  const page = await world.open('/ui/live', { as: 'admin' });
  await page.locator('tbody tr a').first().waitFor();
  const shown = new Set();
  await page.exposeBinding('tellShown', (_, ids) => ids.forEach((id) => shown.add(id)));
  await page.evaluate(watch);
  const opened = await page.evaluate(() => performance.getEntriesByType('resource').filter(({ name }) => name.includes('/api/records')).length);
  const devtools = await page.context().newCDPSession(page);
  const heap = async () => {
    await devtools.send('HeapProfiler.collectGarbage');
    return (await devtools.send('Runtime.getHeapUsage')).usedSize;
  };

  await world.browser.startTracing(page, { categories: ['toplevel'] });
  const seconds = world.long ? LONG_S : SHORT_S;
  const begun = Date.now();
  const answers = [];
  let first;
  for (let turn = 0; turn < (seconds * 1000) / EVERY_MS; turn += 1) {
    for (let at = 0; at < (EACH_SECOND * EVERY_MS) / 1000; at += 1) answers.push(world.gateway.chat('no key', 'lab-1', 'One of a flood'));
    if (turn * EVERY_MS === FIRST_LOOK_S * 1000) first = await heap();
    await sleep(Math.max(0, begun + (turn + 1) * EVERY_MS - Date.now()));
  }
  const took = (Date.now() - begun) / 1000;
  const last = await heap();
  const ids = (await Promise.all(answers)).map(({ id }) => id);
  await page.waitForTimeout(2000);

  const missing = ids.filter((id) => !shown.has(id)).length;
  const told = await page.getByText(/^\d+ shown/).textContent();
  const skipped = Number(told.match(/([\d,]+) skipped/)?.[1].replaceAll(',', '') ?? 0);
  const tasks = tasksOf(JSON.parse(await world.browser.stopTracing()));
  const longest = Math.max(...tasks.map(({ worked }) => worked));
  const asked = (await page.evaluate(() => performance.getEntriesByType('resource').filter(({ name }) => name.includes('/api/records')).length)) - opened;
  console.log(
    `       ${ids.length} requests in ${took.toFixed(1)} s, ${missing} not shown, ${skipped} counted; ` +
      `heap ${(first / 1e6).toFixed(2)} MB after ${FIRST_LOOK_S} s, ${(last / 1e6).toFixed(2)} MB at the end; ` +
      `${tasks.length} tasks, none with more than ${longest.toFixed(0)} ms of work, the longest ${Math.max(...tasks.map(({ took }) => took)).toFixed(0)} ms by the clock; ` +
      `${asked} questions`,
  );
  assert.equal(missing, skipped, 'what is not shown is counted');
  assert.ok(last <= first * GROWTH_MAX, `the heap grows from ${first} to ${last}`);
  assert.ok(tasks.length > seconds, 'the tasks are not known');
  assert.ok(longest <= TASK_MS_MAX, `a task works for ${longest} ms`);
  assert.ok(asked <= 2 + seconds / 2, 'what is told is asked for');
}

/** What pages did, task by task, in milliseconds of the processor and of the clock. */
function tasksOf({ traceEvents }) {
  const thread = ({ pid, tid }) => `${pid} ${tid}`;
  const pages = new Set(traceEvents.filter(({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain').map(thread));
  const tasks = traceEvents.filter((event) => event.name.endsWith('RunTask') && event.tdur !== undefined && pages.has(thread(event)));
  return tasks.map(({ tdur, dur }) => ({ worked: tdur / 1000, took: dur / 1000 }));
}

/** In the page: tells which requests come into the list. */
function watch() {
  const ids = (nodes) => [...nodes].flatMap((node) => [...(node.querySelectorAll?.('td.when a') ?? [])].map((link) => link.href.split('/').at(-1)));
  const tell = (changes) => {
    const added = changes.flatMap(({ addedNodes }) => ids(addedNodes));
    if (added.length > 0) void window.tellShown(added);
  };
  new MutationObserver(tell).observe(document.querySelector('tbody'), { childList: true });
}

export const cases = [['the live page bears a flood', flood]];
