// Does nothing run that people, models or providers say? Three hundred texts that would like to be scripts.
import assert from 'node:assert/strict';

const SHAPES = [
  '<script>alert(N)</script>',
  '<img src=x onerror=alert(N)>',
  '<svg onload=alert(N)>',
  '"><script>alert(N)</script>',
  "'><img src=x onerror=alert(N)>",
  '</pre><script>alert(N)</script>',
  '</title><script>alert(N)</script>',
  '<iframe src="javascript:alert(N)"></iframe>',
  '<a href="javascript:alert(N)">x</a>',
  '<body onload=alert(N)>',
  '<details open ontoggle=alert(N)>',
  '<input autofocus onfocus=alert(N)>',
  '<video><source onerror=alert(N)></video>',
  '<math><mtext><img src=x onerror=alert(N)>',
  '<style>@import "//evil.example/N";</style>',
  '<link rel=stylesheet href=//evil.example/N>',
  '<img src=//evil.example/N>',
  '<base href=//evil.example/N/>',
  '<form action=//evil.example/N><button>x',
  '{@html "<img src=x onerror=alert(N)>"}',
  '{{constructor.constructor("alert(N)")()}}',
  '${alert(N)}',
  'javascript:alert(N)',
  '&lt;script&gt;alert(N)&lt;/script&gt;',
  '\u003cscript\u003ealert(N)\u003c/script\u003e',
  '<ſcript>alert(N)</ſcript>',
  '<template><script>alert(N)</script></template>',
  '<object data="data:text/html,<script>alert(N)</script>">',
  '<meta http-equiv=refresh content="0;url=//evil.example/N">',
  '<noscript><p title="</noscript><img src=x onerror=alert(N)>">',
];

/** Each shape with numbers of its own, so that what ran could be told. */
const payloads = (from, count) =>
  Array.from({ length: count }, (_, at) => SHAPES[(from + at) % SHAPES.length].replaceAll('N', String(from + at)));

async function told(world) {
  const { gateway, key } = world;
  const [client] = [key.split('_')[1]];
  await gateway.api('PATCH', '/api/settings', { capture: { clients: [client] } }, { 'if-match': '*' });
  for (const name of payloads(0, 30)) await gateway.api('POST', '/api/clients', { name });
  for (const [at, name] of payloads(30, 30).entries()) await gateway.api('POST', '/api/teams', { id: `hostile-${at}`, name });
  for (const [at, label] of payloads(60, 30).entries()) {
    await gateway.api('POST', '/api/keys', { provider: 'lab', secret: `sk-hostile-${at}-0123456789`, label, enabled: false });
  }
  for (const primary_use of payloads(90, 30)) {
    const id = `hostile-${primary_use.length}-${Math.random().toString(36).slice(2)}`;
    await gateway.api('PUT', `/api/groups/${id}`, { strategy: 'priority', targets: [{ name: 'lab-1' }], primary_use });
  }
  // Settings are looked at every two seconds.
  await new Promise((resolve) => setTimeout(resolve, 3000));
  for (const model of payloads(120, 60)) await gateway.chat(key, model, 'Hello');
  for (const error of payloads(180, 30)) await gateway.chat(key, 'lab-1', `fail: ${error}`);
  world.hostile = [];
  for (const said of payloads(210, 90)) world.hostile.push((await gateway.chat(key, 'lab-1', `say: ${said}`)).id);
}

async function shown(world) {
  const page = await world.open('/ui/requests', { as: 'admin' });
  for (let older = 0; older < 3; older += 1) await page.getByRole('button', { name: 'Older ones' }).click();
  await page.getByText(/\d{3} shown/).waitFor();
  const views = ['clients', 'teams', 'keys', 'groups', 'audit', 'settings', 'users', 'models', 'playground', 'providers/lab', 'teams/hostile-1'];
  for (const view of [...views, 'overview?by=client', 'overview?by=team', 'overview?by=model']) {
    await page.goto(`${world.gateway.url}/ui/${view}`);
    await world.settled(page);
    await page.waitForTimeout(200);
  }
  await page.keyboard.press('Control+k');
  await page.keyboard.type('alert');
  await page.getByRole('option').first().waitFor();
  for (const id of world.hostile.filter((_, at) => at % 3 === 0)) {
    await page.goto(`${world.gateway.url}/ui/requests/${id}`);
    await page.getByRole('button', { name: 'Show the bodies' }).click();
    const body = await page.getByLabel('Body of the answer', { exact: true }).textContent();
    assert.match(body, /N|\d{3}/);
    assert.equal(await page.locator('main :is(script, img, iframe, object, base, meta, style, svg, form[action])').count(), 0);
  }
}

export const cases = [
  ['hostile names, prompts, answers and errors are told', told],
  ['hostile texts are shown, and nothing of them runs', shown],
];
