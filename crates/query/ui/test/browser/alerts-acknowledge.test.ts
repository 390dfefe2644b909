// Acknowledging: one, a group, a selection, all that match; with note and verdict; taken back, and opened again.
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Verdict } from '$gen/turnstone/v1/detection_pb';
import { button, choose, dialog, line, messages, openAlerts, toast, undo } from './alerts';
import { allow, startStack, stopClock, type Stack } from './harness';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({
    lines: {
      bastion: [...[1, 2, 3].map((n) => line.login('root', n)), line.login('eva'), line.login('tom')],
      shop: [...[1, 2].map((n) => line.refused('payments', n)), line.config('listn')],
    },
  });
});
afterAll(() => stack?.remove());

// Each test begins with everything open.
beforeEach(async () => {
  await stack.api.detections.unacknowledgeDetections({ selection: { case: 'filter', value: {} }, all: true });
});

const open = (page: Page) => expect.poll(() => messages(page).count());

/** What the server has of the lines with these words. */
async function stored(...words: string[]) {
  const { detections } = await stack.api.detections.listDetections({ pageSize: 100 });
  return detections.filter((detection) => words.every((word) => detection.text.includes(word)));
}

describe('a click', () => {
  it('acknowledges a message with all its occurrences, and takes that back', async () => {
    const page = await openAlerts(stack);
    await open(page).toBe(5);
    await button(messages(page, 'for root'), 'Acknowledge').click();
    await toast(page, 'Acknowledged 3 detections.').hover();
    await open(page).toBe(4);
    expect((await stored('for root')).map(({ acknowledged }) => acknowledged)).toEqual([true, true, true]);

    await undo(page, 'Acknowledged 3 detections.');
    await toast(page, '3 detections are as before.').waitFor();
    await messages(page, 'for root').waitFor();
    await open(page).toBe(5);
    expect((await stored('for root')).map(({ acknowledged }) => acknowledged)).toEqual([false, false, false]);
  });

  it('acknowledges one occurrence alone', async () => {
    const page = await openAlerts(stack);
    const row = messages(page, 'for root');
    await row.getByRole('button', { expanded: false }).first().click();
    const occurrence = page.locator('.occurrence', { hasText: 'port 4002' });
    await button(occurrence, 'Acknowledge this one').click();
    await toast(page, 'Acknowledged 1 detection.').waitFor();
    await row.getByText('2 open').waitFor();
    await occurrence.getByText('Acknowledged').waitFor();
    expect((await stored('for root', 'port 4002')).map(({ acknowledged }) => acknowledged)).toEqual([true]);
    expect((await stored('for root', 'port 4001')).map(({ acknowledged }) => acknowledged)).toEqual([false]);

    await button(occurrence, 'Open again').click();
    await toast(page, 'Opened 1 detection again.').waitFor();
    await row.getByText('2 open').waitFor({ state: 'detached' });
    expect((await stored('for root', 'port 4002')).map(({ acknowledged }) => acknowledged)).toEqual([false]);
  });

  it('leaves open what came after one looked', async () => {
    const page = await openAlerts(stack, '?source=shop');
    const before = (await stored('listn')).length;
    // On its way to the server the click is overtaken by one more, which the page has counted when the answer comes.
    await page.route('**/AcknowledgeDetections', async (route) => {
      stack.write('shop', line.config('listn', 9));
      await messages(page, 'listn')
        .getByText(`×${before + 1}`)
        .waitFor();
      await route.continue();
    });
    await button(messages(page, 'listn'), 'Acknowledge').click();
    await toast(page, `Acknowledged ${before} detection`).waitFor();
    await button(page, '1 new').click();
    await messages(page, 'listn').waitFor();
    const now = await stored('listn');
    expect(now.length).toBe(before + 1);
    expect(now.filter(({ acknowledged }) => !acknowledged).map(({ text }) => text)).toEqual([line.config('listn', 9)]);
  });
});

it('what one looks at stays, until it is dismissed', async () => {
  const page = await openAlerts(stack, '', { before: (opened) => opened.clock.install() });
  await stopClock(page);
  for (const user of ['eva', 'tom']) await button(messages(page, `for ${user}`), 'Acknowledge').click();
  const toasts = toast(page, 'Acknowledged 1 detection.');
  await expect.poll(() => toasts.count()).toBe(2);
  const dismiss = button(page, 'Dismiss').first();
  await dismiss.focus();
  await page.clock.fastForward(60_000);
  expect(await toasts.count()).toBe(2);
  await dismiss.press('Enter');
  await expect.poll(() => toasts.count()).toBe(1);
  await toasts.hover();
  await page.clock.fastForward(60_000);
  expect(await toasts.count()).toBe(1);
  await page.mouse.move(0, 0);
  await page.clock.fastForward(11_000);
  await expect.poll(() => toasts.count()).toBe(0);
});

