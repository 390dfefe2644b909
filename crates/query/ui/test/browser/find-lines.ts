// What the tests of Search and Diagnose have Turnstone read: a shop, a host that somebody tries to break into, and lines that want to
// do harm to whoever looks at them.
import { expect } from 'vitest';
import type { Page, Route } from 'playwright-core';
import { expectNoSideways } from './harness';

export const SHOP_LINES = 260;
export const BASTION_LINES = 60;

/** ISO 8601 with whole seconds, as logs have it. */
export const at = (ms: number) => new Date(Math.floor(ms / 1_000) * 1_000).toISOString().replace('.000Z', 'Z');

/** Every five seconds an order, the last one a minute before `now`. */
export function shopLines(now: number): string[] {
  return Array.from({ length: SHOP_LINES }, (_, index) => {
    const time = at(now - 60_000 - (SHOP_LINES - 1 - index) * 5_000);
    return `${time} INFO checkout order ${4_000 + index} paid by card in ${80 + (index % 40)} ms`;
  });
}

/** Every ten seconds a login, two of three refused, up to a minute before `now`. */
export function bastionLines(now: number): string[] {
  return Array.from({ length: BASTION_LINES }, (_, index) => {
    const time = at(now - 60_000 - (BASTION_LINES - 1 - index) * 10_000);
    const port = 40_000 + index;
    return index % 3 === 0
      ? `${time} bastion sshd[${700 + index}]: Accepted publickey for deploy from 192.0.2.14 port ${port} ssh2`
      : `${time} bastion sshd[${700 + index}]: Failed password for root from 203.0.113.9 port ${port} ssh2`;
  });
}

export const HOSTILE = 'web <b>edge</b>';

/** Markup, writing from right to left, codes of terminals, and a word that is far behind in a very long line. */
export function hostileLines(now: number): string[] {
  const time = at(now - 120_000);
  return [
    `${time} ERROR portal login <img src=x onerror=alert(1)> failed for \u202enimda`,
    `${time} WARN portal user ro\u200bot failed \u001b[31mred alert\u001b[0m`,
    `${time} WARN portal dump ${'padding '.repeat(900)}needle and the rest`,
  ];
}

// ---- what the pages of a search show

export const rowsOf = (page: Page) => page.locator('[data-row]');
export const countOf = (page: Page) => page.locator('.summary strong');
export const boxOf = (page: Page) => page.getByLabel('Search lines', { exact: true });
export const queryOf = (page: Page) => Object.fromEntries(new URL(page.url()).searchParams);

export async function expectQuery(page: Page, wanted: Record<string, string>): Promise<void> {
  await expect.poll(() => queryOf(page)).toEqual(wanted);
}

/** Waits until so many lines are said to be found. */
export async function expectCount(page: Page, text: string): Promise<void> {
  await expect.poll(() => countOf(page).textContent()).toBe(text);
}

export async function searchFor(page: Page, words: string): Promise<void> {
  await boxOf(page).fill(words);
  await boxOf(page).press('Enter');
}

/** Lets the browser answer calls in the place of the server. */
export async function routed(page: Page, calls: RegExp, answer: (route: Route) => unknown): Promise<void> {
  await page.route(calls, answer);
}

/** Neither the page nor what scrolls within it is wider than the window. */
export async function expectNarrow(page: Page): Promise<void> {
  await expectNoSideways(page);
  const wide = await page.evaluate(() =>
    [...document.querySelectorAll('main, main *')]
      .filter((element) => element.scrollWidth > element.clientWidth && getComputedStyle(element).overflowX === 'auto')
      .map((element) => `${element.localName}.${element.className}: ${element.scrollWidth} in ${element.clientWidth}`),
  );
  expect(wide).toEqual([]);
}
