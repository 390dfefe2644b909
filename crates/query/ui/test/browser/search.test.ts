// Search: words, filters, order, pages, and what is said where nothing is found.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { allow, everyRow, expectAccessible, open, startStack, type Stack } from './harness';
import {
  BASTION_LINES,
  HOSTILE,
  SHOP_LINES,
  at,
  bastionLines,
  boxOf,
  expectCount,
  expectQuery,
  hostileLines,
  routed,
  rowsOf,
  searchFor,
  shopLines,
} from './find-lines';

const REFUSED = (BASTION_LINES / 3) * 2;
const now = Date.now();
let stack: Stack;
beforeAll(async () => {
  stack = await startStack({
    lines: {
      shop: shopLines(now),
      bastion: bastionLines(now),
      [HOSTILE]: hostileLines(now),
      // The older one says it more often.
      ledger: [
        `${at(now - 7 * 3_600_000)} ERROR ledger stalled, stalled again, stalled for good`,
        `${at(now - 90_000)} INFO ledger was stalled for a moment and went on with all that waited for it meanwhile`,
      ],
    },
  });
});
afterAll(() => stack?.remove());

it('finds words, marks them, and goes back and forward', async () => {
  const page = await open(stack, '/search');
  await expectCount(page, '100+ lines');
  await searchFor(page, 'failed root -portal');
  await expectCount(page, `${REFUSED} lines`);
  await expect.poll(() => rowsOf(page).first().locator('mark').allTextContents()).toEqual(['Failed', 'root']);
  await expectQuery(page, { q: 'failed root -portal' });

  await searchFor(page, '"publickey for deploy"');
  await expectCount(page, `${BASTION_LINES / 3} lines`);
  await searchFor(page, 'publick*');
  await expectCount(page, `${BASTION_LINES / 3} lines`);

  await page.goBack();
  await page.goBack();
  await expectCount(page, `${REFUSED} lines`);
  await expect.poll(() => boxOf(page).inputValue()).toBe('failed root -portal');
  await page.goBack();
  await expectCount(page, '100+ lines');
  await expect.poll(() => boxOf(page).inputValue()).toBe('');
  await page.goForward();
  await expectCount(page, `${REFUSED} lines`);
});

it('filters by source, severity, label, score and time, and clears the filters', async () => {
  const page = await open(stack, '/search');
  await page.getByLabel('Source', { exact: true }).selectOption('bastion');
  await expectCount(page, `${BASTION_LINES} lines`);
  expect(new Set(await page.locator('[data-row] .source').allTextContents())).toEqual(new Set(['bastion']));

  await page.getByLabel('Label', { exact: true }).selectOption('SECURITY_ANOMALY');
  await expectCount(page, `${REFUSED} lines`);
  await expect.poll(() => rowsOf(page).first().locator('.label').textContent()).toMatch(/Security anomaly\s*\d+ %/);

  await page.getByRole('button', { name: 'Any score' }).click();
  await page.getByRole('button', { name: '≥ 50 %' }).click();
  await expectQuery(page, { source: 'bastion', label: 'SECURITY_ANOMALY', min: '0.5' });
  await expectCount(page, `${REFUSED} lines`);
  await page.getByRole('button', { name: 'Score from 50 %' }).click();
  await page.getByLabel('From %').fill('40');
  await page.getByLabel('To %').fill('20');
  await page.getByRole('button', { name: 'Apply' }).click();
  await page.getByText('The most has to be at least the least.').waitFor();
  await page.getByLabel('From %').fill('1');
  await page.getByRole('button', { name: 'Apply' }).click();
  await page.getByText('No line matches').waitFor();
  await expectQuery(page, { source: 'bastion', label: 'SECURITY_ANOMALY', min: '0.01', max: '0.2' });

  await page.getByRole('button', { name: 'Clear filters', exact: true }).click();
  await expectQuery(page, {});
  await expectCount(page, '100+ lines');

  await page.getByLabel('Severity of the line').selectOption('ERROR');
  await expectCount(page, '2 lines');
  await page.getByRole('button', { name: /^Time/ }).click();
  await page.getByRole('button', { name: 'Last hour' }).click();
  await expectCount(page, '1 line');
  await expectQuery(page, { severity: 'ERROR', since: '1h' });
});

it('takes a window of time in the zone of the viewer', async () => {
  const page = await open(stack, '/search?source=ledger', { timezone: 'Asia/Kolkata' });
  await expectCount(page, '2 lines');
  await page.getByRole('button', { name: /^Time/ }).click();
  const local = (ms: number) => at(ms + 5.5 * 3_600_000).replace('Z', '');
  await page.getByLabel('From', { exact: true }).fill(local(now - 8 * 3_600_000));
  await page.getByLabel('Until', { exact: true }).fill(local(now - 6 * 3_600_000));
  await page.getByRole('button', { name: 'Apply' }).click();
  await expectCount(page, '1 line');
  await expectQuery(page, { source: 'ledger', from: at(now - 8 * 3_600_000), until: at(now - 6 * 3_600_000) });
  const time = rowsOf(page).first().locator('time');
  expect(await time.textContent()).toContain(local(now - 7 * 3_600_000).split('T')[1]);
  expect(await time.getAttribute('title')).toContain(at(now - 7 * 3_600_000).replace('Z', ''));
});

