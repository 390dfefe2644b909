// A line in Search: what stands around it, its address, why it has its label, and text that wants to do harm.
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { allow, open, startStack, type Stack } from './harness';
import {
  BASTION_LINES,
  HOSTILE,
  at,
  bastionLines,
  expectCount,
  expectQuery,
  hostileLines,
  queryOf,
  rowsOf,
  shopLines,
} from './find-lines';

const now = Date.now();
let stack: Stack;
beforeAll(async () => {
  stack = await startStack({
    lines: { shop: shopLines(now), bastion: bastionLines(now), [HOSTILE]: hostileLines(now) },
    sources: { vault: { tenant: 'acme', lines: [`${at(now)} WARN the door of the vault is open`] } },
  });
  await stack.settled(undefined, ['acme']);
});
afterAll(() => stack?.remove());

const lineOf = (page: Page) => page.getByRole('region', { name: 'The line' });
const aroundOf = (page: Page) => page.getByRole('region', { name: 'Lines around it' });
const itemsOf = (page: Page) => aroundOf(page).getByRole('listitem');
const openLine = (page: Page) => aroundOf(page).locator('[aria-current=true]');
const contextCall = /EntryService\/ListEntryContext/;

/** Opens a login that has so many newer ones. */
const NEWER = 10;
async function openLogin(page: Page): Promise<void> {
  await rowsOf(page).nth(NEWER).click();
  await openLine(page).waitFor();
}

it('opens a line in its context and goes back to its row', async () => {
  const page = await open(stack, '/search?source=bastion');
  await expectCount(page, `${BASTION_LINES} lines`);
  const row = rowsOf(page).nth(4);
  const text = (await row.locator('.text').textContent()) ?? '';
  await row.click();
  await expect.poll(() => openLine(page).textContent()).toContain(text);
  expect(await lineOf(page).textContent()).toBe(text);
  // Four newer ones, and twenty older ones.
  await expect.poll(() => itemsOf(page).count()).toBe(25);
  await page.getByText('25 lines of this source').waitFor();
  await page.getByText('No later line of this source.').waitFor();
  expect(await page.getByText('No earlier line').count()).toBe(0);

  await page.keyboard.press('Escape');
  await expect.poll(() => row.evaluate((element) => element === document.activeElement)).toBe(true);
  await expectQuery(page, { source: 'bastion' });
  await page.goBack();
  await openLine(page).waitFor();
  await page.goBack();
  await openLine(page).waitFor({ state: 'detached' });
});

it('shows more lines around it and leaves the line where it is', async () => {
  const page = await open(stack, '/search?source=bastion&around=5');
  await openLogin(page);
  await expect.poll(() => itemsOf(page).count()).toBe(11);
  const middle = () =>
    openLine(page).evaluate((line) => {
      const [of, within] = [line, line.closest('[role=region]')!].map((element) => element.getBoundingClientRect());
      return of!.top + of!.height / 2 - within!.top - within!.height / 2;
    });
  await aroundOf(page).evaluate((list) => (list.scrollTop = 0));
  const before = (await openLine(page).boundingBox())?.y ?? 0;
  const earlier = page.getByRole('button', { name: 'Earlier lines' });
  await earlier.focus();

  // The answer is held back: nothing may be claimed meanwhile.
  let pass: () => void = () => {};
  const held = new Promise<void>((done) => (pass = done));
  await page.route(contextCall, async (route) => {
    await held;
    await route.continue();
  });
  await page.keyboard.press('Enter');
  await expect.poll(() => aroundOf(page).getAttribute('aria-busy')).toBe('true');
  expect(await earlier.isVisible()).toBe(true);
  expect(await itemsOf(page).count()).toBe(11);
  expect(await page.getByText('No earlier line').count()).toBe(0);
  pass();
  await page.getByText('No earlier line of this source.').waitFor();
  await page.unroute(contextCall);

  // All that are before it, itself, five behind it.
  expect(await itemsOf(page).count()).toBe(BASTION_LINES - NEWER + 5);
  expect(Math.abs(((await openLine(page).boundingBox())?.y ?? 0) - before)).toBeLessThan(3);
  // The button is gone, the keys are still here.
  expect(await aroundOf(page).evaluate((list) => list === document.activeElement)).toBe(true);
  expect(queryOf(page)).toMatchObject({ around: '5', before: '55' });

  await page.getByLabel('Around it', { exact: true }).selectOption('1m');
  // Ten seconds apart: six on either side.
  await expect.poll(() => itemsOf(page).count()).toBe(13);
  expect(queryOf(page)).toMatchObject({ around: '1m' });
  expect(Object.keys(queryOf(page))).not.toContain('before');
  await expect.poll(async () => Math.abs(await middle())).toBeLessThan(40);
  await page.getByRole('button', { name: 'Widen to ± 3 minutes' }).first().click();
  // Eighteen before it, and all that are behind it.
  await expect.poll(() => itemsOf(page).count()).toBe(18 + 1 + NEWER);
  await expect.poll(async () => Math.abs(await middle())).toBeLessThan(40);
});

