// Diagnose without a language model: the question, its time and sources, the answer beside its evidence, and nothing found.
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { open, startStack, type Stack } from './harness';
import { at, bastionLines, expectQuery, queryOf, shopLines } from './find-lines';

const HOUR = 3_600_000;
const now = Date.now();
let stack: Stack;
beforeAll(async () => {
  stack = await startStack({
    lines: {
      shop: shopLines(now),
      bastion: bastionLines(now),
      // Each of these is a message of its own.
      plant: [...'abcdefghijklmnopqrst'].map(
        (letter, index) =>
          `${at(now - 20 * HOUR + index * 1_000)} CRITICAL valve ${letter}${letter}${letter} of boiler ${letter}x does not close`,
      ),
      // The newest line of this source is from this morning.
      backup: Array.from(
        { length: 12 },
        (_, index) =>
          `${at(now - 9 * HOUR + index * 60_000)} ERROR backup volume ${index} cannot be written: no space left`,
      ),
    },
  });
});
afterAll(() => stack?.remove());

const boxOf = (page: Page) => page.getByLabel('What do you want to know?');
const answerOf = (page: Page) => page.getByRole('region', { name: 'Answer' });
const evidenceOf = (page: Page) => answerOf(page).getByRole('list', { name: 'Evidence' });
const complete = (page: Page) => answerOf(page).getByText('Made without a model').waitFor();

it('asks the default question about the last hour and shows what it rests on', async () => {
  const page = await open(stack, '/diagnose');
  await expect.poll(() => boxOf(page).inputValue()).toMatch(/^What is going wrong in these lines\?/);
  await page.getByRole('button', { name: 'Time: Last hour' }).waitFor();
  await page.getByRole('button', { name: 'Sources: All sources' }).waitFor();
  await page.getByRole('button', { name: 'Ask', exact: true }).click();
  await complete(page);
  expect(await answerOf(page).textContent()).toContain('Failed password');
  expect(await evidenceOf(page).getByRole('listitem').count()).toBeGreaterThan(0);

  const reference = answerOf(page).locator('button.reference').last();
  const line = evidenceOf(page).locator(`[data-reference="${await reference.textContent()}"]`);
  await reference.click();
  await expect.poll(() => line.evaluate((element) => element === document.activeElement)).toBe(true);
  await expect.poll(() => line.evaluate((element) => element.classList.contains('shown'))).toBe(true);
  const isInList = () =>
    line.evaluate((item) => {
      const [box, list] = [item.getBoundingClientRect(), item.closest('ol')!.getBoundingClientRect()];
      return box.top + 1 >= list.top && box.top < list.bottom;
    });
  await expect.poll(isInList).toBe(true);

  // From the evidence to the line in Search, and back to the answer.
  const text = (await line.locator('.hostile').textContent()) ?? '';
  await line.getByRole('link').click();
  await expect.poll(() => page.getByRole('region', { name: 'The line' }).textContent()).toContain(text);
  await page.goBack();
  await complete(page);
});

it('keeps the evidence beside what one reads of a long answer', async () => {
  const page = await open(stack, '/diagnose?ask=1&since=24h&sources=plant', {
    viewport: { width: 1_280, height: 420 },
  });
  await complete(page);
  const reference = answerOf(page).locator('button.reference').last();
  await reference.click();
  const line = evidenceOf(page).locator(`[data-reference="${await reference.textContent()}"]`);
  for (const seen of [line, reference])
    await expect
      .poll(() =>
        seen.evaluate((element) => {
          const { top, bottom } = element.getBoundingClientRect();
          return top >= 0 && bottom <= innerHeight;
        }),
      )
      .toBe(true);
});

it('keeps question, time and sources in the address', async () => {
  const page = await open(stack, '/diagnose');
  await boxOf(page).fill('Who was refused?');
  await page.getByRole('button', { name: /^Time/ }).click();
  await page.getByRole('button', { name: 'Last 6 hours' }).click();
  await page.getByRole('button', { name: /^Sources/ }).click();
  await page.getByLabel('Find a source').fill('bast');
  await page.getByRole('checkbox', { name: /bastion/ }).check();
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Sources: bastion' }).waitFor();
  await boxOf(page).press('Enter');
  await complete(page);
  const wanted = { q: 'Who was refused?', since: '6h', sources: 'bastion' };
  await expectQuery(page, wanted);
  await answerOf(page).page().getByRole('heading', { name: 'Who was refused?' }).waitFor();
  for (const name of await evidenceOf(page).locator('.source').allTextContents()) expect(name).toBe('bastion');

  await boxOf(page).fill('And who was let in?');
  await page.getByRole('button', { name: 'Ask', exact: true }).click();
  await page.getByRole('heading', { name: 'And who was let in?' }).waitFor();
  await complete(page);
  await page.goBack();
  await expectQuery(page, wanted);
  await expect.poll(() => boxOf(page).inputValue()).toBe('Who was refused?');
  await page.getByRole('heading', { name: 'Who was refused?' }).waitFor();
  await page.goForward();
  await page.getByRole('heading', { name: 'And who was let in?' }).waitFor();

  // A link names the moments that were meant, not "the last six hours".
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.getByRole('button', { name: 'Copy link' }).click();
  await page.getByText('The link is on the clipboard.').waitFor();
  const link = await page.evaluate(() => navigator.clipboard.readText());
  expect([...new URL(link).searchParams.keys()]).toEqual(['from', 'q', 'sources', 'until']);
  const elsewhere = await open(stack, link.slice(stack.url.length));
  await expect.poll(() => boxOf(elsewhere).inputValue()).toBe('And who was let in?');
  expect(await answerOf(elsewhere).count()).toBe(0);
  await elsewhere.getByRole('button', { name: 'Ask', exact: true }).click();
  await complete(elsewhere);
});

