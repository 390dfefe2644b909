// Every filter of Security Alerts: chosen by hand, kept in the address, the same after the page is loaded anew.
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { button, line, messages, openAlerts, toast } from './alerts';
import { startStack, type Stack } from './harness';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({
    sources: {
      bastion: { lines: [line.login('root'), line.login('eva')] },
      shop: { lines: [line.refused('payments'), line.config('listn')] },
      store: { lines: [line.disk()] },
      ledger: { tenant: 'acme', lines: [line.login('auditor')] },
    },
  });
  // A tenant sees what is shared too.
  await stack.settled(6, ['acme']);
});
afterAll(() => stack?.remove());

/** What is shown, by a word of each line. */
async function shown(page: Page): Promise<string[]> {
  const names = ['for root', 'for eva', 'payments', 'listn', 'nvme0n1', 'auditor'];
  const all = (await messages(page).allInnerTexts()).join('\n');
  return names.filter((name) => all.includes(name));
}

const inAddress = (page: Page) => Object.fromEntries(new URL(page.url()).searchParams);

/** These messages, with that query in the address; and all of it again when the page is loaded anew. */
async function expectShown(page: Page, names: readonly string[], query: Readonly<Record<string, string>>) {
  await expect.poll(() => shown(page)).toEqual(names);
  await expect.poll(() => inAddress(page)).toEqual(query);
  await page.reload();
  await messages(page).first().waitFor();
  await expect.poll(() => shown(page)).toEqual(names);
  expect(inAddress(page)).toEqual(query);
}

const select = (page: Page, name: string) => page.getByRole('combobox', { name, exact: true });

async function filters(page: Page): Promise<void> {
  await button(page, 'Filters').click();
}

const ALL = ['for root', 'for eva', 'payments', 'listn', 'nvme0n1'];

describe('a filter', () => {
  for (const [label, choice, key, value, names] of [
    ['Severity', 'Critical', 'severity', 'CRITICAL', ['nvme0n1']],
    ['Severity', 'Warning', 'severity', 'WARN', ['payments']],
    ['Label', 'Config error', 'label', 'CONFIG_ERROR', ['listn']],
    ['Source', 'bastion', 'source', 'bastion', ['for root', 'for eva']],
    ['Scorer', 'turnstone-mini', 'scorer', 'turnstone-mini', ALL],
  ] as const)
    it(`by ${label.toLowerCase()}: ${choice}`, async () => {
      const page = await openAlerts(stack);
      await expect.poll(() => shown(page)).toEqual(ALL);
      await filters(page);
      await select(page, label).selectOption({ label: choice });
      await expectShown(page, names, { [key]: value });
      await expect.poll(() => select(page, label).inputValue()).toBe(value);
      await button(page, 'Clear').click();
      await expect.poll(() => shown(page)).toEqual(ALL);
      expect(new URL(page.url()).search).toBe('');
    });

  it('by the words of the line', async () => {
    const page = await openAlerts(stack);
    await page.getByRole('searchbox').fill('"failed password" -eva');
    await expectShown(page, ['for root'], { q: '"failed password" -eva' });
    expect(await page.getByRole('searchbox').inputValue()).toBe('"failed password" -eva');
  });

  it('by the time until now', async () => {
    const page = await openAlerts(stack);
    await filters(page);
    await button(page, 'Time: Any time').click();
    await button(page, 'Last 15 minutes').click();
    await expectShown(page, ALL, { since: '15m' });
    await button(page, 'Time: Last 15 minutes').waitFor();
    await button(page, 'Clear').click();
    await button(page, 'Time: Any time').waitFor();
    expect(new URL(page.url()).search).toBe('');
  });

  it('by a time from and until', async () => {
    const page = await openAlerts(stack);
    await filters(page);
    const local = (minutes: number) => new Date(Date.now() + minutes * 60_000).toISOString().slice(0, 16);
    const [hoursAgo, hourAgo, soon] = [local(-120), local(-60), local(5)];
    const choose = async (from: string, until: string) => {
      await button(page, /^Time/).click();
      await page.getByLabel('From', { exact: true }).fill(from);
      await page.getByLabel('Until', { exact: true }).fill(until);
      await button(page, 'Apply').click();
    };
    await choose('', hoursAgo);
    await page.getByText('Nothing matches').waitFor();
    await choose(hourAgo, soon);
    await expectShown(page, ALL, { from: `${hourAgo}:00Z`, until: `${soon}:00Z` });
    await button(page, /^Time: \d/).click();
    expect(await page.getByLabel('From', { exact: true }).inputValue()).toMatch(new RegExp(`^${hourAgo}`));
  });

  it('by the tenant, which sees its own and what is shared', async () => {
    const page = await openAlerts(stack);
    await filters(page);
    await page.getByLabel('Tenant').fill('acme');
    await page.getByLabel('Tenant').press('Enter');
    await messages(page, 'auditor').waitFor();
    await page.getByRole('banner').getByText('acme').waitFor();
    await expectShown(page, [...ALL, 'auditor'], { tenant: 'acme' });
    // Somebody else who gets the address sees the same.
    const other = await openAlerts(stack, new URL(page.url()).search);
    await expect.poll(() => shown(other)).toEqual([...ALL, 'auditor']);
    for (const name of ['Dashboard', 'Search', 'Diagnose']) {
      await other.getByRole('link', { name, exact: true }).click();
      await expect.poll(() => inAddress(other)).toEqual({ tenant: 'acme' });
    }
  });

  it('by another scorer than there is, with a way out', async () => {
    const page = await openAlerts(stack);
    await page.goto(`${stack.url}/alerts?scorer=another-model&severity=error`);
    await page.getByText('Nothing matches').waitFor();
    await button(page, 'Clear the filter').click();
    await expect.poll(() => shown(page)).toEqual(ALL);
  });

  it('by what is acknowledged, and the verdict', async () => {
    const page = await openAlerts(stack);
    await button(messages(page, 'listn'), 'Acknowledge').click();
    await toast(page, 'Acknowledged 1 detection.').waitFor();
    await expect.poll(() => shown(page)).toEqual(['for root', 'for eva', 'payments', 'nvme0n1']);
    await button(page, 'Acknowledged').click();
    await expectShown(page, ['listn'], { state: 'acknowledged' });
    await expect.poll(() => button(page, 'Acknowledged').getAttribute('aria-pressed')).toBe('true');
    await button(page, 'All').click();
    await expectShown(page, ALL, { state: 'all' });
    await button(page, 'Open').click();
    await expectShown(page, ['for root', 'for eva', 'payments', 'nvme0n1'], {});
    await filters(page);
    await select(page, 'Verdict').selectOption('False positive');
    await page.getByText('Nothing matches').waitFor();
  });

  it('goes back and forth with the browser, all of them together', async () => {
    const page = await openAlerts(stack, '?source=bastion');
    await page.getByRole('searchbox').fill('eva');
    await expect.poll(() => shown(page)).toEqual(['for eva']);
    await button(page, /^Filters/).waitFor();
    await select(page, 'Severity').selectOption({ label: 'Error' });
    await expectShown(page, ['for eva'], { source: 'bastion', q: 'eva', severity: 'ERROR' });
    await page.goBack();
    await expect.poll(() => new URL(page.url()).searchParams.get('severity')).toBe(null);
    await expect.poll(() => select(page, 'Severity').inputValue()).toBe('');
    await page.goForward();
    await expect.poll(() => select(page, 'Severity').inputValue()).not.toBe('');
  });
});
