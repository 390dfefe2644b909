// Explanations on the Dashboard by a real language model (SmolLM2-135M, good for what is shown and poor at what it says).
import type { Locator } from 'playwright-core';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { countExplanations, criticals, expectShown, line, opened } from './dashboard';
import { expectGrowth, recordSteps } from './growth';
import {
  expectAccessible,
  MODEL_PATIENCE,
  MODEL_TEST_MS,
  open,
  startLlm,
  startStack,
  type Llm,
  type Stack,
} from './harness';

vi.setConfig({ testTimeout: MODEL_TEST_MS });

let llm: Llm;
let stack: Stack;
beforeAll(async () => {
  llm = await startLlm();
  stack = await startStack({
    llm,
    lines: {
      // Alone, and always the same: so the small model names it in its answer.
      lathe: [
        '2026-11-20T21:10:32Z forge systemd[1]: billing.service: Main process exited, code=dumped, status=11/SEGV',
      ],
      forge: [line.disk(4_711, 90), line.crash('ledger', 60)],
    },
  });
});
afterAll(async () => {
  await stack?.remove();
  await llm?.stop('SIGKILL');
});

const tagged = (explanation: Locator) => explanation.getByText('smollm2-135m-instruct');
const textOf = async (explanation: Locator) => (await explanation.locator('.part').allTextContents()).join('');

it('streams token by token, is asked for once, and cites lines that one can jump to', async () => {
  const page = await open(stack, '/');
  const asked = countExplanations(page);
  const shown = await recordSteps(page);
  const explanation = await opened(page, 'billing.service');
  await tagged(explanation).waitFor(MODEL_PATIENCE);
  await explanation.getByRole('list', { name: 'Lines around it' }).getByText('billing.service').waitFor();
  expectGrowth(await shown());
  await explanation.getByText(/·\s+\d+ tokens/).waitFor();

  await criticals(page, 'billing.service').getByRole('button', { expanded: true }).click();
  await tagged(await opened(page, 'billing.service')).waitFor(MODEL_PATIENCE);
  expect(asked()).toBe(1);

  // What it cites can be jumped to.
  const citation = explanation.getByRole('button', { name: 'L1', exact: true }).first();
  await citation.click();
  await expectShown(explanation, 'L1');
  await expectAccessible(page);
});

it('is shared by those who look at it, and kept for those who come later', async () => {
  const pages = [await open(stack, '/'), await open(stack, '/')];
  await Promise.all(pages.map(async (page) => tagged(await opened(page, 'ledger.service')).waitFor(MODEL_PATIENCE)));
  const answers = await Promise.all(
    pages.map((page) => criticals(page, 'ledger.service').locator('.answer .part').allTextContents()),
  );
  expect(answers[0]).toEqual(answers[1]);
  expect(answers[0]!.join('').length).toBeGreaterThan(0);

  const later = await open(stack, '/');
  const explanation = await opened(later, 'ledger.service');
  await explanation.getByText('kept from before').waitFor();
});

it('says why it broke off when the model goes away in the middle, and tries again', async () => {
  // So long that it is not complete by then, however fast the model or slow the test is.
  const long = { ...llm, config: llm.config.replace(/max_tokens = \d+/, 'max_tokens = 700') };
  const own = await startStack({ llm: long, lines: { anvil: [line.crash('payroll', 50)] } });
  try {
    const page = await open(own, '/');
    const explanation = await opened(page, 'payroll.service');
    await expect.poll(() => textOf(explanation).then(({ length }) => length), MODEL_PATIENCE).toBeGreaterThan(20);
    await llm.stop('SIGKILL');
    const alert = explanation.getByRole('alert');
    await alert.getByText('The answer is not complete.').waitFor();
    await alert.getByText('the connection to the LLM ended in the middle of the answer').waitFor();
    // What had come stays.
    expect((await textOf(explanation)).length).toBeGreaterThan(20);
    await expectAccessible(page);

    // Without it, again a reason.
    await alert.getByRole('button', { name: 'Try again' }).click();
    await alert.getByText('No explanation.').waitFor();
    await alert.getByText('nothing listens at').waitFor();

    llm = await startLlm(llm.port);
    await alert.getByRole('button', { name: 'Try again' }).click();
    await explanation.getByText('Answering').waitFor(MODEL_PATIENCE);
    await expect.poll(() => textOf(explanation).then(({ length }) => length), MODEL_PATIENCE).toBeGreaterThan(20);
    expect(await alert.count()).toBe(0);
    await page.close();
  } finally {
    await own.remove();
  }
});