it('does not lose what is typed when a filter is chosen', async () => {
  const page = await open(stack, '/search');
  await expectCount(page, '100+ lines');
  await boxOf(page).fill('failed');
  await page.getByLabel('Source', { exact: true }).selectOption('bastion');
  await expectQuery(page, { q: 'failed', source: 'bastion' });
  await expectCount(page, `${REFUSED} lines`);
  expect(await boxOf(page).inputValue()).toBe('failed');
});

it('orders by relevance or newest first', async () => {
  const page = await open(stack, '/search?q=stalled');
  await expectCount(page, '2 lines');
  await expect.poll(() => rowsOf(page).first().textContent()).toContain('for a moment');
  await page.getByRole('button', { name: 'Relevance' }).click();
  await expect.poll(() => rowsOf(page).first().textContent()).toContain('for good');
  await expectQuery(page, { q: 'stalled', order: 'relevance' });
  await page.getByRole('button', { name: 'Newest' }).click();
  await expect.poll(() => rowsOf(page).first().textContent()).toContain('for a moment');
});

it('reads page after page, the same lines while others arrive, and those when asked again', async () => {
  const page = await open(stack, '/search?q=paid&source=shop');
  await expectCount(page, '100+ lines');
  const first = await rowsOf(page).first().textContent();
  const late = Array.from({ length: 5 }, (_, index) => `${at(Date.now())} INFO checkout order 9${index} paid late`);
  stack.write('shop', late);
  await stack.settled();

  const viewport = page.locator('.viewport');
  await viewport.hover();
  await expect
    .poll(async () => {
      await page.mouse.wheel(0, 2_000);
      return page.getByText('That is all.').isVisible();
    })
    .toBe(true);
  const seen = (await everyRow(viewport, '[data-row]')).map((text) => /order \d+/.exec(text)?.[0] ?? text);
  expect(new Set(seen)).toEqual(new Set(Array.from({ length: SHOP_LINES }, (_, index) => `order ${4_000 + index}`)));
  await expectCount(page, `${SHOP_LINES} lines`);
  // Only what is seen is in the document.
  expect(await rowsOf(page).count()).toBeLessThan(120);

  await page.getByRole('button', { name: 'Search again' }).click();
  await expect.poll(() => rowsOf(page).first().textContent()).toContain('paid late');
  expect(first).not.toContain('paid late');
});

it('says at the field what is wrong with a query', async () => {
  const page = await open(stack, '/search');
  await expectCount(page, '100+ lines');
  await searchFor(page, 'root "never closed');
  const said = page.getByRole('alert').filter({ hasText: 'The quote at character 6 is not closed.' });
  await said.waitFor();
  const box = boxOf(page);
  expect(await box.getAttribute('aria-invalid')).toBe('true');
  const described = page.locator(`#${await box.getAttribute('aria-describedby')}`);
  expect((await described.textContent())?.trim()).toBe(await said.textContent());
  await page.getByRole('button', { name: 'Correct it' }).click();
  expect(await box.evaluate((element) => element === document.activeElement)).toBe(true);
  await searchFor(page, 'root "for root"');
  await expectCount(page, `${REFUSED} lines`);
  expect(await box.getAttribute('aria-invalid')).toBe('false');
});

it('says what to do where nothing is found', async () => {
  const page = await open(stack, '/search?q=stalled&until=2001-01-01T00:00:00Z&source=ledger');
  await page.getByText('No line matches').waitFor();
  await page.getByRole('button', { name: 'Search all time' }).click();
  await expectCount(page, '2 lines');
  await page.goBack();
  await page.getByRole('button', { name: 'Clear the filters' }).click();
  await expectQuery(page, { q: 'stalled' });
  await searchFor(page, 'zzznever');
  await page.getByText('No line matches').waitFor();
  await page.getByRole('button', { name: 'Clear the search' }).last().click();
  await expectQuery(page, {});
  await expectCount(page, '100+ lines');
});

it('shows why a search failed, and tries again', async () => {
  // The server cannot be made to refuse this: the browser answers in its place.
  const search = /EntryService\/SearchEntries/;
  const refuse = {
    status: 200,
    headers: {
      'content-type': 'application/grpc-web+proto',
      'grpc-status': '13',
      'grpc-message': 'the disk is on fire',
    },
  };
  const page = await open(stack, '/search', {
    before: (page) => routed(page, search, (route) => route.fulfill(refuse)),
  });
  allow(page, /Failed to load resource/);
  await page.getByText('The lines could not be searched').waitFor();
  await page.getByText('The disk is on fire.').waitFor();
  await page.unroute(search);
  await page.getByRole('button', { name: 'Try again' }).click();
  await expectCount(page, '100+ lines');
});

it('says what to do where nothing was ever read', async () => {
  const empty = await startStack({ lines: { quiet: [] } });
  try {
    const page = await open(empty, '/search');
    await page.getByText('No lines are stored yet').waitFor();
    await expectAccessible(page);
    await searchFor(page, 'anything');
    await page.getByText('No line matches').waitFor();
    await page.goto(`${empty.url}/diagnose`);
    await page.getByRole('button', { name: 'Ask', exact: true }).click();
    await page.getByText(/^Nothing found/).waitFor();
    // Before its server goes: the page would look for that.
    await page.close();
  } finally {
    await empty.remove();
  }
});
