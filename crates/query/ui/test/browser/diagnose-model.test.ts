// Diagnose with a real language model, SmolLM2 on llama.cpp's server: words come one by one, and stop when nobody wants them.
import type { Page, Request } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { MODEL_PATIENCE, MODEL_TEST_MS, open, startLlm, startStack, type Llm, type Stack } from './harness';
import { at, bastionLines } from './find-lines';
import { expectGrowth, recordSteps } from './growth';

/** The same words at the same times get the same answer, for the model takes the likeliest word. */
const END = Date.parse('2026-11-18T10:00:00Z');
const addressOf = (question: string) =>
  `/diagnose?${new URLSearchParams({ q: question, from: at(END - 3_600_000), until: at(END) }).toString()}`;

vi.setConfig({ testTimeout: MODEL_TEST_MS });

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
  await answerOf(page).locator('.growing').waitFor(MODEL_PATIENCE);
  return proseOf(page);
}

async function expectJump(page: Page): Promise<void> {
  const references = answerOf(page).locator('button.reference');
  // By its name: another one may be the first when the answer is complete.
  const name = (await references.first().textContent(MODEL_PATIENCE)) ?? '';
  const line = page.locator(`[data-reference="${name}"]`);
  await references
    .filter({ hasText: new RegExp(`^${name}$`) })
    .first()
    .click();
  await expect.poll(() => line.evaluate((element) => element === document.activeElement)).toBe(true);
}

describe('a short answer', () => {
  beforeAll(async () => {
    stack = await start(100);
  });
  afterAll(() => stack?.remove());

  it('streams beside its evidence, with references that lead there', async () => {
    const page = await open(stack, addressOf(''));
    const shown = await recordSteps(page);
    await ask(page);
    await answerOf(page).getByRole('list', { name: 'Evidence' }).getByText('Failed password').first().waitFor();
    await expectJump(page);
    await modelOf(page).waitFor(MODEL_PATIENCE);
    expectGrowth(await shown());
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

  const isBusy = async () => {
    const slots = (await (await fetch(new URL('/slots', llm.address))).json()) as { is_processing: boolean }[];
    return slots.some(({ is_processing }) => is_processing);
  };
  /** Answers that the model's server was told to give up. Those that are complete are not among them. */
  const cancelled = () => llm.log().match(/cancel task/g)?.length ?? 0;
  let cancelledBefore = 0;
  beforeEach(async () => {
    // What the test before left is none of the next one's.
    await expect.poll(isBusy, MODEL_PATIENCE).toBe(false);
    cancelledBefore = cancelled();
  });

  /** The model rests, and not because its answers were complete. */
  async function expectCancelled(count: number): Promise<void> {
    await expect.poll(() => cancelled() - cancelledBefore, MODEL_PATIENCE).toBe(count);
    await expect.poll(isBusy, MODEL_PATIENCE).toBe(false);
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
    await expectCancelled(2);
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
    await expectCancelled(1);
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
    await expectCancelled(1);
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
    await page.getByText(/^(?:Thinking|Answering)$/).waitFor(MODEL_PATIENCE);
    // Looking at the lines meanwhile stops nothing.
    await page.getByRole('tab', { name: 'Context' }).click();
    await page.getByRole('region', { name: 'Lines around it' }).getByRole('link').first().waitFor();
    expect(givenUp).toEqual([]);
    await page.getByRole('region', { name: 'Lines around it' }).getByRole('link').first().click();
    await expect.poll(() => givenUp).toEqual(['ExplainEntry']);
  });
});
