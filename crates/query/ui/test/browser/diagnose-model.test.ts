// Diagnose with a real language model, SmolLM2 on llama.cpp's server: words come one by one, and stop when nobody wants them.
import type { Page, Request } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { open, startLlm, startStack, type Llm, type Stack } from './harness';
import { at, bastionLines } from './find-lines';

/** The same words at the same times get the same answer, for the model takes the likeliest word. */
const END = Date.parse('2026-11-18T10:00:00Z');
const addressOf = (question: string) =>
  `/diagnose?${new URLSearchParams({ q: question, from: at(END - 3_600_000), until: at(END) }).toString()}`;
/** For words and whole answers of a small model on a busy machine. */
const PATIENCE = { timeout: 80_000 };

let llm: Llm;
let stack: Stack;
const start = (tokens: number) =>
  startStack({
    llm: { ...llm, config: llm.config.replace(/max_tokens = \d+/, `max_tokens = ${tokens}`) },
    lines: { bastion: bastionLines(END).slice(-12) },
  });
beforeAll(async () => {
  llm = await startLlm();
});
afterAll(() => llm?.stop('SIGKILL'));

const answerOf = (page: Page) => page.getByRole('region', { name: 'Answer' });
const proseOf = async (page: Page) => (await answerOf(page).locator('.prose').allTextContents()).join('\n');
const modelOf = (page: Page) => answerOf(page).locator('.tag', { hasText: 'smollm2-135m-instruct' });
const ask = (page: Page) => page.getByRole('button', { name: 'Ask', exact: true }).click();

/** Waits until words are coming, and says which came first. */
async function growing(page: Page): Promise<string> {
  await answerOf(page).locator('.growing').waitFor(PATIENCE);
  return proseOf(page);
}

async function expectJump(page: Page): Promise<void> {
  const reference = answerOf(page).locator('button.reference').first();
  await reference.waitFor(PATIENCE);
  const line = page.locator(`[data-reference="${await reference.textContent()}"]`);
  await reference.click();
  await expect.poll(() => line.evaluate((element) => element === document.activeElement)).toBe(true);
}

describe('a short answer', () => {
  beforeAll(async () => {
    stack = await start(100);
  });
  afterAll(() => stack?.remove());

  it('streams beside its evidence, with references that lead there', async () => {
    const page = await open(stack, addressOf(''));
    await ask(page);
    // The lines are there before the first word is.
    await answerOf(page).getByRole('list', { name: 'Evidence' }).getByText('Failed password').first().waitFor();
    const first = await growing(page);
    expect(await modelOf(page).count()).toBe(0);
    await expect.poll(async () => (await proseOf(page)).length, PATIENCE).toBeGreaterThan(first.length + 20);
    await expectJump(page);
    await modelOf(page).waitFor(PATIENCE);
    expect(await answerOf(page).locator('.facts').textContent()).toMatch(/·\s+\d+ tokens$/);
    expect(await answerOf(page).getAttribute('aria-busy')).toBe('false');
    await expectJump(page);
  });
});

describe('a long answer', () => {
  beforeAll(async () => {
    stack = await start(700);
  });
  afterAll(() => stack?.remove());

  /** The streams of answers that a page opened, and those that it gave up. */
  function streamsOf(page: Page): { open: Request[]; givenUp: Request[] } {
    const streams = { open: [] as Request[], givenUp: [] as Request[] };
    const isAnswer = (request: Request) => request.url().endsWith('ExplanationService/Diagnose');
    page.on('request', (request) => void (isAnswer(request) && streams.open.push(request)));
    page.on('requestfailed', (request) => void (isAnswer(request) && streams.givenUp.push(request)));
    return streams;
  }

  /** The model rests long before it could have written all of its answer. */
  async function expectIdle(): Promise<void> {
    const isBusy = async () => {
      const slots = (await (await fetch(new URL('/slots', llm.address))).json()) as { is_processing: boolean }[];
      return slots.some(({ is_processing }) => is_processing);
    };
    await expect.poll(isBusy, { timeout: 8_000 }).toBe(false);
  }

  it('stops for a new question', async () => {
    const page = await open(stack, addressOf('What happened at length?'));
    const streams = streamsOf(page);
    await ask(page);
    await growing(page);
    const box = page.getByLabel('What do you want to know?');
    await box.fill('Who was refused?');
    await box.press('Enter');
    await page.getByRole('heading', { name: 'Who was refused?' }).waitFor();
    await expect.poll(() => streams.givenUp).toEqual([streams.open[0]]);
    // One model that answers one question at a time has words for the new one.
    await growing(page);
    expect(streams.open.length).toBe(2);

    // What had come of the old one is still there, and is not asked for again by itself.
    await page.goBack();
    await answerOf(page).getByText('Stopped here.').waitFor();
    expect((await proseOf(page)).length).toBeGreaterThan(0);
    await expectIdle();
    expect(streams.open.length).toBe(2);
  });

  it('stops when it is told to, and begins again', async () => {
    const page = await open(stack, addressOf('Tell me more'));
    const streams = streamsOf(page);
    await ask(page);
    await growing(page);
    await page.getByRole('button', { name: 'Stop' }).click();
    await answerOf(page).getByText('Stopped here.').waitFor();
    await expect.poll(() => streams.givenUp.length).toBe(1);
    await expectIdle();
    await answerOf(page).getByRole('button', { name: 'Ask again' }).click();
    await growing(page);
    expect(await answerOf(page).getByText('Stopped here.').count()).toBe(0);
  });

  it('stops when one leaves the page, and shows what had come when one is back', async () => {
    const page = await open(stack, addressOf('What is it about?'));
    const streams = streamsOf(page);
    await ask(page);
    await growing(page);
    await page.getByRole('link', { name: 'Search' }).click();
    await page.getByLabel('Search lines', { exact: true }).waitFor();
    await expect.poll(() => streams.givenUp.length).toBe(1);
    await expectIdle();
    await page.goBack();
    await answerOf(page).getByText('Stopped here.').waitFor();
    expect((await proseOf(page)).length).toBeGreaterThan(0);
    expect(streams.open.length).toBe(1);
  });

  it('stops an explanation in Search when one goes on to another line', async () => {
    const page = await open(stack, '/search?q=failed');
    const givenUp: string[] = [];
    page.on('requestfailed', (request) => givenUp.push(new URL(request.url()).pathname.split('/').at(-1) ?? ''));
    await page.locator('[data-row]').first().click();
    await page.getByRole('tab', { name: 'Explanation' }).click();
    await page.getByText('Thinking').waitFor(PATIENCE);
    // Looking at the lines meanwhile stops nothing.
    await page.getByRole('tab', { name: 'Context' }).click();
    await page.getByRole('region', { name: 'Lines around it' }).getByRole('link').first().waitFor();
    expect(givenUp).toEqual([]);
    await page.getByRole('region', { name: 'Lines around it' }).getByRole('link').first().click();
    await expect.poll(() => givenUp).toEqual(['ExplainEntry']);
  });
});
