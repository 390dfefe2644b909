// What the tests of Security Alerts share: lines whose label is known, and where things are on the page.
import type { Locator, Page } from 'playwright-core';
import { open, type OpenOptions, type Stack } from './harness';

const at = (second: number) => new Date(Date.UTC(2026, 10, 22, 21, 0, second)).toISOString();

/** Names that numbers do not hide: each makes a message of its own. */
const WORDS =
  'amber birch cedar dune ember fern grove heath iris jade kelp lark moss nettle oak pine quartz reed sage teal'.split(
    ' ',
  );
export const word = (index: number) => `${WORDS[index % 20]}${index < 20 ? '' : WORDS[Math.floor(index / 20) % 20]}`;

/** Lines by the label that the bundled model gives them. The same message for all `n`, another for each name. */
export const line = {
  /** SECURITY_ANOMALY, an error. */
  login: (user: string, n = 1) =>
    `${at(n)} bastion sshd[${1_000 + n}]: Failed password for ${user} from 203.0.113.${1 + (n % 250)} port ${4_000 + n} ssh2`,
  /** HARDWARE_ISSUE, critical. */
  disk: (n = 1) => `${at(n)} store kernel: nvme0n1: I/O error, dev nvme0n1, sector ${1_234_567 + n} op 0x1:(WRITE)`,
  /** NETWORK_ANOMALY, a warning. */
  refused: (peer: string, n = 1) => `${at(n)} shop ERROR connect to ${peer}:8443 failed: connection refused`,
  /** CONFIG_ERROR, an error. */
  config: (key: string, n = 1) => `${at(n)} app ERROR unknown configuration key "${key}" in /etc/app.toml`,
  /** NORMAL. */
  routine: (n = 1) => `${at(n)} web INFO GET /login 200 ${12 + (n % 5)} ms`,
};

export const list = (page: Page): Locator => page.getByRole('list', { name: 'Alerts' });
/** All messages that are in the document, or those with a text. */
export const messages = (page: Page, text?: string | RegExp): Locator =>
  text === undefined ? list(page).locator('.message') : list(page).locator('.message', { hasText: text });
export const toast = (page: Page, text: string | RegExp): Locator =>
  page.getByRole('region', { name: 'Notifications' }).getByText(text);
/** Takes back what the news say. Pointing at them keeps them there for as long as it takes. */
export async function undo(page: Page, news: string | RegExp): Promise<void> {
  await toast(page, news).hover();
  await button(page, 'Undo').click();
}
export const dialog = (page: Page): Locator => page.getByRole('dialog');
export const button = (within: Page | Locator, name: string | RegExp): Locator =>
  within.getByRole('button', typeof name === 'string' ? { name, exact: true } : { name });

/** Opens Security Alerts and waits until it shows something and watches. */
export async function openAlerts(stack: Stack, query = '', options: OpenOptions = {}): Promise<Page> {
  const page = await open(stack, `/alerts${query}`, options);
  await messages(page).first().waitFor();
  if (!query.includes('state=acknowledged')) await page.getByText('Live', { exact: true }).waitFor();
  return page;
}

/** Runs an item of a message's menu. */
export async function choose(message: Locator, item: string): Promise<void> {
  await button(message, 'More').click();
  await message.getByRole('menuitem', { name: item }).click();
}

/** The messages that are shown, top down. */
export async function texts(page: Page): Promise<string[]> {
  const shown = await messages(page).evaluateAll((elements) =>
    elements
      .map((element) => ({
        top: element.getBoundingClientRect().top,
        text: element.querySelector('.hostile')?.textContent,
      }))
      .toSorted((a, b) => a.top - b.top),
  );
  return shown.map(({ text }) => text ?? '');
}
