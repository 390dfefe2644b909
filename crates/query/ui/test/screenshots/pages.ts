// Pictures of each page, light, dark and as on a phone, into docs/images. TURNSTONE_SCREENSHOTS names another folder.
import { appendFileSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { open, startStack, type Stack } from '../browser/harness';
import { root } from '../browser/harness/programs';
import { asLive, demoLogs } from './demo';

const folder = process.env['TURNSTONE_SCREENSHOTS'] ?? join(root, 'docs/images');
const FILE_BYTES_MAX = 120_000;
const ALL_BYTES_MAX = 1_200_000;

let stack: Stack;
beforeAll(async () => {
  mkdirSync(folder, { recursive: true });
  const logs = demoLogs(Date.now());
  stack = await startStack({ sources: Object.fromEntries(Object.keys(logs).map((source) => [source, {}])) });
  for (const [source, text] of Object.entries(logs)) appendFileSync(stack.fileOf(source), text);
  await allIsScored();
  await stack.stop();
  asLive(join(dirname(dirname(stack.fileOf('any'))), 'data/turnstone.db'));
  await stack.start();
}, 600_000);
afterAll(() => stack?.remove());

/** Lines of one record become one entry, so nobody knows how many there will be: waits until no more come. */
async function allIsScored(): Promise<void> {
  let before = 0n;
  for (;;) {
    const { entryCount, unscoredEntryCount } = await stack.api.stats.getStatsSummary({});
    if (entryCount === before && entryCount > 0n && unscoredEntryCount === 0n) return;
    before = entryCount;
    await new Promise((later) => setTimeout(later, 2_000));
  }
}

interface Look {
  name: 'light' | 'dark' | 'phone';
  scheme: 'light' | 'dark';
  viewport: { width: number; height: number };
}
const WIDTH = 1_440;
const PHONE: Look = { name: 'phone', scheme: 'light', viewport: { width: 390, height: 844 } };

async function picture(page: Page, name: string): Promise<void> {
  // Nothing that is in sight is being fetched or moved any more.
  const isBusy = () =>
    page.evaluate(() =>
      [...document.querySelectorAll('.loading-shimmer')].some((element) => {
        const { top, bottom } = element.getBoundingClientRect();
        return (
          bottom > 0 && top < innerHeight && element.closest('ul, ol, table')?.getBoundingClientRect().height !== 0
        );
      }),
    );
  await page.evaluate(() => document.fonts.ready);
  await expect.poll(isBusy).toBe(false);
  await page.mouse.move(0, 0);
  const session = await page.context().newCDPSession(page);
  const { data } = await session.send('Page.captureScreenshot', { format: 'webp', quality: 72 });
  const image = Buffer.from(data, 'base64');
  writeFileSync(join(folder, `${name}.webp`), image);
  if (process.env['TURNSTONE_SCREENSHOTS'] !== undefined) await page.screenshot({ path: join(folder, `${name}.png`) });
  expect(image.length, name).toBeLessThan(FILE_BYTES_MAX);
}

interface Shown {
  path: string;
  height: number;
  /** Does what a person would, until there is something to look at. */
  ready: (page: Page) => Promise<void>;
}

const isPhone = (page: Page) => page.viewportSize()?.width === PHONE.viewport.width;
/** Rests a row below what stands above the list. */
const toTop = (element: Locator) => element.evaluate((row) => row.scrollIntoView({ block: 'start' }));

const PAGES: Record<string, Shown> = {
  dashboard: {
    path: '/',
    height: 1_180,
    ready: async (page) => {
      await page.getByRole('region', { name: 'Sources' }).getByText('bastion').first().waitFor();
      const row = page
        .getByRole('region', { name: 'Recent criticals' })
        .locator('li:has(> button:has-text("push WAL"))');
      await row.getByRole('button', { expanded: false }).first().click();
      await page.getByText('What happened').waitFor();
      if (isPhone(page)) await toTop(row);
    },
  },
  alerts: {
    path: '/alerts?q=kernel',
    height: 960,
    ready: async (page) => {
      await page.getByText('critical medium error').first().click();
      await page.getByRole('button', { name: 'Explain', exact: true }).first().click();
      await page.getByText('What happened').waitFor();
      if (isPhone(page)) await toTop(page.getByText('Score', { exact: true }).first());
    },
  },
  diagnose: {
    path: '/diagnose?since=6h&sources=hosts+db1-postgres+orders',
    height: 960,
    ready: async (page) => {
      await page.getByRole('button', { name: 'Ask', exact: true }).click();
      await page.getByText('What happened').waitFor();
    },
  },
  search: {
    path: '/search?q=timeout',
    height: 900,
    ready: async (page) => {
      await page.locator('main mark').first().waitFor();
      await page.getByText('reset controller').first().click();
      await page.getByText('Device not ready').first().waitFor();
    },
  },
};

for (const [name, { path, height, ready }] of Object.entries(PAGES)) {
  const viewport = { width: WIDTH, height };
  const looks: Look[] = [
    { name: 'light', scheme: 'light', viewport },
    { name: 'dark', scheme: 'dark', viewport },
    PHONE,
  ];
  for (const look of looks)
    it(`${name}, ${look.name}`, async () => {
      const page = await open(stack, path, look);
      await ready(page);
      await picture(page, `${name}-${look.name}`);
    });
}

it('sign-in, light, dark, phone', async () => {
  const closed = await startStack({ auth: true });
  try {
    const viewport = { width: WIDTH, height: 720 };
    const looks: Look[] = [
      { name: 'light', scheme: 'light', viewport },
      { name: 'dark', scheme: 'dark', viewport },
      PHONE,
    ];
    for (const look of looks) {
      const page = await open(closed, '/sign-in', look);
      await page.getByRole('textbox').or(page.locator('input')).first().waitFor();
      await picture(page, `sign-in-${look.name}`);
    }
  } finally {
    await closed.remove();
  }
});

it('are small enough for a repository', () => {
  const pictures = readdirSync(folder).filter((name) => name.endsWith('.webp'));
  const bytes = pictures.reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
  expect(bytes).toBeLessThan(ALL_BYTES_MAX);
});
