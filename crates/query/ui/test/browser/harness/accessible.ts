// Axe, on what is shown at the moment.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';

const SOURCE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** Fails with what axe finds against WCAG 2.2 AA and good practice. Waits first for what moves, which has no colours of its own. */
export async function expectAccessible(page: Page): Promise<void> {
  await page.evaluate(async () => {
    const moving = document
      .getAnimations()
      .filter((animation) => Number.isFinite(animation.effect?.getComputedTiming().endTime));
    await Promise.allSettled(moving.map((animation) => animation.finished));
  });
  // By the debugger, which the content policy does not bind.
  await page.evaluate(SOURCE);
  const violations = await page.evaluate(async (values) => {
    const { axe } = window as unknown as { axe: typeof import('axe-core') };
    const results: AxeResults = await axe.run(document, {
      runOnly: { type: 'tag', values },
      resultTypes: ['violations'],
    });
    return results.violations.map(({ id, help, nodes }) => ({
      id,
      help,
      nodes: nodes.map(
        ({ html, failureSummary }) => `${html.slice(0, 300)}\n    ${failureSummary?.replaceAll('\n', '\n    ')}`,
      ),
    }));
  }, TAGS);
  if (violations.length === 0) return;
  const said = violations.map(({ id, help, nodes }) => `${id}: ${help}\n  ${nodes.slice(0, 5).join('\n  ')}`);
  throw new Error(`axe finds on ${page.url()}:\n${said.join('\n')}`);
}

/** Fails where the page is wider than its window. */
export async function expectNoSideways(page: Page): Promise<void> {
  const wide = await page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= width) return [];
    return [...document.querySelectorAll('body *')]
      .filter((element) => element.getBoundingClientRect().right > width + 0.5)
      .map((element) => `${element.localName}.${element.className} to ${element.getBoundingClientRect().right}`);
  });
  if (wide.length > 0)
    throw new Error(`the page scrolls sideways; beyond the edge are\n${wide.slice(0, 10).join('\n')}`);
}
