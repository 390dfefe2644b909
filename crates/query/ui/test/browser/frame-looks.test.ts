// What every page looks like while it loads and to whom: schemes of the system, less motion, phones, the keyboard, those who hear it.
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { button, choose, dialog, line, messages, openAlerts, word } from './alerts';
import { expectAccessible, expectNoSideways, observedOf, open, startStack, type Stack } from './harness';

const PAGES = ['/', '/alerts', '/diagnose', '/search'] as const;
const PHONE = { width: 360, height: 720 };
let stack: Stack;
beforeAll(async () => {
  stack = await startStack({
    lines: {
      bastion: [...Array.from({ length: 25 }, (_, n) => line.login(word(n), n)), line.login(word(0), 40)],
      store: [line.disk(1), line.disk(2)],
      shop: [line.refused('payments'), line.config('listn'), line.routine()],
    },
  });
});
afterAll(() => stack?.remove());

/** Waits until nothing is on its way any more. */
async function filled(page: Page): Promise<void> {
  await page.locator('main button, main a').first().waitFor();
  await expect.poll(() => page.locator('main .loading-shimmer').count()).toBe(0);
}

const background = (page: Page) => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
const brightness = (colour: string) =>
  (colour.match(/[\d.]+/g) ?? []).slice(0, 3).reduce((sum, part) => sum + Number(part), 0) / 3;

describe('every page', () => {
  it('is light or dark as the system is, also when that changes', async () => {
    const page = await open(stack, '/alerts', { scheme: 'light' });
    await filled(page);
    expect(brightness(await background(page))).toBeGreaterThan(200);
    await page.emulateMedia({ colorScheme: 'dark' });
    await expect.poll(async () => brightness(await background(page))).toBeLessThan(60);
  });

  for (const path of PAGES) {
    it(`loads as a skeleton that nothing pushes away: ${path}`, async () => {
      // What is read waits until the skeleton has been seen.
      let release = () => {};
      const held = new Promise<void>((done) => (release = done));
      const page = await open(stack, path, {
        before: (opened) =>
          opened.route('**/turnstone.v1.**', async (route) => {
            await held;
            await route.continue();
          }),
      });
      if (path !== '/diagnose') {
        await page.locator('main .loading-shimmer').first().waitFor();
        await expect.poll(() => page.locator('main .loading-shimmer').count()).toBeGreaterThan(3);
      }
      expect(await page.getByText(/^loading/i).count()).toBe(0);
      release();
      await filled(page);
      const { cls, shifts } = await observedOf(page);
      expect(cls, shifts.join('\n')).toBeLessThan(0.02);
    });

    it(`fits a phone: ${path}`, async () => {
      const page = await open(stack, path, { viewport: PHONE });
      await filled(page);
      await expectNoSideways(page);
      const { cls, shifts } = await observedOf(page);
      expect(cls, shifts.join('\n')).toBeLessThan(0.02);
    });
  }

  it('is reached by the keyboard, past the navigation, with a focus that is seen', async () => {
    const page = await open(stack, '/alerts');
    await filled(page);
    await page.keyboard.press('Tab');
    await page.getByRole('link', { name: 'Skip to content' }).press('Enter');
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('main');
    const unseen: string[] = [];
    for (let step = 0; step < 25; step += 1) {
      await page.keyboard.press('Tab');
      const at = await page.evaluate(() => {
        const element = document.activeElement!;
        const around = element.closest('label, .query, .message') ?? element;
        const seen = [element, around].some((candidate) => {
          const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(candidate);
          return (outlineStyle !== 'none' && parseFloat(outlineWidth) > 0) || boxShadow !== 'none';
        });
        return seen ? '' : element.outerHTML.slice(0, 120);
      });
      if (at !== '') unseen.push(at);
    }
    expect(unseen).toEqual([]);
  });

  it('says its name in the title and moves the focus to its content when one goes there', async () => {
    const page = await open(stack, '/');
    for (const title of ['Security Alerts', 'Diagnose', 'Search', 'Dashboard']) {
      await page.getByRole('link', { name: title, exact: true }).click();
      await expect.poll(() => page.title()).toBe(`${title} · Turnstone`);
      await page.getByRole('heading', { name: title, level: 1 }).waitFor();
      await expect.poll(() => page.evaluate(() => document.activeElement?.id)).toBe('main');
    }
    await page.goto(`${stack.url}/alerts?severity=CRITICAL`);
    await filled(page);
    await page.goBack();
    await expect.poll(() => page.title()).toBe('Dashboard · Turnstone');
  });
});