it('dismissing what has the focus lets the others go', async () => {
  const page = await openAlerts(stack, '', { before: (opened) => opened.clock.install() });
  await stopClock(page);
  for (const user of ['eva', 'tom']) await button(messages(page, `for ${user}`), 'Acknowledge').click();
  const toasts = toast(page, 'Acknowledged 1 detection.');
  await expect.poll(() => toasts.count()).toBe(2);
  await button(page, 'Dismiss').first().focus();
  await page.keyboard.press('Enter');
  await expect.poll(() => toasts.count()).toBe(1);
  await page.clock.fastForward(11_000);
  await expect.poll(() => toasts.count()).toBe(0);
});

describe('the dialog', () => {
  it('takes verdict, note and name for a selection, and says how many', async () => {
    const page = await openAlerts(stack);
    await messages(page, 'for root').getByRole('checkbox').check();
    await messages(page, 'for eva').getByRole('checkbox').check();
    await page.getByText('2 messages', { exact: true }).waitFor();
    await button(page, 'Acknowledge…').click();
    await dialog(page).getByText('4 detections will be acknowledged.').waitFor();
    await dialog(page)
      .getByRole('radio', { name: /False positive/ })
      .check();
    await dialog(page).getByLabel('Note').fill('only our own scanner, <b>see</b> the calendar');
    await dialog(page).getByLabel('Your name').fill('Eva');
    await button(dialog(page), 'Acknowledge 4').click();
    await toast(page, 'Acknowledged 4 detections.').waitFor();
    await open(page).toBe(3);
    const kept = [...(await stored('for root')), ...(await stored('for eva'))];
    expect(new Set(kept.map(({ verdict, notes }) => `${verdict} ${notes}`))).toEqual(
      new Set([`${Verdict.FALSE_POSITIVE} only our own scanner, <b>see</b> the calendar`]),
    );

    await button(page, 'Acknowledged').click();
    await messages(page, 'for root').getByText('False positive').waitFor();
    await messages(page, 'for root').getByRole('button', { expanded: false }).first().click();
    await page.locator('.detail').getByText('only our own scanner, <b>see</b> the calendar').waitFor();

    await choose(messages(page, 'for root'), 'Open again');
    await toast(page, 'Opened 3 detections again.').waitFor();
    await button(page, 'Open').click();
    await messages(page, 'for root').waitFor();
    await open(page).toBe(4);
  });

  it('selects a range with Shift, and all that is shown', async () => {
    const page = await openAlerts(stack);
    await open(page).toBe(5);
    const boxes = messages(page).getByRole('checkbox');
    await boxes.nth(1).click();
    await boxes.nth(3).click({ modifiers: ['Shift'] });
    await page.getByText('3 messages', { exact: true }).waitFor();
    await button(page, 'Clear').click();
    await page.getByLabel('Select all shown').click();
    await page.getByText('5 messages', { exact: true }).waitFor();
    await button(page, 'Acknowledge…').click();
    await dialog(page)
      .getByText(/^(8|9) detections will be acknowledged\.$/)
      .waitFor();
    await button(dialog(page), 'Cancel').click();
    await page.getByLabel('Clear the selection').click();
    await open(page).toBe(5);
  });

  it('acknowledges all that match a filter, says how many, and gives all back', async () => {
    const page = await openAlerts(stack, '?label=SECURITY_ANOMALY');
    await open(page).toBe(3);
    await button(page, 'Acknowledge all that match…').click();
    await dialog(page).getByText('All that match the filter').waitFor();
    await dialog(page).getByText('5 detections will be acknowledged.').waitFor();
    await dialog(page)
      .getByRole('radio', { name: /Expected/ })
      .check();
    await button(dialog(page), 'Acknowledge 5').click();
    await toast(page, 'Acknowledged 5 detections.').hover();
    await page.getByText('Nothing matches').waitFor();
    expect((await stored('sshd')).every(({ verdict }) => verdict === Verdict.EXPECTED)).toBe(true);
    expect((await stored('payments')).some(({ acknowledged }) => acknowledged)).toBe(false);

    await undo(page, 'Acknowledged 5 detections.');
    await toast(page, '5 detections are as before.').waitFor();
    await open(page).toBe(3);
  });

  it('says why it could not, keeps what was written, and works when asked again', async () => {
    const page = await openAlerts(stack);
    // A server that answers wrongly: the real one does not refuse this.
    await page.route('**/AcknowledgeDetections', (route) => route.fulfill({ status: 500, body: 'out of order' }));
    allow(page, /status of 500/);
    await choose(messages(page, 'for tom'), 'Acknowledge…');
    await dialog(page).getByText('Not acknowledged.').waitFor();
    await dialog(page).getByLabel('Note').fill('kept');
    await page.unroute('**/AcknowledgeDetections');
    await button(dialog(page), 'Acknowledge').click();
    await toast(page, 'Acknowledged 1 detection.').waitFor();
    expect((await stored('for tom')).map(({ notes }) => notes)).toEqual(['kept']);
  });
});