it('says that nothing was found, and what to try', async () => {
  const page = await open(stack, `/diagnose?from=${at(now - 4 * HOUR)}&until=${at(now - 3 * HOUR)}&sources=backup`);
  await page.getByRole('button', { name: 'Ask', exact: true }).click();
  await complete(page);
  await answerOf(page)
    .getByText(/^Nothing found/)
    .waitFor();
  await evidenceOf(page).getByText('No lines.').waitFor();
  const ways = page.getByRole('group', { name: 'What to try instead' });
  await ways.getByRole('link', { name: 'Search this window' }).click();
  await page.getByText('No line matches').waitFor();
  expect(queryOf(page)).toEqual({ from: at(now - 4 * HOUR), until: at(now - 3 * HOUR), source: 'backup' });
  await page.goBack();
  await answerOf(page)
    .getByText(/^Nothing found/)
    .waitFor();
  await ways.getByRole('button', { name: /^Ask about/ }).click();
  await evidenceOf(page)
    .getByText(/no space left/)
    .first()
    .waitFor();
  expect(queryOf(page)).toMatchObject({ from: at(now - 15 * HOUR), until: at(now - 3 * HOUR) });
});

it('says where the newest lines are when the window is behind them', async () => {
  const page = await open(stack, '/diagnose?sources=backup');
  await page.getByText(/^The newest line of these sources is from .*, before this window\.$/).waitFor();
  await page.getByRole('button', { name: 'Take the hour up to it' }).click();
  await page.getByRole('button', { name: 'Ask', exact: true }).click();
  await evidenceOf(page)
    .getByText(/no space left/)
    .first()
    .waitFor();
});

it('can be asked before the sources are known, and nothing moves when they are', async () => {
  let answer = () => {};
  const held = new Promise<void>((resolve) => (answer = resolve));
  const page = await open(stack, '/diagnose?sources=backup', {
    viewport: { width: 360, height: 740 },
    before: (opened) =>
      opened.route('**/ListSources', async (route) => {
        await held;
        await route.continue();
      }),
  });
  await page.getByRole('heading', { name: 'Ask about what happened' }).waitFor();
  await boxOf(page).fill('Is there room?');
  // The box is lower now.
  const suggestion = page.getByRole('button', { name: 'Who failed to log in, and from where?' });
  const place = await suggestion.boundingBox();
  answer();
  await page.getByText(/^The newest line of these sources/).waitFor();
  expect(await suggestion.boundingBox()).toEqual(place);
  expect(await boxOf(page).inputValue()).toBe('Is there room?');
});

it('can be asked where the sources cannot be read', async () => {
  // The server answers wrongly: the real one does not refuse this.
  const headers = { 'content-type': 'application/grpc-web+proto', 'grpc-status': '3', 'grpc-message': 'no list' };
  const page = await open(stack, '/diagnose', {
    before: (opened) => opened.route('**/ListSources', (route) => route.fulfill({ status: 200, headers })),
  });
  await page.getByRole('button', { name: /^Sources/ }).click();
  await page.getByText('No list.').waitFor();
  await page.unroute('**/ListSources');
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByRole('checkbox', { name: /bastion/ }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Ask', exact: true }).click();
  await complete(page);
});

it('begins with a suggestion and refuses what is too long', async () => {
  const page = await open(stack, '/diagnose');
  await page.getByRole('button', { name: 'Who failed to log in, and from where?' }).click();
  expect(await boxOf(page).inputValue()).toBe('Who failed to log in, and from where?');
  expect(await boxOf(page).evaluate((element) => element === document.activeElement)).toBe(true);
  await boxOf(page).fill('x'.repeat(1_004));
  await page.getByText('4 characters too many').waitFor();
  expect(await page.getByRole('button', { name: 'Ask', exact: true }).isDisabled()).toBe(true);
  await boxOf(page).press('Enter');
  expect(await answerOf(page).count()).toBe(0);
  await boxOf(page).fill('');
  await boxOf(page).press('Enter');
  await page.getByRole('heading', { name: 'What is going wrong' }).waitFor();
  await complete(page);
});

it('is all there for the keyboard', async () => {
  const page = await open(stack, '/diagnose');
  await boxOf(page).focus();
  for (const name of [/^Time/, /^Sources/, /^Ask$/]) {
    await page.keyboard.press('Tab');
    const button = page.getByRole('button', { name });
    await expect.poll(() => button.evaluate((element) => element === document.activeElement)).toBe(true);
  }
  await page.keyboard.press('Space');
  await complete(page);
  // The button is still where the keys are.
  await expect.poll(() => page.evaluate(() => document.activeElement?.textContent?.trim())).toBe('Ask');
});

it('shows why there is no answer, and asks again', async () => {
  // The server cannot be made to break off here: the browser answers in its place.
  const headers = {
    'content-type': 'application/grpc-web+proto',
    'grpc-status': '3',
    'grpc-message': 'that is no question',
  };
  const page = await open(stack, '/diagnose');
  await page.route(/ExplanationService\/Diagnose/, (route) => route.fulfill({ status: 200, headers }));
  await page.getByRole('button', { name: 'Ask', exact: true }).click();
  await page.getByText('That is no question.').waitFor();
  await page.unroute(/ExplanationService\/Diagnose/);
  await answerOf(page).getByRole('button', { name: 'Try again' }).click();
  await complete(page);
});
