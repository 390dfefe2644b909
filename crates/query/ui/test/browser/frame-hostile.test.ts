// Lines, names and notes that attackers write, on every page that shows them: read as text, made into nothing, sent nowhere.
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { button, choose, dialog, messages, toast } from './alerts';
import { ATTACKS, attackLine, LONG, NAMES, TRAP, UNSEEN, type Attack } from './hostile';
import { observedOf, open, startStack, type Stack } from './harness';

/** So high that a list shows all that it has. */
const TALL = { width: 1_280, height: 9_000 };
const NAMED_LINE = `${new Date().toISOString()} app ERROR unknown configuration key "colour" in /etc/app.toml`;
let stack: Stack;
beforeAll(async () => {
  stack = await startStack({
    config: `[labels.SECURITY_ANOMALY]
label = "SECURITY_ANOMALY"
severity = "CRITICAL"
anomalous = true
[labels.CONFIG_ERROR]
label = ${JSON.stringify(NAMES.label)}
severity = "CRITICAL"
anomalous = true
`,
    lines: { auth: ATTACKS.map(attackLine), [NAMES.source]: [NAMED_LINE] },
  });
});
afterAll(() => stack?.remove());
beforeEach(async () => {
  await stack.api.detections.unacknowledgeDetections({ selection: { case: 'filter', value: {} }, all: true });
});

/** Nothing of any attack has become part of the page. */
async function expectHarmless(page: Page): Promise<void> {
  const found = await page.evaluate((trap) => {
    const made = [...document.querySelectorAll('body *')].filter(
      (element) =>
        /^(?:img|iframe|object|embed|video|audio|source|marquee|math|base|meta|link|style|template|animate|foreignobject|x-panel|body)$/i.test(
          element.localName,
        ) ||
        (element.localName === 'script' && !element.hasAttribute('src')) ||
        element.getAttributeNames().some((name) => name.startsWith('on') || name === 'srcdoc') ||
        /^\s*(?:javascript|data):/i.test(element.getAttribute('href') ?? element.getAttribute('src') ?? '') ||
        (element instanceof HTMLAnchorElement && element.origin !== location.origin),
    );
    return { made: made.map((element) => element.outerHTML.slice(0, 200)), isEntered: trap in window };
  }, TRAP);
  expect(found).toEqual({ made: [], isEntered: false });
  const texts = await page.evaluate(() => {
    const all: string[] = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) all.push(walker.currentNode.textContent ?? '');
    for (const element of document.querySelectorAll('[title], [aria-label]'))
      all.push(element.getAttribute('title') ?? '', element.getAttribute('aria-label') ?? '');
    return all;
  });
  expect(texts.filter((text) => UNSEEN.test(text)).map((text) => JSON.stringify(text.slice(0, 200)))).toEqual([]);
}

const query = (parts: Record<string, string>) => new URLSearchParams(parts).toString();

/** Every attack can be read in one of the texts. */
function expectReadable(texts: readonly string[], attacks: readonly Attack[]): void {
  const unread = attacks.flatMap(({ name, shows }) => {
    const text = texts.find((candidate) => candidate.includes(`user ${name} `));
    const missing = text === undefined ? ['all of it'] : shows.filter((part) => !text.includes(part));
    return missing.length === 0 ? [] : [{ name, missing, text: text?.slice(0, 400) }];
  });
  expect(unread).toEqual([]);
}

const hostile = (page: Page, within: string) => page.locator(`${within} .hostile`).allTextContents();

