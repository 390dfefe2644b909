// How an explanation comes, word by word: recorded in the page, since no test looks often enough, and not always at the right time.
import type { Page } from 'playwright-core';
import { expect } from 'vitest';

export interface Step {
  /** What stands over the answer: that it is being written, or by whom it was. */
  status: string;
  /** Lines beside it. */
  lineCount: number;
  text: string;
}

/** All that an explanation shows one after the other, from before it is opened on: nothing of it waits for a test to look. */
export async function recordSteps(page: Page): Promise<() => Promise<Step[]>> {
  await page.evaluate(() => {
    const steps: Step[] = [];
    Object.assign(window, { steps });
    const note = () => {
      const element = document.querySelector('.explanation');
      if (element === null) return;
      const step = {
        status: element.querySelector('.answer header :is(.status, .tag)')?.textContent?.trim() ?? '',
        lineCount: element.querySelectorAll('[data-reference]').length,
        text: [...element.querySelectorAll('.part')].map((part) => part.textContent).join('\n'),
      };
      if (JSON.stringify(step) !== JSON.stringify(steps.at(-1))) steps.push(step);
    };
    new MutationObserver(note).observe(document.body, { subtree: true, childList: true, characterData: true });
  });
  return () => page.evaluate(() => (window as unknown as { steps: Step[] }).steps);
}

/** A model wrote it and the page showed the words as they came, beside the lines that were there before them. */
export function expectGrowth(steps: readonly Step[]): void {
  // What stands last is the server's own reading of the whole.
  const answering = steps.filter(({ text }) => text !== '').slice(0, -1);
  expect(new Set(answering.map(({ status }) => status))).toEqual(new Set(['Answering']));
  expect(answering[0]?.lineCount).toBeGreaterThan(0);
  const lengths = answering.map(({ text }) => text.length);
  expect(lengths.length).toBeGreaterThan(8);
  const growths = lengths.slice(1).map((length, index) => length - lengths[index]!);
  expect(growths.filter((growth) => growth > 0).length).toBeGreaterThan(growths.length * 0.8);
  // How small the steps are, is for the machine to say: many words come at once where the browser has to wait for its turn.
  expect(Math.max(...growths)).toBeLessThan(lengths.at(-1)! / 2);
}
