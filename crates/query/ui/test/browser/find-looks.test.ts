// How Search and Diagnose look: nothing for axe to find in either scheme, narrow enough for phones, and nothing moves by itself.
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectAccessible, observedOf, open, startStack, type Stack } from './harness';
import { HOSTILE, bastionLines, expectNarrow, hostileLines, routed, rowsOf, shopLines } from './find-lines';

/** In sum, as browsers count it: "good" is 0.1. */
const SHIFT_MAX = 0.02;
const PHONE = { width: 360, height: 740 };

const now = Date.now();
let stack: Stack;
let login = '';
beforeAll(async () => {
  stack = await startStack({
    lines: { shop: shopLines(now), bastion: bastionLines(now), [HOSTILE]: hostileLines(now) },
  });
  const { entries } = await stack.api.entries.searchEntries({
    query: 'failed root',
    sourceId: 'bastion',
    pageSize: 20,
  });
  login = entries.at(-1)?.id ?? '';
});
afterAll(() => stack?.remove());

/** What it is, where it is, and how one knows that it is all there. */
interface Look {
  name: string;
  path: () => string;
  shown: (page: Page) => Promise<unknown>;
}
const answered = async (page: Page) => {
  await page.getByText('Made without a model').waitFor();
};
const LOOKS: readonly Look[] = [
  {
    name: 'results',
    path: () => '/search?q=failed',
    shown: (page) => rowsOf(page).first().locator('mark').first().waitFor(),
  },
  {
    name: 'hostile lines',
    path: () => '/search?q=portal',
    shown: (page) => page.getByText('U+202E').first().waitFor(),
  },
  {
    name: 'a line in its context',
    path: () => `/search?q=failed&source=bastion&entry=${login}`,
    shown: (page) => page.getByRole('region', { name: 'Lines around it' }).waitFor(),
  },
  {
    name: 'a line and its explanation',
    path: () => `/search?entry=${login}&view=explanation`,
    shown: answered,
  },
  {
    name: 'why a label',
    path: () => `/search?entry=${login}&view=label`,
    shown: (page) => page.getByRole('table').waitFor(),
  },
  { name: 'no match', path: () => '/search?q=zzznever', shown: (page) => page.getByText('No line matches').waitFor() },
  {
    name: 'a query that cannot be read',
    path: () => '/search?q=%22never+closed',
    shown: (page) => page.getByText('The query cannot be read').waitFor(),
  },
  {
    name: 'a line that is not here',
    path: () => '/search?entry=01890000-0000-7000-8000-000000000000',
    shown: (page) => page.getByText('This line is not here').waitFor(),
  },
  {
    name: 'no question yet',
    path: () => '/diagnose',
    shown: (page) => page.getByText('Ask about what happened').waitFor(),
  },
  { name: 'an answer', path: () => '/diagnose?ask=1', shown: answered },
  {
    name: 'nothing found',
    path: () => '/diagnose?ask=1&from=2001-01-01T00:00:00Z&until=2001-01-01T01:00:00Z',
    shown: answered,
  },
];

for (const scheme of ['light', 'dark'] as const)
  describe(`in ${scheme}`, () => {
    for (const { name, path, shown } of LOOKS)
      it(`shows ${name}`, async () => {
        const page = await open(stack, path(), { scheme });
        await shown(page);
        await expectAccessible(page);
        const { cls, shifts } = await observedOf(page);
        expect(cls, shifts.join('\n')).toBeLessThan(SHIFT_MAX);
      });

    it('shows what opens', async () => {
      const page = await open(stack, '/search?q=failed', { scheme });
      await rowsOf(page).first().waitFor();
      for (const name of [/^Time/, 'Any score', 'Search syntax and keys']) {
        await page.getByRole('button', { name }).click();
        await page.locator(':popover-open').waitFor();
        await expectAccessible(page);
        await page.keyboard.press('Escape');
      }
      await page.goto(`${stack.url}/diagnose`);
      await page.getByRole('button', { name: /^Sources/ }).click();
      await page.getByLabel('Find a source').waitFor();
      await expectAccessible(page);
    });

    it('shows an error', async () => {
      // The server cannot be made to fail: the browser answers in its place.
      const headers = {
        'content-type': 'application/grpc-web+proto',
        'grpc-status': '3',
        'grpc-message': 'that is odd',
      };
      const page = await open(stack, '/diagnose?ask=1', {
        scheme,
        before: (page) =>
          routed(page, /SearchEntries|Diagnose$|ListEntryContext/, (route) => route.fulfill({ status: 200, headers })),
      });
      await page.getByText('That is odd.').waitFor();
      await expectAccessible(page);
      await page.goto(`${stack.url}/search?entry=${login}`);
      await page.getByText('The line could not be read').waitFor();
      await page.getByText('The lines could not be searched').waitFor();
      await expectAccessible(page);
    });
  });

describe('on a phone', () => {
  for (const { name, path, shown } of LOOKS)
    it(`shows ${name}`, async () => {
      const page = await open(stack, path(), { viewport: PHONE });
      await shown(page);
      await expectNarrow(page);
      const { cls, shifts } = await observedOf(page);
      expect(cls, shifts.join('\n')).toBeLessThan(SHIFT_MAX);
    });

  it('searches, filters, opens a line and comes back', async () => {
    const page = await open(stack, '/search', { viewport: PHONE });
    await rowsOf(page).first().waitFor();
    await page.getByRole('button', { name: /^Filters/ }).click();
    await page.getByLabel('Source', { exact: true }).selectOption('bastion');
    await expect.poll(() => page.locator('.summary strong').textContent()).toBe('60 lines');
    await expectNarrow(page);
    await page.getByRole('button', { name: /^Time/ }).click();
    await page.locator(':popover-open').waitFor();
    await expectNarrow(page);
    await page.keyboard.press('Escape');
    await rowsOf(page).nth(1).click();
    const title = page.getByRole('heading', { name: /bastion/ });
    await title.waitFor();
    await expectNarrow(page);
    await expectAccessible(page);
    await page.getByRole('button', { name: 'Back to the results' }).click();
    await title.waitFor({ state: 'detached' });
    await expect.poll(() => rowsOf(page).nth(1).isVisible()).toBe(true);
  });

  it('asks and jumps to the evidence', async () => {
    const page = await open(stack, '/diagnose', { viewport: PHONE });
    await page.getByRole('button', { name: 'Ask', exact: true }).click();
    await answered(page);
    await page.locator('button.reference').first().click();
    const line = page.locator('.shown[data-reference]');
    await expect
      .poll(() =>
        line.evaluate((element) => {
          const { top, bottom } = element.getBoundingClientRect();
          return top >= 0 && bottom <= innerHeight;
        }),
      )
      .toBe(true);
  });
});

it('stands still for those who want no motion', async () => {
  const moving = (page: Page) =>
    page.evaluate(() => document.getAnimations().filter((animation) => animation.playState === 'running').length);
  // The answer is held back: what stands in its place is to be seen.
  const page = await open(stack, '/search', {
    reducedMotion: true,
    before: (page) => routed(page, /SearchEntries/, () => {}),
  });
  await page.locator('.loading-shimmer').first().waitFor();
  await expect.poll(() => moving(page)).toBe(0);
  const other = await open(stack, '/search', { before: (page) => routed(page, /SearchEntries/, () => {}) });
  await other.locator('.loading-shimmer').first().waitFor();
  await expect.poll(() => moving(other)).toBeGreaterThan(0);
});