describe('who wants less motion', () => {
  /** Animations that run for longer than a blink. */
  const moving = (page: Page) =>
    page.evaluate(() =>
      document
        .getAnimations()
        .filter((animation) => animation.playState === 'running' && Number(animation.effect?.getTiming().duration) > 10)
        .map(
          (animation) => (animation as CSSAnimation).animationName ?? (animation as CSSTransition).transitionProperty,
        ),
    );

  for (const reducedMotion of [true, false])
    it(reducedMotion ? 'gets still blocks' : 'does not: the blocks shimmer', async () => {
      const page = await open(stack, '/alerts', {
        reducedMotion,
        before: (opened) => opened.route('**/turnstone.v1.**', () => new Promise<void>(() => {})),
      });
      const block = page.locator('main .loading-shimmer').first();
      await block.waitFor();
      await expect.poll(async () => (await moving(page)).length > 0).toBe(!reducedMotion);
      expect((await block.boundingBox())!.width).toBeGreaterThan(20);
      const colour = await block.evaluate((element) => {
        const { backgroundColor, backgroundImage } = getComputedStyle(element);
        return backgroundColor + backgroundImage;
      });
      expect(colour).not.toBe('rgba(0, 0, 0, 0)none');
    });
});

for (const scheme of ['light', 'dark'] as const)
  describe(`Security Alerts is accessible, ${scheme}`, () => {
    it('as a list, selected, opened and explained', async () => {
      const page = await openAlerts(stack, '', { scheme });
      await expectAccessible(page);
      await messages(page).first().getByRole('checkbox').check();
      await messages(page).nth(1).getByRole('button', { expanded: false }).first().click();
      await button(page, 'Why this label').click();
      await page.locator('.detail').getByRole('button', { name: 'Explain', exact: true }).click();
      await page.getByText('Made without a model').waitFor();
      await page.locator('.detail mark').first().waitFor();
      stack.write('bastion', line.login(`newer${scheme}`));
      await button(page, '1 new').waitFor();
      await expectAccessible(page);
    });

    it('with its filters, its menu and its dialogs', async () => {
      const page = await openAlerts(stack, '', { scheme });
      await button(page, 'Filters').click();
      await button(messages(page).first(), 'More').click();
      await page.getByRole('menuitem', { name: 'Suppress…' }).waitFor();
      await expectAccessible(page);
      await page.keyboard.press('Escape');
      for (const item of ['Acknowledge…', 'Suppress…']) {
        await choose(messages(page).first(), item);
        await dialog(page).getByRole('button', { name: 'Cancel' }).waitFor();
        await expectAccessible(page);
        await button(dialog(page), 'Cancel').click();
        await dialog(page).waitFor({ state: 'hidden' });
      }
      for (const name of ['Suppressions', 'Keyboard']) {
        await button(page, name).click();
        await dialog(page).getByRole('heading', { name }).waitFor();
        await expectAccessible(page);
        await page.keyboard.press('Escape');
        await dialog(page).waitFor({ state: 'hidden' });
      }
    });

    it('on a phone, empty, and acknowledged', async () => {
      const page = await openAlerts(stack, '', { scheme, viewport: PHONE });
      await button(page, 'Filters').click();
      await messages(page).nth(1).getByRole('button', { expanded: false }).first().click();
      await page.getByRole('heading', { name: /occurrence/ }).waitFor();
      await expectAccessible(page);
      await expectNoSideways(page);
      await page.goto(`${stack.url}/alerts?q=nothingofthekind`);
      await page.getByText('Nothing matches').waitFor();
      await expectAccessible(page);
      await page.goto(`${stack.url}/alerts?state=acknowledged`);
      await page.getByText(/Nothing matches|No alerts yet/).waitFor();
      await expectAccessible(page);
      await expectNoSideways(page);
    });
  });
