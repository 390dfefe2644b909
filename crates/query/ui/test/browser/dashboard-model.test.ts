// Explanations on the Dashboard by a real language model (SmolLM2-135M, good for what is shown and poor at what it says).
import type { Locator } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { countExplanations, criticals, expectShown, line, opened } from './dashboard';
import { expectAccessible, open, startLlm, startStack, type Llm, type Stack } from './harness';

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
      anvil: [line.crash('payroll', 50)],
    },
  });
});
afterAll(async () => {
  await stack?.remove();
  await llm?.stop('SIGKILL');
});

/** The lengths that the text of an answer has had, in order. */
async function watchGrowth(explanation: Locator): Promise<() => Promise<string[]>> {
  await explanation.evaluate((element) => {
    const texts: string[] = [];
    Object.assign(window, { texts });
    const note = () => {
      const text = [...element.querySelectorAll('.part')].map((part) => part.textContent).join('\n');
      if (text !== texts.at(-1)) texts.push(text);
    };
    new MutationObserver(note).observe(element, { subtree: true, childList: true, characterData: true });
    note();
  });
  return () => explanation.evaluate(() => (window as unknown as { texts: string[] }).texts);
}

const tagged = (explanation: Locator) => explanation.getByText('smollm2-135m-instruct');

it('streams token by token, is asked for once, and cites lines that one can jump to', async () => {
  const page = await open(stack, '/');
  const asked = countExplanations(page);
  const explanation = await opened(page, 'billing.service');
  const growth = await watchGrowth(explanation);
  await explanation.getByText('Answering').waitFor();
  // The lines are there before the answer is.
  await explanation.getByRole('list', { name: 'Lines around it' }).getByText('billing.service').waitFor();
  await tagged(explanation).waitFor({ timeout: 60_000 });
  const texts = await growth();
  expect(texts.length).toBeGreaterThan(8);
  const lengths = texts.map(({ length }) => length);
  // It grows, in small steps; the last one is the server's own reading of the whole.
  const steps = lengths.slice(1, -1).map((length, index) => length - lengths[index]!);
  expect(steps.filter((step) => step > 0).length).toBeGreaterThan(steps.length * 0.8);
  expect(Math.max(...steps)).toBeLessThan(200);
  await explanation.getByText(/·\s+160 tokens/).waitFor();

  await criticals(page, 'billing.service').getByRole('button', { expanded: true }).click();
  await tagged(await opened(page, 'billing.service')).waitFor();
  expect(asked()).toBe(1);

  // What it cites can be jumped to.
  const citation = explanation.getByRole('button', { name: 'L1', exact: true }).first();
  await citation.click();
  await expectShown(explanation, 'L1');
  await expectAccessible(page);
});

it('is shared by those who look at it, and kept for those who come later', async () => {
  const pages = [await open(stack, '/'), await open(stack, '/')];
  await Promise.all(
    pages.map(async (page) => tagged(await opened(page, 'ledger.service')).waitFor({ timeout: 60_000 })),
  );
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
  const page = await open(stack, '/');
  const explanation = await opened(page, 'payroll.service');
  await explanation.getByText('Answering').waitFor();
  await llm.stop('SIGKILL');
  const alert = explanation.getByRole('alert');
  await alert.getByText('The answer is not complete.').waitFor();
  await alert.getByText('the connection to the LLM ended in the middle of the answer').waitFor();
  // What had come stays.
  expect((await explanation.locator('.part').allTextContents()).join('').length).toBeGreaterThan(0);
  await expectAccessible(page);

  // Without it, again a reason.
  await alert.getByRole('button', { name: 'Try again' }).click();
  await explanation
    .getByText(/Made without a model|not complete|No explanation/)
    .first()
    .waitFor();
  console.log(await explanation.textContent());

  llm = await startLlm(llm.port);
  await explanation.getByRole('button', { name: 'Try again' }).click();
  await tagged(explanation).waitFor({ timeout: 60_000 });
  expect(await alert.count()).toBe(0);
});
