// Security Alerts without a mouse; and the explanation below a message.
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { button, dialog, line, list, messages, openAlerts, toast, word } from './alerts';
import { startStack, type Stack } from './harness';

const COUNT = 30;
let stack: Stack;
beforeAll(async () => {
  stack = await startStack({
    lines: {
      bastion: [...Array.from({ length: COUNT }, (_, n) => line.login(word(n), n)), line.routine(COUNT + 1)],
    },
  });
});
afterAll(() => stack?.remove());
beforeEach(async () => {
  await stack.api.detections.unacknowledgeDetections({ selection: { case: 'filter', value: {} }, all: true });
});

/** The user of the message that has the focus. */
const focused = (page: Page) =>
  page.evaluate(() => /for (\w+) from/.exec(document.activeElement?.textContent ?? '')?.[1] ?? '');
const isInView = (page: Page) =>
  page.evaluate(() => {
    const box = document.activeElement!.getBoundingClientRect();
    const frame = document.activeElement!.closest('.viewport')!.getBoundingClientRect();
    return box.top >= frame.top && box.bottom <= frame.bottom;
  });

describe('keys', () => {
  it('j and k go down and up, and what has the focus is in view', async () => {
    const page = await openAlerts(stack);
    const seen: string[] = [];
    for (let step = 0; step < COUNT; step += 1) {
      await page.keyboard.press('j');
      await expect.poll(() => focused(page)).not.toBe(seen.at(-1) ?? '');
      seen.push(await focused(page));
      await expect.poll(() => isInView(page)).toBe(true);
    }
    expect(new Set(seen).size).toBe(COUNT);
    await page.keyboard.press('k');
    await expect.poll(() => focused(page)).toBe(seen.at(-2));
    await page.keyboard.press('g');
    await expect.poll(() => focused(page)).toBe(seen[0]);
  });

  it('x selects, a acknowledges, u takes it back, and the focus goes on', async () => {
    const page = await openAlerts(stack);
    await page.keyboard.press('j');
    await expect.poll(() => focused(page)).not.toBe('');
    const first = await focused(page);
    await page.keyboard.press('x');
    await page.keyboard.press('j');
    await expect.poll(() => focused(page)).not.toBe(first);
    const second = await focused(page);
    await page.keyboard.press('x');
    await page.getByText('2 messages', { exact: true }).waitFor();
    await page.keyboard.press('a');
    await dialog(page).getByText('2 detections will be acknowledged.').waitFor();
    await page.keyboard.press('Enter');
    // Pointing at it keeps it there.
    await toast(page, 'Acknowledged 2 detections.').hover();
    await expect.poll(() => messages(page, new RegExp(`for (${first}|${second}) from`)).count()).toBe(0);
    await expect.poll(() => focused(page)).not.toBe('');
    expect([first, second]).not.toContain(await focused(page));

    await page.keyboard.press('u');
    await toast(page, '2 detections are as before.').waitFor();
    await messages(page, `for ${first} from`).waitFor();
    await messages(page, `for ${second} from`).waitFor();
  });

  it('a acknowledges the message that has the focus', async () => {
    const page = await openAlerts(stack);
    await page.keyboard.press('j');
    await expect.poll(() => focused(page)).not.toBe('');
    const user = await focused(page);
    await page.keyboard.press('a');
    await dialog(page).getByText('1 detection will be acknowledged.').waitFor();
    await page.keyboard.press('Escape');
    await dialog(page).waitFor({ state: 'hidden' });
    await expect.poll(() => focused(page)).toBe(user);
    await page.keyboard.press('a');
    await button(dialog(page), 'Acknowledge 1').click();
    await messages(page, `for ${user} from`).waitFor({ state: 'detached' });
  });

  it('e opens and closes, Escape clears a selection', async () => {
    const page = await openAlerts(stack);
    await page.keyboard.press('j');
    await page.keyboard.press('e');
    await page.getByRole('heading', { name: 'One occurrence' }).waitFor();
    await page.keyboard.press('e');
    await page.getByRole('heading', { name: 'One occurrence' }).waitFor({ state: 'detached' });
    await page.keyboard.press('x');
    await page.getByText('1 message', { exact: true }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByText('Select all shown').waitFor();
  });

  it('the menu of a message opens, moves and closes', async () => {
    const page = await openAlerts(stack);
    await page.keyboard.press('j');
    await expect.poll(() => focused(page)).not.toBe('');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    const focus = () => page.evaluate(() => document.activeElement?.textContent?.trim() ?? '');
    await page.keyboard.press('Enter');
    await expect.poll(focus).toContain('Acknowledge…');
    await page.keyboard.press('ArrowDown');
    await expect.poll(focus).toContain('Explain');
    await page.keyboard.press('End');
    await expect.poll(focus).toContain('Only this label');
    await page.keyboard.press('Escape');
    await page.getByRole('menuitem').first().waitFor({ state: 'detached' });
    await expect.poll(() => page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toBe('More');
    await page.keyboard.press('Enter');
    await expect.poll(focus).toContain('Acknowledge…');
    await page.keyboard.press('End');
    await page.keyboard.press('Enter');
    await expect.poll(() => new URL(page.url()).searchParams.get('label')).toBe('SECURITY_ANOMALY');
  });

  it('/ goes to the search, where letters are letters', async () => {
    const page = await openAlerts(stack);
    await page.keyboard.press('/');
    await page.keyboard.type(`jxaeu ${word(5)}`);
    expect(await page.getByRole('searchbox').inputValue()).toBe(`jxaeu ${word(5)}`);
    await page.getByText('Nothing matches').waitFor();
    expect(await dialog(page).count()).toBe(0);
    await page.keyboard.press('Escape');
    expect(await page.getByRole('searchbox').evaluate((element) => element === document.activeElement)).toBe(false);
  });

  it('? lists them all, n shows what has come', async () => {
    const page = await openAlerts(stack);
    await page.keyboard.press('?');
    for (const what of ['Next and previous message', 'Acknowledge it, or what is selected', 'Undo what was done last'])
      await dialog(page).getByText(what).waitFor();
    await page.keyboard.press('Escape');
    await dialog(page).waitFor({ state: 'hidden' });
    stack.write('bastion', line.login('newcomer'));
    await button(page, '1 new').waitFor();
    await page.keyboard.press('n');
    await messages(page, 'for newcomer from').waitFor();
  });
});

describe('an explanation', () => {
  it('opens below its message by a key, rests on lines around it, and is fetched once', async () => {
    const asked: string[] = [];
    const page = await openAlerts(stack, `?q=${word(7)}`, {
      before: async (opened) => {
        opened.on('request', (request) => {
          if (request.url().endsWith('/ExplainEntry')) asked.push(request.url());
        });
      },
    });
    await page.keyboard.press('j');
    await page.keyboard.press('i');
    const explanation = page.getByRole('region', { name: 'Explanation' });
    await explanation.getByText('Made without a model').waitFor();
    await explanation.getByRole('heading', { name: 'What happened' }).waitFor();
    expect(await explanation.getByText(`for ${word(6)} from`).count()).toBeGreaterThan(0);
    await page.keyboard.press('i');
    await explanation.waitFor({ state: 'detached' });
    await page.keyboard.press('i');
    await explanation.getByText('Made without a model').waitFor();
    expect(asked.length).toBe(1);
  });

  it('opens below one occurrence, and why the label beside it', async () => {
    const page = await openAlerts(stack, `?q=${word(8)}`);
    await messages(page).first().getByRole('button', { expanded: false }).first().click();
    await button(list(page).locator('.occurrence'), 'Explain').click();
    await page.getByRole('region', { name: 'Explanation' }).getByText('Made without a model').waitFor();
    await button(page, 'Why this label').click();
    await list(page)
      .locator('mark')
      .filter({ hasText: /Failed|password/ })
      .first()
      .waitFor();
  });
});
