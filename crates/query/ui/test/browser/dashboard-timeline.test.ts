// The Dashboard's timeline: its numbers, and how one gets to a window of time by mouse, by keyboard and by link.
import type { Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { millis, timestampOf } from '$lib/time/format';
import { messages } from './alerts';
import { changeStored, chart, line, part } from './dashboard';
import { expectAccessible, open, startStack, type Stack } from './harness';

const range = (count: number) => Array.from({ length: count }, (_, index) => index + 1);
const QUARTER_MS = 15 * 60_000;
const HOUR_MS = 4 * QUARTER_MS;

let stack: Stack;
/** What the pages take for now: a quarter of an hour that ends between two looks would move every column. */
let now: number;
/** When the bastion's line came, and when its detection was made. */
let earlyFrom: number;
beforeAll(async () => {
  stack = await startStack({
    lines: {
      forge: [line.disk(4_711, 90), line.crash('billing', 70)],
      api: [...range(20).map((n) => line.served(n, 100 - n)), line.slow(8_412, 60)],
      bastion: [line.login('root', 50)],
    },
  });
  await stack.stop();
  now = Date.now();
  // As if what came from the bastion had come six hours before, when an hour began, with which a minute and a quarter begin.
  earlyFrom = Math.floor(now / HOUR_MS - 6) * HOUR_MS;
  const stored = `'${new Date(earlyFrom).toISOString().replace('.000Z', '.000000Z')}'`;
  changeStored(
    stack,
    `UPDATE entry_counts SET bucket_start = ${stored} WHERE source_id = 'bastion' AND bucket_seconds > 0;
     UPDATE detection_counts SET bucket_start = ${stored} WHERE source_id = 'bastion' AND bucket_seconds > 0;
     UPDATE detections SET detected_at = ${stored} WHERE source_id = 'bastion';`,
  );
  await stack.start();
});
afterAll(() => stack?.remove());

const openDashboard = (path = '/') => open(stack, path, { now });

/** What the API counts in steps of a quarter of an hour. */
async function quarters() {
  const until = Math.ceil(now / QUARTER_MS) * QUARTER_MS;
  const { buckets } = await stack.api.stats.getTimeline({
    timeFrom: timestampOf(until - 24 * 3_600_000),
    timeUntil: timestampOf(until),
    bucketSeconds: 900,
  });
  const sum = (counts: readonly { count: bigint }[]) => counts.reduce((all, { count }) => all + Number(count), 0);
  return buckets.map(({ startTime, entries, detections }) => ({
    from: Number(startTime!.seconds) * 1_000,
    lines: sum(entries),
    detections: sum(detections),
  }));
}

/** The quarter in which the critical line was found. */
async function criticalQuarter() {
  const { detections } = await stack.api.detections.listDetections({ pageSize: 100 });
  const { detectedAt } = detections.find(({ text }) => text.includes('billing.service'))!;
  const quarter = (await quarters()).find(
    ({ from }) => from === Math.floor(millis(detectedAt!) / QUARTER_MS) * QUARTER_MS,
  );
  return quarter!;
}

const clockOf = (ms: number) => new Date(ms).toISOString().slice(11, 16);
const countText = (count: number, word: string) => `${count} ${word}${count === 1 ? '' : 's'}`;
/** How the slider names a step. */
const textOf = ({ lines, detections }: { lines: number; detections: number }) =>
  `${countText(lines, 'line')}, ${countText(detections, 'detection')}`;

function windowOf(page: Page): { from: number; until: number } | undefined {
  const query = new URL(page.url()).searchParams;
  const [from, until] = [query.get('from'), query.get('until')];
  return from === null || until === null ? undefined : { from: Date.parse(from), until: Date.parse(until) };
}

/** The middle of the column of a moment, over the plots. */
async function placeOf(page: Page, ms: number): Promise<{ x: number; y: number }> {
  const box = (await part(page, 'Timeline').locator('.u-over').nth(1).boundingBox())!;
  const until = Math.ceil(now / QUARTER_MS) * QUARTER_MS;
  const share = (ms + QUARTER_MS / 2 - (until - 24 * 3_600_000)) / (24 * 3_600_000);
  return { x: box.x + share * box.width, y: box.y + box.height / 2 };
}

/** Chooses a column by keyboard, from the present one back; answers what the slider says of it. */
async function chosen(slider: Locator, { from }: { from: number }): Promise<string> {
  const text = () => slider.getAttribute('aria-valuetext').then((value) => value ?? '');
  await slider.focus();
  await slider.press('End');
  for (let step = 0; step < 100 && !(await text()).includes(`${clockOf(from)} –`); step += 1)
    await slider.press('ArrowLeft');
  return text();
}

describe('the timeline', () => {
  it('has the numbers of the API, in the chart and in the table', async () => {
    const page = await openDashboard();
    const slider = await chart(page);
    const known = await quarters();
    expect(known.length).toBeGreaterThan(1);
    for (const quarter of known) expect(await chosen(slider, quarter)).toContain(textOf(quarter));
    await page.getByRole('button', { name: 'Table' }).click();
    const rows = part(page, 'Timeline').getByRole('row');
    const told = (await rows.all())
      .slice(1)
      .map(async (row) => (await row.getByRole('cell').allTextContents()).slice(0, 2));
    expect(await Promise.all(told)).toEqual(
      [...known].reverse().map(({ lines, detections }) => [String(lines), String(detections)]),
    );
  });

  it('shows the numbers of what one points at, and a click leads to its alerts', async () => {
    const page = await openDashboard();
    await chart(page);
    const [early] = await quarters();
    expect(early).toEqual({ from: earlyFrom, lines: 1, detections: 1 });
    const place = await placeOf(page, early!.from);
    await page.mouse.move(place.x, place.y);
    const tip = part(page, 'Timeline').locator('.tip');
    await tip.getByText(`${clockOf(early!.from)} –`).waitFor();
    await expect.poll(async () => (await tip.locator('tr').first().textContent())?.trim()).toBe('Lines1');
    await page.mouse.click(place.x, place.y);
    await expect.poll(() => new URL(page.url()).pathname).toBe('/alerts');
    expect(windowOf(page)).toEqual({ from: early!.from, until: early!.from + QUARTER_MS });
    // That window's detection, and no other.
    await messages(page, 'Failed password for root').waitFor();
    expect(await messages(page, 'billing.service').count()).toBe(0);
  });

  it('zooms to what is dragged over, and back', async () => {
    const page = await openDashboard();
    await chart(page);
    const [early] = await quarters();
    const [left, right] = [
      await placeOf(page, early!.from - 4 * QUARTER_MS),
      await placeOf(page, early!.from + 4 * QUARTER_MS),
    ];
    await page.mouse.move(left.x, left.y);
    await page.mouse.down();
    await page.mouse.move((left.x + right.x) / 2, left.y, { steps: 5 });
    await page.mouse.move(right.x, left.y, { steps: 5 });
    await page.mouse.up();
    await expect.poll(() => windowOf(page)).toBeDefined();
    const zoom = windowOf(page)!;
    expect(zoom.from).toBeGreaterThan(early!.from - 5 * QUARTER_MS);
    expect(zoom.from).toBeLessThan(early!.from);
    expect(zoom.until).toBeGreaterThan(early!.from + QUARTER_MS);
    expect(zoom.until).toBeLessThan(early!.from + 6 * QUARTER_MS);
    expect(new URL(page.url()).pathname).toBe('/');

    // The link to that window.
    await page.getByRole('link', { name: 'Show alerts' }).click();
    await expect.poll(() => new URL(page.url()).pathname).toBe('/alerts');
    expect(windowOf(page)).toEqual(zoom);
    await messages(page, 'Failed password for root').waitFor();
    expect(await messages(page, 'billing.service').count()).toBe(0);
    await page.goBack();
    await page.getByRole('link', { name: 'Reset zoom' }).click();
    await expect.poll(() => windowOf(page)).toBeUndefined();
    await page.getByRole('link', { name: '24 h' }).and(page.locator('[aria-current]')).waitFor();
  });

  it('does all of that by keyboard', async () => {
    const page = await openDashboard();
    const slider = await chart(page);
    await slider.focus();
    const outline = () => slider.evaluate((element) => getComputedStyle(element).outlineStyle);
    expect(await outline()).not.toBe('none');
    const quarter = await criticalQuarter();
    expect(await chosen(slider, quarter)).toContain(textOf(quarter));
    await slider.press('z');
    await expect.poll(() => windowOf(page)).toBeDefined();
    const zoom = windowOf(page)!;
    expect(zoom).toEqual({ from: quarter.from, until: quarter.from + QUARTER_MS });
    await page.getByRole('link', { name: 'Reset zoom' }).press('Enter');
    await expect.poll(() => windowOf(page)).toBeUndefined();

    await chosen(slider, quarter);
    await slider.press('Enter');
    await expect.poll(() => new URL(page.url()).pathname).toBe('/alerts');
    expect(windowOf(page)).toEqual(zoom);
    await messages(page, 'billing.service').waitFor();
    expect(await messages(page, 'Failed password').count()).toBe(0);
  });

  it('has a permalink for a window, and says where nothing came', async () => {
    const page = await openDashboard('/?from=2026-01-05T08:00:00.000Z&until=2026-01-05T10:00:00.000Z');
    await page.getByText('Nothing came in in this window.').waitFor();
    await part(page, 'Timeline').getByText('5 Jan 08:00 – 10:00').waitFor();
    await expectAccessible(page);
    await part(page, 'Timeline').getByRole('link', { name: 'Reset zoom' }).first().click();
    await expect.poll(() => windowOf(page)).toBeUndefined();
    await chart(page);
  });

  it('changes its range and keeps that in the address', async () => {
    const page = await openDashboard();
    await chart(page);
    await page.getByRole('link', { name: '1 h', exact: true }).click();
    await expect.poll(() => page.url()).toBe(`${stack.url}/?range=1h`);
    await page.reload();
    await page.getByRole('link', { name: '1 h', exact: true }).and(page.locator('[aria-current]')).waitFor();
    const slider = await chart(page);
    expect(await slider.getAttribute('aria-valuemax')).toBe('60');
  });
});