describe('hostile lines', () => {
  it('are text on Security Alerts, one message each', async () => {
    const page = await open(stack, '/alerts', { viewport: TALL });
    await expect.poll(() => messages(page).count()).toBe(ATTACKS.length + 1);
    expectReadable(await hostile(page, '.message'), ATTACKS);
    await expectHarmless(page);
    expect((await observedOf(page)).cls).toBeLessThan(0.02);
  });

  it('are text in an opened message, its occurrence, its explanation and its reason', async () => {
    const page = await open(stack, '/alerts', { viewport: TALL });
    for (const name of ['imagehandler', 'bidioverride', 'terminalcolour', 'markflood', 'svelteblock']) {
      const row = messages(page, `user ${name}`);
      await row.getByRole('button', { expanded: false }).first().click();
      const detail = page.locator(`.detail:has(> .line:has-text("user ${name} "))`);
      await button(detail, 'Explain').first().click();
      await button(detail, 'Why this label').click();
      await detail.getByText('Made without a model').waitFor();
    }
    await expect.poll(() => page.locator('.why .line, .reason .line').count()).toBeGreaterThan(0);
    await page.locator('.occurrence').first().waitFor();
    await expectHarmless(page);
  });

  it('are text on the Dashboard, twenty at a time', async () => {
    const all = await stack.api.detections.listDetections({ pageSize: 500 });
    const ids = all.detections.map(({ id }) => id);
    // The model takes the long one for something else, which is not critical.
    const critical = ATTACKS.filter((attack) => attack !== LONG);
    for (let first = 0; first < critical.length; first += 20) {
      const some = critical.slice(first, first + 20);
      const wanted = all.detections.filter(({ text }) => some.some(({ name }) => text.includes(`user ${name} `)));
      await stack.api.detections.acknowledgeDetections({ selection: { case: 'ids', value: { ids } } });
      await stack.api.detections.unacknowledgeDetections({
        selection: { case: 'ids', value: { ids: wanted.map(({ id }) => id) } },
      });
      const page = await open(stack, '/', { viewport: TALL });
      const criticals = page.getByRole('region', { name: /critical/i });
      await button(criticals, /^Show \d+ more/).click();
      await expect.poll(() => criticals.locator('.hostile').count()).toBeGreaterThanOrEqual(some.length);
      expectReadable(await criticals.locator('.hostile').allTextContents(), some);
      await expectHarmless(page);
    }
  });

  it('are text in Search, in a line and its context', async () => {
    const page = await open(stack, '/search?source=auth', { viewport: TALL });
    await expect.poll(() => page.locator('main .hostile').count()).toBeGreaterThanOrEqual(ATTACKS.length);
    expectReadable(await hostile(page, 'main'), ATTACKS);
    await expectHarmless(page);
    const { entries } = await stack.api.entries.searchEntries({ query: 'imagehandler' });
    await page.goto(`${stack.url}/search?entry=${entries[0]!.id}`);
    await page.locator('main .hostile', { hasText: 'user imagehandler' }).first().waitFor();
    await expect.poll(() => page.locator('main .hostile').count()).toBeGreaterThan(5);
    await expectHarmless(page);
  });

  it('are text in the evidence of Diagnose', async () => {
    const page = await open(stack, '/diagnose', { viewport: TALL });
    await page.getByRole('textbox').first().fill('invalid user');
    await button(page, /^(?:Ask|Diagnose)/).click();
    await page.getByRole('region', { name: 'Answer' }).getByText('Made without a model').waitFor();
    await expect.poll(() => page.locator('main .hostile').count()).toBeGreaterThan(0);
    await expectHarmless(page);
  });
});

it('shows the beginning of a very long line, and all of it when asked', async () => {
  const page = await open(stack, `/alerts?q=${LONG.name}`);
  const row = messages(page).first();
  const height = (await row.boundingBox())!.height;
  expect(height).toBeLessThan(70);
  await row.getByRole('button', { expanded: false }).first().click();
  const detail = page.locator('.detail');
  expect(await detail.getByText('far-end').count()).toBe(0);
  await button(detail, /^Show all/).click();
  await detail.getByText('<b>far-end</b>').waitFor();
  expect((await detail.locator('.line').innerText()).length).toBeGreaterThan(60_000);
  await expectHarmless(page);
});

it('shows names, labels and notes of strangers as text', async () => {
  const page = await open(stack, '/alerts?q=colour');
  const row = messages(page, 'colour');
  await row.getByText('web "><img src=x').waitFor();
  await row.getByText(/fault<img src=x/i).waitFor();
  await choose(row, 'Suppress…');
  await dialog(page).getByLabel(/^Why/).fill(NAMES.note);
  await dialog(page)
    .getByRole('checkbox', { name: /Acknowledge the/ })
    .uncheck();
  await expectHarmless(page);
  await button(dialog(page), 'Suppress').click();
  await toast(page, /^Suppressed/).waitFor();
  await button(page, 'Suppressions').click();
  await dialog(page).getByText('seen by <b onclick=').waitFor();
  await expectHarmless(page);
  await button(dialog(page), 'End now').click();
  await dialog(page).getByText('Nothing is suppressed').waitFor();
  await page.keyboard.press('Escape');

  await choose(row, 'Acknowledge…');
  await dialog(page).getByLabel('Note').fill(NAMES.note);
  await dialog(page).getByLabel('Your name').fill(NAMES.person);
  await button(dialog(page), 'Acknowledge 1').click();
  await toast(page, 'Acknowledged 1 detection.').waitFor();
  await button(page, 'Acknowledged').click();
  await row.getByRole('button', { expanded: false }).first().click();
  await page.locator('.detail').getByText('seen by <b onclick=').waitFor();
  await button(page, 'Filters').click();
  await expectHarmless(page);

  for (const path of ['/', '/diagnose', '/search']) {
    await page.goto(stack.url + path);
    if (path === '/diagnose') await button(page, /All sources/).click();
    await page.locator('main').getByText('web "><img src=x').first().waitFor({ state: 'attached' });
    await expectHarmless(page);
  }

  // Names and a question from an address that somebody sends.
  await page.goto(
    `${stack.url}/diagnose?${query({ ask: '1', q: NAMES.note, sources: encodeURIComponent(NAMES.source) })}`,
  );
  await page.getByRole('region', { name: 'Answer' }).getByText('Made without a model').waitFor();
  await page.getByRole('heading', { name: 'seen by <b onclick=' }).waitFor();
  await expectHarmless(page);
});
