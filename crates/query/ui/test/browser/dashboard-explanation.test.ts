// Explanations on the Dashboard, without a language model: they open inline, are asked for once, and lead to their lines.
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { messages } from './alerts';
import { countExplanations, criticals, expectShown, line, opened, part, stamp } from './dashboard';
import { allow, open, startStack, type Stack } from './harness';

const range = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

describe('without a model', () => {
  let stack: Stack;
  beforeAll(async () => {
    const routine = (secondsAgo: number) =>
      `${stamp(secondsAgo)} forge systemd[1]: Started hourly report ${secondsAgo}.`;
    stack = await startStack({
      lines: {
        forge: [
          ...[900, 800, 700, 620].map(routine),
          ...[590, 500].map(routine),
          line.disk(4_711, 480),
          ...range(30).map(
            (n) => `${stamp(470 - 5 * n)} forge backup[7]: copied part ${n} of the ${n}th volume to the vault`,
          ),
          line.crash('billing', 300),
          ...[200, 30].map(routine),
        ],
        api: range(20).map((n) => line.served(n, 320 - n)),
      },
    });
  });
  afterAll(() => stack?.remove());

  it('opens an evidence summary inline, labelled as such', async () => {
    const page = await open(stack, '/');
    const explanation = await opened(page, 'billing.service');
    await explanation.getByText('Made without a model').waitFor();
    for (const title of ['What happened', 'Evidence', 'What to check next'])
      await explanation.getByRole('heading', { name: title, exact: true }).waitFor();
    await explanation.getByText('severity CRITICAL').waitFor();
    // Within the row: below its button, above the next row.
    const [row, box] = await explanation.evaluate((element) =>
      [element.closest('li')!, element]
        .map((of) => of.getBoundingClientRect())
        .map(({ top, bottom }) => ({ top, bottom })),
    );
    expect(box!.top).toBeGreaterThan(row!.top + 20);
    expect(box!.bottom).toBeLessThanOrEqual(row!.bottom);
    await criticals(page, 'billing.service').getByRole('button', { expanded: true }).click();
    await explanation.waitFor({ state: 'detached' });
  });

  it('shows the lines of that source within five minutes', async () => {
    const page = await open(stack, '/');
    const explanation = await opened(page, 'billing.service');
    const lines = explanation.getByRole('list', { name: 'Lines around it' });
    await lines.getByText('billing.service').waitFor();
    const text = (await lines.textContent()) ?? '';
    // Ten minutes around the line; of what is told alike only one.
    expect(text).toContain('Started hourly report');
    expect(text).toContain('sector 4711');
    expect(text).not.toContain('hourly report 900');
    expect(text).not.toContain('hourly report 620');
    expect(text).not.toContain('served /orders');
    const times = await lines
      .locator('time')
      .evaluateAll((all) => all.map((time) => Date.parse((time as HTMLTimeElement).dateTime)));
    expect(times.length).toBeGreaterThan(2);
    expect(Math.max(...times) - Math.min(...times)).toBeLessThanOrEqual(600_000);
    // The explained one stands out, and is in sight.
    const focused = lines.locator('[aria-current]');
    expect(await focused.textContent()).toContain('billing.service');
    const isInSight = () =>
      focused.evaluate((element) => {
        const [box, list] = [element.getBoundingClientRect(), element.closest('ol')!.getBoundingClientRect()];
        return box.top >= list.top && box.bottom <= list.bottom;
      });
    await expect.poll(isInSight).toBe(true);
    // A name of a line leads to it in Search.
    await focused.getByRole('link').click();
    await expect.poll(() => page.url()).toContain(`${stack.url}/search?entry=`);
    await page.getByText('billing.service').first().waitFor();
  });

  for (const reducedMotion of [false, true])
    it(`jumps from a citation to its line${reducedMotion ? ', without motion' : ''}`, async () => {
      const page = await open(stack, '/', { reducedMotion });
      const explanation = await opened(page, 'billing.service');
      await explanation.getByText('Made without a model').waitFor();
      const citations = explanation.getByRole('button', { name: /^L\d+$/ });
      expect(await citations.count()).toBeGreaterThan(0);
      for (const reference of new Set(await citations.allTextContents())) {
        await citations
          .filter({ hasText: new RegExp(`^${reference}$`) })
          .first()
          .click();
        await expectShown(explanation, reference);
      }
    });

  it('asks once, however often and wherever one looks', async () => {
    const page = await open(stack, '/');
    const asked = countExplanations(page);
    await (await opened(page, 'billing.service')).getByText('Made without a model').waitFor();
    expect(asked()).toBe(1);
    await criticals(page, 'billing.service').getByRole('button', { expanded: true }).click();
    await (await opened(page, 'billing.service')).getByText('Made without a model').waitFor();
    await (await opened(page, 'sector 4711')).getByText('Made without a model').waitFor();
    expect(asked()).toBe(2);

    // The same entries on another page, and back.
    await page.getByRole('navigation').getByRole('link', { name: 'Security Alerts' }).first().click();
    await messages(page, 'billing.service').getByRole('button', { expanded: false }).first().click();
    await page.locator('.detail').getByRole('button', { name: 'Explain', exact: true }).click();
    await page.getByText('Made without a model').waitFor();
    await page.getByRole('navigation').getByRole('link', { name: 'Dashboard' }).first().click();
    await (await opened(page, 'billing.service')).getByText('Made without a model').waitFor();
    expect(asked()).toBe(2);

    // A new one only on demand.
    await criticals(page, 'billing.service').getByRole('button', { name: 'Ask again' }).click();
    await expect.poll(asked).toBe(3);
    await criticals(page, 'billing.service').getByText('Made without a model').waitFor();
  });

  /** Answers the first request for an explanation in place of the server: what a broken one would say cannot be had from a sound one. */
  async function brokenOnce(page: Page, answer: { status: number; headers?: Record<string, string>; body?: string }) {
    let isBroken = true;
    await page.route(/\/ExplainEntry$/, async (route) => {
      if (!isBroken) return route.continue();
      isBroken = false;
      return route.fulfill(answer);
    });
  }

  it('shows why it failed, and tries again', async () => {
    const reason = 'the entry is being moved to another shelf';
    const page = await open(stack, '/', {
      before: (on) =>
        brokenOnce(on, {
          status: 200,
          // INVALID_ARGUMENT: nothing that goes away by itself.
          headers: { 'content-type': 'application/grpc-web+proto', 'grpc-status': '3', 'grpc-message': reason },
        }),
    });
    const explanation = await opened(page, 'billing.service');
    const alert = explanation.getByRole('alert');
    await alert.getByText('No explanation.').waitFor();
    await alert.getByText(reason).waitFor();
    await alert.getByRole('button', { name: 'Try again' }).click();
    await explanation.getByText('Made without a model').waitFor();
    expect(await alert.count()).toBe(0);
  });

  it('goes on by itself after an interruption', async () => {
    const page = await open(stack, '/', { before: (on) => brokenOnce(on, { status: 503, body: 'no server behind' }) });
    allow(page, /status of 503/);
    const explanation = await opened(page, 'billing.service');
    await explanation.getByText('Made without a model').waitFor();
  });

  it('opens by keyboard, and says so to those who hear the page', async () => {
    const page = await open(stack, '/');
    const button = criticals(page, 'billing.service').getByRole('button').first();
    await button.focus();
    await page.keyboard.press('Enter');
    await expect.poll(() => button.getAttribute('aria-expanded')).toBe('true');
    const explanation = part(page, 'Recent criticals').getByRole('region', { name: 'Explanation' });
    await explanation.getByText('Made without a model').waitFor();
    await expect.poll(() => explanation.getByRole('status').textContent()).toBe('The explanation is complete.');
  });
});
