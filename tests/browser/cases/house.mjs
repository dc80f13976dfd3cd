// Are changes told, and are settings set?
async function audit(world) {
  const page = await world.open('/ui/audit', { as: 'admin' });
  await world.settled(page);
  await page.getByLabel('Kind').selectOption('team');
  await page.waitForURL('**kind=team**');
  const change = page.locator('li', { hasText: 'harbour' }).last();
  await change.locator('summary').click();
  await change.getByText('limits').waitFor();
  await page.getByLabel('Who').fill('nobody at all');
  await page.getByLabel('Who').blur();
  await page.getByRole('heading', { name: 'No change fits' }).waitFor();
}

async function settings(world) {
  const page = await world.open('/ui/settings', { as: 'admin' });
  await page.getByLabel('Days that records are kept').fill('45');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('The settings are saved.').waitFor();
  await page.reload();
  await world.settled(page);
  if ((await page.getByLabel('Days that records are kept').inputValue()) !== '45') throw new Error('it is not kept');
  await page.getByRole('button', { name: 'Price again' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Price them again' }).click();
  await page.getByText(/records looked at/).first().waitFor();
}

export const cases = [
  ['the audit log says what changed', audit],
  ['settings are set, and past records priced again', settings],
];