it('keeps the lines that are there when no more can be read', async () => {
  const page = await open(stack, '/search?source=bastion&around=5');
  await openLogin(page);
  await expect.poll(() => itemsOf(page).count()).toBe(11);
  // The server cannot be made to refuse this: the browser answers in its place.
  const headers = { 'content-type': 'application/grpc-web+proto', 'grpc-status': '3', 'grpc-message': 'too odd' };
  await page.route(contextCall, (route) => route.fulfill({ status: 200, headers }));
  await page.getByRole('button', { name: 'Later lines' }).click();
  await page.getByText('Too odd.').waitFor();
  expect(await itemsOf(page).count()).toBe(11);
  expect(await page.getByText(/No (?:earlier|later) line/).count()).toBe(0);
  await page.unroute(contextCall);
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByText('No later line of this source.').waitFor();
});

it('has an address that opens the same line and context elsewhere', async () => {
  const page = await open(stack, '/search?source=bastion&q=failed&around=5');
  await rowsOf(page).nth(12).click();
  await expect.poll(() => itemsOf(page).count()).toBe(11);
  await page.getByRole('button', { name: 'Earlier lines' }).click();
  await expect.poll(() => itemsOf(page).count()).toBeGreaterThan(11);
  const shown = await itemsOf(page).allTextContents();
  const text = (await lineOf(page).textContent())?.trim();

  const elsewhere = await open(stack, page.url().slice(stack.url.length));
  await expect.poll(() => itemsOf(elsewhere).allTextContents()).toEqual(shown);
  expect((await lineOf(elsewhere).textContent())?.trim()).toBe(text);
  // The words are known once the search has found the line too.
  await expect.poll(() => lineOf(elsewhere).locator('mark').allTextContents()).toEqual(['Failed']);

  // The button copies a link to the line alone.
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.getByRole('button', { name: 'Copy a link to this line' }).click();
  await page.getByText('The link is on the clipboard.').waitFor();
  const link = await page.evaluate(() => navigator.clipboard.readText());
  expect(Object.keys(queryOf(page))).toContain('q');
  expect([...new URL(link).searchParams.keys()]).toEqual(['around', 'before', 'entry']);
  const alone = await open(stack, link.slice(stack.url.length));
  await expect.poll(() => itemsOf(alone).allTextContents()).toEqual(shown);

  await page.getByRole('button', { name: 'Copy the line' }).click();
  await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toBe(text);
});

it('names the tenant in the address, so that others see its line too', async () => {
  const page = await open(stack, '/search?tenant=acme&source=vault');
  await expectCount(page, '1 line');
  await rowsOf(page).first().click();
  await openLine(page).waitFor();
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.getByRole('button', { name: 'Copy a link to this line' }).click();
  await page.getByText('The link is on the clipboard.').waitFor();
  const link = await page.evaluate(() => navigator.clipboard.readText());
  const elsewhere = await open(stack, link.slice(stack.url.length));
  await expect.poll(() => lineOf(elsewhere).textContent()).toContain('door of the vault');
  // Whoever is not that tenant does not.
  const other = await open(stack, link.slice(stack.url.length).replace('tenant=acme', ''));
  allow(other, /Failed to load resource/);
  await other.getByText('This line is not here').waitFor();
  // Other pages of this tab are of the same tenant.
  await page.getByRole('link', { name: 'Diagnose', exact: true }).click();
  await page.getByLabel('What do you want to know?').waitFor();
  await expectQuery(page, { tenant: 'acme' });
});

it('goes from line to line and to what happened at that time', async () => {
  const page = await open(stack, '/search?source=bastion');
  await openLogin(page);
  const [first] = await itemsOf(page).locator('.text').allTextContents();
  await itemsOf(page).first().getByRole('link').click();
  await expect.poll(() => lineOf(page).textContent()).toContain(first?.trim());
  await page.getByRole('link', { name: 'All sources ±5 min' }).click();
  await expect.poll(() => Object.keys(queryOf(page))).toEqual(['entry', 'from', 'until']);
  await expect
    .poll(async () => new Set(await page.locator('[data-row] .source').allTextContents()).has('shop'))
    .toBe(true);
  await page.getByRole('link', { name: 'Diagnose ±5 min' }).click();
  await page.getByLabel('What do you want to know?').waitFor();
  expect(Object.keys(queryOf(page))).toEqual(['from', 'until']);
});

