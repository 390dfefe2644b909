// What comes while one looks: announced, never moving what one reads; and messages that come often, as one row with all its occurrences.
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { button, line, list, messages, openAlerts, texts, word } from './alerts';
import { everyRow, startStack, stillAt, type Stack } from './harness';

const viewport = (page: Page) => page.locator('.viewport');

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({
    lines: {
      bastion: [
        ...Array.from({ length: 120 }, (_, n) => line.login('often', n)),
        ...Array.from({ length: 40 }, (_, n) => line.login(word(n), n)),
      ],
      shop: [line.login('often', 1), line.refused('payments')],
    },
  });
});
afterAll(() => stack?.remove());

describe('new detections', () => {
  it('announce themselves without moving what one reads', async () => {
    const page = await openAlerts(stack);
    const read = messages(page, `for ${word(12)} from`);
    await list(page).hover();
    await page.mouse.wheel(0, 900);
    const look = async () => ({ at: await read.boundingBox(), texts: await texts(page) });
    const before = await stillAt(viewport(page), 900, look);

    stack.write('bastion', [line.login('newcomer'), line.login('another')]);
    await button(page, '2 new').waitFor();
    await page.getByRole('status').getByText('2 new detections').waitFor({ state: 'attached' });
    expect(await look()).toEqual(before);

    await button(page, '2 new').click();
    await messages(page, 'newcomer').waitFor();
    await expect
      .poll(async () => (await texts(page)).slice(0, 2).sort().join())
      .toMatch(/for another from.*for newcomer from/);
    expect(await button(page, '2 new').count()).toBe(0);
  });

  it('count up in their row, wherever it stands', async () => {
    const page = await openAlerts(stack, '?source=shop');
    const row = messages(page, 'payments:8443');
    expect(await row.getByText('×').count()).toBe(0);
    stack.write('shop', [line.refused('payments', 2), line.refused('payments', 3)]);
    await row.getByText('×3').waitFor();
    expect(await button(page, /new$/).count()).toBe(0);
  });

  it('appear at once where nothing is shown', async () => {
    const page = await openAlerts(stack, '?source=shop');
    await page.getByRole('searchbox').fill('neverbefore');
    await page.getByText('Nothing matches').waitFor();
    await page.getByText('Live', { exact: true }).waitFor();
    stack.write('shop', line.refused('neverbefore'));
    await messages(page, 'neverbefore').waitFor();
  });

  it('show when they came, exactly and in the zone of the viewer', async () => {
    const page = await openAlerts(stack, '', { timezone: 'Asia/Tokyo' });
    const time = messages(page).first().locator('time').last();
    const moment = (await time.getAttribute('datetime')) ?? '';
    expect(Math.abs(Date.now() - Date.parse(moment))).toBeLessThan(600_000);
    const hour = new Date(Date.parse(moment) + 9 * 3_600_000).toISOString().slice(11, 19);
    expect(await time.getAttribute('title')).toContain(hour);
    expect(await time.innerText()).toMatch(/now|s ago|min ago/);
  });
});

it('many messages are read page by page, to the last one', async () => {
  const own = await startStack({ lines: { bastion: Array.from({ length: 260 }, (_, n) => line.login(word(n), n)) } });
  try {
    const page = await openAlerts(own);
    expect(await list(page).getByRole('listitem').first().getAttribute('aria-setsize')).toBe('100');
    await list(page).hover();
    await expect
      .poll(
        async () => {
          await page.mouse.wheel(0, 2_000);
          return page.getByText('260 messages, that is all.').isVisible();
        },
        { interval: 20 },
      )
      .toBe(true);
    expect(await list(page).getByRole('listitem').last().getAttribute('aria-setsize')).toBe('260');
    // Before its server goes: the page would look for that.
    await page.close();
  } finally {
    await own.remove();
  }
});

describe('a message that came often', () => {
  it('is one row for each source, and opens to every occurrence', async () => {
    const page = await openAlerts(stack, '?q=often');
    await expect.poll(() => messages(page, 'for often from').count()).toBe(2);
    const row = messages(page, 'bastion').filter({ hasText: '×120' });
    await row.getByRole('button', { expanded: false }).first().click();
    await page.getByRole('heading', { name: '120 occurrences' }).waitFor();

    // Fifty at a time.
    await list(page).hover();
    for (const _page of ['the second', 'the third']) {
      const more = button(page, 'Show more occurrences');
      await expect
        .poll(async () => {
          await page.mouse.wheel(0, 1_000);
          return more.isVisible();
        })
        .toBe(true);
      await more.click();
    }
    await expect
      .poll(async () => {
        await page.mouse.wheel(0, 1_000);
        return page.getByText('2 messages, that is all.').isVisible();
      })
      .toBe(true);
    const occurrences = await everyRow(viewport(page), '.occurrence .hostile');
    expect(new Set(occurrences.map((text) => /from \S+ port \d+/.exec(text)?.[0] ?? text)).size).toBe(120);
    expect(await button(page, 'Show more occurrences').count()).toBe(0);

    await page.mouse.wheel(0, -20_000);
    await row.getByRole('button', { expanded: true }).click();
    await list(page).locator('.occurrence').first().waitFor({ state: 'detached' });
  });

  it('takes in what comes while it is open', async () => {
    const page = await openAlerts(stack, `?q=${word(3)}`);
    await expect.poll(() => messages(page).count()).toBe(1);
    await messages(page).first().getByRole('button', { expanded: false }).first().click();
    await page.getByRole('heading', { name: 'One occurrence' }).waitFor();
    stack.write('bastion', line.login(word(3), 77));
    await page.getByRole('heading', { name: '2 occurrences' }).waitFor();
    await list(page).locator('.occurrence', { hasText: 'port 4077' }).waitFor();
    await expect.poll(() => list(page).locator('.occurrence').count()).toBe(2);
  });
});
