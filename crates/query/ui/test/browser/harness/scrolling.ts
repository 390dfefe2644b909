// Lists of which only what is seen is in the document.
import type { Locator } from 'playwright-core';
import { expect } from 'vitest';

/** The texts of all rows of a list, from its top to its end. In steps of half of what is in view, after each of which the list gets the
 * time that it needs to show what is there, however busy the machine is: so none is passed by. */
export function everyRow(viewport: Locator, rows: string): Promise<string[]> {
  return viewport.evaluate(async (list, selector) => {
    // Scrolling is told before the next frame; what it changes is there at the one after that.
    const isDrawn = () =>
      new Promise<void>((done) => void requestAnimationFrame(() => requestAnimationFrame(() => done())));
    const texts = new Set<string>();
    for (let top = 0; ; top += list.clientHeight / 2) {
      list.scrollTop = top;
      await isDrawn();
      for (const row of list.querySelectorAll(selector)) texts.add(row.textContent ?? '');
      if (top + list.clientHeight >= list.scrollHeight) return [...texts];
    }
  }, rows);
}

/** Waits until a list has been scrolled so far, and answers what `read` says once it says the same twice. */
export async function stillAt<T>(viewport: Locator, top: number, read: () => Promise<T>): Promise<T> {
  await expect.poll(() => viewport.evaluate((list) => Math.round(list.scrollTop))).toBe(top);
  let before: T;
  let now = await read();
  do {
    before = now;
    now = await read();
  } while (JSON.stringify(now) !== JSON.stringify(before));
  return now;
}
