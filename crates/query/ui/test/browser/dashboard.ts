// What the tests of the Dashboard write and look for.
import { execFileSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import type { Locator, Page, Request } from 'playwright-core';
import { fromBinary } from '@bufbuild/protobuf';
import { expect } from 'vitest';
import { StatsSummarySchema, type StatsSummary } from '$gen/turnstone/v1/stats_pb';
import type { Stack } from './harness';

/** `2026-11-22T21:10:32Z`, so many seconds ago. */
export function stamp(secondsAgo = 0): string {
  return new Date(Date.now() - secondsAgo * 1_000).toISOString().replace(/\.\d+/, '');
}

/** Lines that the bundled model knows. */
export const line = {
  disk: (sector: number, secondsAgo = 0) =>
    `${stamp(secondsAgo)} forge kernel: nvme0n1: critical medium error, sector ${sector}, dev went offline`,
  crash: (unit: string, secondsAgo = 0) =>
    `${stamp(secondsAgo)} forge systemd[1]: ${unit}.service: Main process exited, code=dumped, status=11/SEGV`,
  slow: (ms: number, secondsAgo = 0) => `${stamp(secondsAgo)} api WARN query took ${ms} ms, slower than 1000 ms`,
  login: (user: string, secondsAgo = 0) =>
    `${stamp(secondsAgo)} bastion sshd[411]: Failed password for ${user} from 203.0.113.9 port 4022 ssh2`,
  served: (ms: number, secondsAgo = 0) => `${stamp(secondsAgo)} api INFO served /orders in ${ms} ms`,
};

export const part = (page: Page, name: string): Locator => page.getByRole('region', { name, exact: true });

/** The number of a card. */
export const figure = (page: Page, name: string): Promise<string> =>
  part(page, name)
    .locator('.value')
    .textContent()
    .then((text) => text?.trim() ?? '');

/** The messages under Recent criticals. */
export const criticals = (page: Page, words?: string): Locator =>
  part(page, 'Recent criticals').locator(
    words === undefined ? 'li:has(> button)' : `li:has(> button:has-text(${JSON.stringify(words)}))`,
  );

/** Opens a critical message; answers what opens below it. */
export async function opened(page: Page, words: string): Promise<Locator> {
  const row = criticals(page, words).first();
  await row.getByRole('button', { expanded: false }).first().click();
  const explanation = row.getByRole('region', { name: 'Explanation' });
  await explanation.waitFor();
  return explanation;
}

/** Waits until the chart can be used; answers its slider. */
export async function chart(page: Page): Promise<Locator> {
  const slider = page.getByRole('slider', { name: 'Time in the chart' });
  await slider.waitFor({ state: 'attached' });
  await part(page, 'Timeline').locator('canvas').nth(1).waitFor();
  return slider;
}

/** Counts what the page asks for explanations. */
export function countExplanations(page: Page): () => number {
  let count = 0;
  page.on('request', (request: Request) => {
    if (request.url().endsWith('/ExplainEntry')) count += 1;
  });
  return () => count;
}

/** The counts in an answer as the browser gets it: behind a byte of flags and the length. */
export const summaryIn = (answer: Buffer): StatsSummary =>
  fromBinary(StatsSummarySchema, answer.subarray(5, 5 + answer.readUInt32BE(1)));

/** Where a citation led: the line that is marked, with focus and in sight. */
export async function expectShown(explanation: Locator, reference: string): Promise<void> {
  const row = explanation.locator(`li[data-reference="${reference}"]`);
  // It may take some time to come there.
  await expect
    .poll(() =>
      row.evaluate((element) => {
        const list = element.closest('ol')!.getBoundingClientRect();
        const box = element.getBoundingClientRect();
        const plain = [...element.parentElement!.children].find((other) => !other.matches('.shown, .focused'));
        const colourOf = (line: Element) => getComputedStyle(line).backgroundColor;
        return {
          hasFocus: element === document.activeElement,
          isInSight: box.bottom > list.top + 1 && box.top < list.bottom - 1,
          isMarked: plain === undefined || colourOf(element) !== colourOf(plain),
        };
      }),
    )
    .toEqual({ hasFocus: true, isInSight: true, isMarked: true });
}

/** Changes what is stored, behind the back of a stack that is stopped: what takes hours cannot be waited for. */
export function changeStored(stack: Stack, sql: string): void {
  const database = join(dirname(dirname(stack.fileOf('any'))), 'data/turnstone.db');
  const script = 'import sqlite3, sys\nwith sqlite3.connect(sys.argv[1]) as c: c.executescript(sys.argv[2])';
  execFileSync('python3', ['-c', script, database, sql], { stdio: 'inherit' });
}
