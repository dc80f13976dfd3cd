// What does somebody hear who does not see the page? Its roles, names and states, as they were agreed on.

async function heard(world) {
  const nobody = await world.open('/ui/overview');
  await nobody.getByRole('heading', { name: 'Sign in' }).waitFor();
  await world.reads(nobody.locator('body'), 'sign-in');
  const page = await world.open('/ui/proxies', { as: 'admin' });
  await world.settled(page);
  await world.reads(page.getByRole('navigation'), 'navigation-admin');
  await page.goto(`${world.gateway.url}/ui/clients?add=1`);
  await page.getByRole('dialog').waitFor();
  await world.reads(page.getByRole('dialog'), 'client-new');
  await page.goto(`${world.gateway.url}/ui/proxies?add=1`);
  await page.getByRole('dialog').waitFor();
  await world.reads(page.getByRole('dialog'), 'proxy-new');
  await page.goto(`${world.gateway.url}/ui/live`);
  await page.getByRole('search').waitFor();
  await world.reads(page.getByRole('search'), 'filter');
  await page.keyboard.press('Control+k');
  await page.keyboard.type('account');
  await page.getByRole('option').first().waitFor();
  await world.reads(page.getByRole('dialog'), 'palette');
}

export const cases = [['pages are read to those who do not see them', heard]];
