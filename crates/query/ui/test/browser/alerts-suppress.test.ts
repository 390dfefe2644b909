// Suppressing a message: new ones come acknowledged and nobody is told, until it is ended.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { button, choose, dialog, line, messages, openAlerts, toast, undo } from './alerts';
import { startStack, type Stack } from './harness';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ lines: { bastion: [line.login('root'), line.login('eva')] } });
});
afterAll(() => stack?.remove());

it('suppresses a message, lists it with its reason, and ends it', async () => {
  const page = await openAlerts(stack);
  await choose(messages(page, 'for root'), 'Suppress…');
  await dialog(page).getByText('New ones are kept and come acknowledged as expected').waitFor();
  await dialog(page).getByLabel('For').selectOption({ label: '1 day' });
  await dialog(page).getByLabel(/^Why/).fill('a test of <i>ours</i>');
  await button(dialog(page), 'Suppress').click();
  await toast(page, /^Suppressed/).waitFor();
  await messages(page, 'for root').waitFor({ state: 'detached' });

  // The other one is told of, so the watch would have brought this one too.
  stack.write('bastion', [line.login('root', 2), line.login('tom')]);
  await button(page, '1 new').click();
  await messages(page, 'for tom').waitFor();
  await stack.settled();
  expect(await messages(page, 'for root').count()).toBe(0);

  await page.goto(`${stack.url}/alerts?suppressed=yes`);
  await messages(page, 'for root').getByText('Expected').waitFor();
  await page.goto(`${stack.url}/alerts`);
  await messages(page, 'for tom').waitFor();
  await page.getByText('Live', { exact: true }).waitFor();

  await button(page, 'Suppressions').click();
  const suppression = dialog(page).getByRole('listitem').filter({ hasText: 'bastion' });
  await suppression.getByText('a test of <i>ours</i>').waitFor();
  await suppression
    .getByText(/in 2[34] h|in 1 d|ends/)
    .first()
    .waitFor();
  await button(suppression, 'End now').click();
  await dialog(page).getByText('Nothing is suppressed').waitFor();
  await page.keyboard.press('Escape');

  stack.write('bastion', line.login('root', 3));
  await button(page, '1 new').click();
  await messages(page, 'for root').waitFor();
});

it('takes a suppression back with one click', async () => {
  const page = await openAlerts(stack);
  await choose(messages(page, 'for eva'), 'Suppress…');
  await dialog(page)
    .getByRole('checkbox', { name: /Acknowledge the 1 open/ })
    .uncheck();
  await dialog(page)
    .getByRole('checkbox', { name: /In all sources/ })
    .check();
  await button(dialog(page), 'Suppress').click();
  await toast(page, /^Suppressed/).hover();
  expect((await stack.api.detections.listSuppressions({})).suppressions.map(({ sourceId }) => sourceId)).toEqual(['']);
  expect(await messages(page, 'for eva').count()).toBe(1);
  await undo(page, /^Suppressed/);
  await toast(page, 'The suppression is gone.').waitFor();
  expect((await stack.api.detections.listSuppressions({})).suppressions).toEqual([]);
});

it('leaves a dialog alone that was opened after another was closed on its way', async () => {
  const page = await openAlerts(stack);
  let answer = () => {};
  const held = new Promise<void>((resolve) => (answer = resolve));
  await page.route('**/CreateSuppression', async (route) => {
    await held;
    await route.continue();
  });
  await choose(messages(page, 'for eva'), 'Suppress…');
  await button(dialog(page), 'Suppress').click();
  await page.keyboard.press('Escape');
  await choose(messages(page, 'for root'), 'Suppress…');
  await dialog(page).getByLabel(/^Why/).fill('another one');
  answer();
  await messages(page, 'for eva').waitFor({ state: 'detached' });
  await button(dialog(page), 'Suppress').click();
  await messages(page, 'for root').waitFor({ state: 'detached' });
  const { suppressions } = await stack.api.detections.listSuppressions({});
  expect(suppressions.map(({ reason }) => reason).toSorted()).toEqual(['', 'another one']);
});