it('says which words made a label', async () => {
  const page = await open(stack, '/search?source=bastion&q=failed');
  await rowsOf(page).first().click();
  await page.getByRole('tab', { name: 'Why this label' }).click();
  const table = page.getByRole('table', { name: /What each word adds/ });
  await table.waitFor();
  const words = await table.getByRole('rowheader').allTextContents();
  expect(words.length).toBeGreaterThan(2);
  const marked = await page.locator('.reason .line mark').allTextContents();
  for (const word of words) expect(marked).toContain(word.trim());
  expect(queryOf(page)).toMatchObject({ view: 'label' });
});

it('explains a line and jumps from the words to the lines', async () => {
  const page = await open(stack, '/search?source=bastion&q=failed');
  await rowsOf(page).first().click();
  await page.getByRole('tab', { name: 'Explanation' }).click();
  await page.getByText('Made without a model').waitFor();
  const reference = page.getByRole('button', { name: /^L\d+$/ }).first();
  const name = (await reference.textContent()) ?? '';
  await reference.click();
  const line = page.locator(`[data-reference="${name}"]`);
  await expect.poll(() => line.evaluate((element) => element === document.activeElement)).toBe(true);
  expect(await line.evaluate((element) => element.classList.contains('shown'))).toBe(true);
});

it('is all there for the keyboard', async () => {
  const page = await open(stack, '/search');
  await expectCount(page, '100+ lines');
  const focused = () =>
    page.evaluate(
      () => document.activeElement?.getAttribute('data-row') ?? document.activeElement?.getAttribute('name'),
    );
  await page.keyboard.press('/');
  await expect.poll(focused).toBe('q');
  await page.keyboard.type('failed root');
  await page.keyboard.press('Enter');
  await expectCount(page, '40 lines');
  await page.keyboard.press('Escape');
  for (const key of ['j', 'j', 'j', 'k', 'ArrowDown', 'ArrowUp']) await page.keyboard.press(key);
  const second = await rowsOf(page).nth(1).getAttribute('data-row');
  await expect.poll(focused).toBe(second);
  await page.keyboard.press('Enter');
  await expectQuery(page, { q: 'failed root', entry: second ?? '' });
  await expect.poll(() => page.evaluate(() => document.activeElement?.tagName)).toBe('H2');
  await page.getByRole('tab', { name: 'Context' }).focus();
  await page.keyboard.press('End');
  await page.getByRole('table').waitFor();
  await page.keyboard.press('ArrowLeft');
  await page.getByText('Made without a model').waitFor();
  await page.keyboard.press('Home');
  await openLine(page).waitFor();
  await page.keyboard.press('Escape');
  await expect.poll(focused).toBe(second);
  await page.keyboard.press('?');
  await page.getByRole('heading', { name: 'What to search for' }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('heading', { name: 'What to search for' }).waitFor({ state: 'detached' });
});

it('shows hostile lines as they are', async () => {
  const page = await open(stack, `/search?source=${encodeURIComponent(HOSTILE)}&q=portal`);
  await expectCount(page, '3 lines');
  const texts = (await page.locator('[data-row] .text').allTextContents()).join('\n');
  expect(texts).toContain('<img src=x onerror=alert(1)> failed for U+202Enimda');
  expect(texts).toContain('roU+200Bot failed ESC[31mred alertESC[0m');
  expect(await page.locator('[data-row] :is(img, script, b)').count()).toBe(0);
  expect(await page.locator('[data-row] .source').first().textContent()).toBe(HOSTILE);

  await page.goto(`${stack.url}/search?q=needle`);
  // The match is seen, far behind in the line as it is.
  expect(await rowsOf(page).first().locator('mark').textContent()).toBe('needle');
  await rowsOf(page).first().click();
  await lineOf(page)
    .getByRole('button', { name: /Show all 7,\d+ characters/ })
    .click();
  expect(await lineOf(page).locator('mark').textContent()).toBe('needle');
});

it('says that a line is not here', async () => {
  const page = await open(stack, '/search?entry=01890000-0000-7000-8000-000000000000');
  allow(page, /Failed to load resource/);
  await page.getByText('This line is not here').waitFor();
  await page.getByRole('link', { name: 'Search all lines' }).click();
  await expectQuery(page, {});
  await expectCount(page, '100+ lines');
});
