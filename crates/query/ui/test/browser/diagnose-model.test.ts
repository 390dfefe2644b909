// Diagnose with a real language model, SmolLM2 on llama.cpp's server: words come one by one, and stop when nobody wants them.
import type { Page, Request } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { open, startStack, type Stack } from './harness';
import { bastionLines, shopLines } from './find-lines';

const now = Date.now();
let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ llm: true, lines: { bastion: bastionLines(now), shop: shopLines(now).slice(-20) } });
});
afterAll(() => stack?.remove());

const answerOf = (page: Page) => page.getByRole('region', { name: 'Answer' });
const proseOf = async (page: Page) => (await answerOf(page).locator('.prose').allTextContents()).join('\n');
const modelOf = (page: Page) => answerOf(page).locator('.tag', { hasText: 'smollm2-135m-instruct' });
const ask = (page: Page) => page.getByRole('button', { name: 'Ask', exact: true }).click();

/** The streams of answers that a page opened, and those that it gave up. */
function streamsOf(page: Page): { open: Request[]; givenUp: Request[] } {
  const streams = { open: [] as Request[], givenUp: [] as Request[] };
  const isAnswer = (request: Request) => request.url().endsWith('ExplanationService/Diagnose');
  page.on('request', (request) => void (isAnswer(request) && streams.open.push(request)));
  page.on('requestfailed', (request) => void (isAnswer(request) && streams.givenUp.push(request)));
  return streams;
}

/** Waits until words are coming, and says which came first. */
async function growing(page: Page): Promise<string> {
  await answerOf(page).locator('.growing').waitFor({ timeout: 80_000 });
  return proseOf(page);
}

it('streams the answer beside its evidence', async () => {
  const page = await open(stack, '/diagnose?sources=bastion');
  await ask(page);
  // The lines are there before the first word is.
  await answerOf(page).getByRole('list', { name: 'Evidence' }).getByText('Failed password').first().waitFor();
  const first = await growing(page);
  expect(await modelOf(page).count()).toBe(0);
  await expect.poll(async () => (await proseOf(page)).length).toBeGreaterThan(first.length + 20);
  await modelOf(page).waitFor({ timeout: 80_000 });
  expect(await answerOf(page).locator('.facts').textContent()).toMatch(/· \d+ tokens$/);
  expect(await answerOf(page).getAttribute('aria-busy')).toBe('false');

  // A small model seldom names lines by itself; where it does, they lead there.
  for (const reference of await answerOf(page).locator('button.reference').all()) {
    await reference.click();
    const line = page.locator(`[data-reference="${await reference.textContent()}"]`);
    await expect.poll(() => line.evaluate((element) => element === document.activeElement)).toBe(true);
  }
});

it('stops the old answer for a new question', async () => {
  const page = await open(stack, '/diagnose?q=What+happened+at+length%3F&sources=bastion');
  const streams = streamsOf(page);
  await ask(page);
  await growing(page);
  const box = page.getByLabel('What do you want to know?');
  await box.fill('Which orders were paid?');
  await box.press('Enter');
  await page.getByRole('heading', { name: 'Which orders were paid?' }).waitFor();
  await expect.poll(() => streams.givenUp.length).toBe(1);
  expect(streams.givenUp[0]).toBe(streams.open[0]);
  expect(streams.open.length).toBe(2);
  await modelOf(page).waitFor({ timeout: 80_000 });

  // What had come of the old one is still there, and is not asked for again by itself.
  await page.goBack();
  await answerOf(page).getByText('Stopped here.').waitFor();
  expect((await proseOf(page)).length).toBeGreaterThan(0);
  expect(streams.open.length).toBe(2);
});

it('stops when it is told to, and asks again', async () => {
  const page = await open(stack, '/diagnose?q=Tell+me+more&sources=bastion');
  const streams = streamsOf(page);
  await ask(page);
  await growing(page);
  await page.getByRole('button', { name: 'Stop' }).click();
  await answerOf(page).getByText('Stopped here.').waitFor();
  await expect.poll(() => streams.givenUp.length).toBe(1);
  const stopped = await proseOf(page);
  // Frames that were under way change nothing: one more paint later it is the same.
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  expect(await proseOf(page)).toBe(stopped);
  await answerOf(page).getByRole('button', { name: 'Ask again' }).click();
  await modelOf(page).waitFor({ timeout: 80_000 });
});

it('stops when one leaves the page, and shows what had come when one is back', async () => {
  const page = await open(stack, '/diagnose?q=What+is+it+about%3F&sources=bastion');
  const streams = streamsOf(page);
  await ask(page);
  await growing(page);
  await page.getByRole('link', { name: 'Search' }).click();
  await page.getByLabel('Search lines', { exact: true }).waitFor();
  await expect.poll(() => streams.givenUp.length).toBe(1);
  await page.goBack();
  await answerOf(page).getByText('Stopped here.').waitFor();
  expect((await proseOf(page)).length).toBeGreaterThan(0);
  expect(streams.open.length).toBe(1);
});
