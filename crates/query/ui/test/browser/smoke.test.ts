// The stack and the pages work at all: a line that the model finds odd becomes an alert that a person sees.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { expectAccessible, observedOf, open, startStack, type Stack } from './harness';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({
    lines: {
      bastion: ['2026-11-22T21:10:32Z bastion sshd[411]: Failed password for root from 203.0.113.9 port 4022 ssh2'],
    },
  });
});
afterAll(() => stack?.remove());

it('shows a detection', async () => {
  const page = await open(stack, '/alerts');
  await page.getByText('Failed password for root').waitFor();
  expect(await page.title()).toBe('Security Alerts · Turnstone');
  await expectAccessible(page);
  expect((await observedOf(page)).firstPaintMs).toBeGreaterThan(0);
});

for (const path of ['/', '/diagnose', '/search'])
  it(`opens ${path}`, async () => {
    const page = await open(stack, path);
    await page.locator('main :text-is("bastion"), main button').first().waitFor();
  });
