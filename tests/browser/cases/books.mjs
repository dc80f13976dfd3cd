// Are long lists as short in the page as the screen is, and can everybody still reach all of them?
import assert from 'node:assert/strict';

const MANY = 400;

/** Hundreds of models: few are in the page, and each can be scrolled, tabbed and searched to. */
async function catalogue(world) {
  const page = await world.open('/ui/models?show=all', { as: 'admin' });
  await world.settled(page);
  const table = page.getByRole('table');
  await table.locator('tbody tr[aria-rowindex="2"]').waitFor();
  const count = Number(await table.getAttribute('aria-rowcount')) - 1;
  assert.equal(count > 500, true, `${count} models`);
  const rows = table.locator('tbody tr[aria-rowindex]');
  assert.equal((await rows.count()) < 80, true, `${await rows.count()} rows are in the page`);

  const height = () => page.evaluate(() => document.documentElement.scrollHeight);
  const widths = () => table.locator('th').evaluateAll((cells) => cells.map((cell) => Math.round(cell.offsetWidth)));
  const [before, columns] = [await height(), await widths()];
  await page.evaluate((half) => window.scrollTo(0, half), before / 2);
  await page.waitForTimeout(400);
  const middle = Number(await rows.first().getAttribute('aria-rowindex'));
  assert.equal(middle > count / 4 && middle < (count * 3) / 4, true, `row ${middle} of ${count} in the middle`);
  assert.deepEqual(await widths(), columns, 'the columns stay where they are');
  await page.evaluate(() => window.scrollTo(0, document.documentElement.scrollHeight));
  await page.waitForTimeout(400);
  await page.evaluate(() => window.scrollTo(0, document.documentElement.scrollHeight));
  await table.locator(`tbody tr[aria-rowindex="${count + 1}"]`).waitFor();

  await page.evaluate(() => window.scrollTo(0, 0));
  await table.locator('tbody tr[aria-rowindex="2"] button').last().focus();
  for (let step = 0; step < 120; step += 1) await page.keyboard.press('Tab');
  const reached = await page.evaluate(() => document.activeElement?.closest('tr')?.ariaRowIndex ?? document.activeElement?.closest('tr')?.getAttribute('aria-rowindex'));
  assert.equal(Number(reached) >= 55, true, `the keyboard comes to row ${reached}`);
  await page.evaluate(() => window.scrollTo(0, document.documentElement.scrollHeight));
  await page.waitForTimeout(300);
  const kept = await page.evaluate(() => document.activeElement?.closest('tr')?.getAttribute('aria-rowindex'));
  assert.equal(kept, reached, 'who has the focus stays in the page');

  await page.evaluate(() => window.scrollTo(0, 0));
  await page.keyboard.press('/');
  await page.keyboard.type('claude');
  await page.keyboard.press('Enter');
  await page.waitForURL('**q=claude**');
  await table.locator('tbody tr', { hasText: 'claude' }).first().waitFor();
}

/** Hundreds of keys of one pool, and the changes that made them. */
async function pool(world) {
  const text = Array.from({ length: MANY }, (_, at) => `sk-of-a-crowd-${String(at).padStart(6, '0')} # key ${at}`);
  const half = MANY / 2;
  for (const part of [text.slice(0, half), text.slice(half)]) {
    await world.gateway.api('POST', '/api/keys/import', { provider: 'lab', text: part.join('\n') });
  }
  const { data } = await world.gateway.api('GET', '/api/keys?provider=lab&limit=500');
  const page = await world.open('/ui/providers/lab', { as: 'admin' });
  await world.settled(page);
  const rows = page.locator('tbody tr[aria-rowindex]');
  await page.getByRole('table').filter({ has: page.getByRole('columnheader', { name: 'Key', exact: true }) }).and(page.locator(`[aria-rowcount="${data.length + 1}"]`)).waitFor();
  assert.equal((await rows.count()) < 100, true, `${await rows.count()} rows are in the page`);
  for (const key of data.filter((key) => key.label?.startsWith('key '))) {
    await world.gateway.api('DELETE', `/api/keys/${key.id}`, undefined, { 'if-match': '*' });
  }
  await page.goto(`${world.gateway.url}/ui/audit`);
  await world.settled(page);
  for (let older = 0; older < 5; older += 1) {
    await page.getByRole('button', { name: 'Older ones' }).click();
    await page.waitForFunction((least) => Number(document.querySelector('ol li[aria-setsize]')?.getAttribute('aria-setsize')) >= least, 100 + 50 * older);
  }
  const items = page.locator('ol li[aria-posinset]');
  assert.equal((await items.count()) < 80, true, `${await items.count()} changes are in the page`);
  const last = page.locator('ol li[aria-posinset="300"]');
  for (let turn = 0; turn < 20 && (await last.count()) === 0; turn += 1) {
    await page.mouse.wheel(0, 4000);
    await page.waitForTimeout(60);
  }
  await last.locator('summary').click();
  await last.getByRole('table').waitFor();
}

export const cases = [
  ['hundreds of models are scrolled, tabbed and found', catalogue],
  ['hundreds of keys and changes are in lists that stay light', pool],
];
