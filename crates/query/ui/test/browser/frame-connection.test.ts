// A server that goes away and comes back, at once and after a while: said in a banner, tried again with growing pauses, nothing lost.
import type { Page, Request } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { button, line, messages, openAlerts, texts, toast, word } from './alerts';
import { allow, expectAccessible, open, SERVER_GONE, startStack, stopClock, type Stack } from './harness';

/** A page waits for half a minute at most before it tries again. */
const UNTIL_BACK = { timeout: 60_000 };

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({
    lines: { bastion: Array.from({ length: 12 }, (_, n) => line.login(word(n), n)) },
  });
});
afterAll(() => stack?.remove());

/** When the page looked for the server, and when it knew that it was not there. */
interface Try {
  askedAt: number;
  failedAt?: number;
}
const triesOf = async (page: Page) =>
  (await page.evaluate(() => (window as unknown as { tries: Try[] }).tries)).filter(({ failedAt }) => failedAt);
const pausesOf = (tries: readonly Try[]) =>
  tries.slice(1).map(({ askedAt }, index) => askedAt - tries[index]!.failedAt!);

/** Runs in the page, before its own scripts. */
function recordTries(): void {
  const tries: Try[] = [];
  const ask = window.fetch;
  window.fetch = async (input, init) => {
    if (input !== '/healthz') return ask(input, init);
    const one: Try = { askedAt: Date.now() };
    tries.push(one);
    return ask(input, init).catch((error: unknown) => {
      one.failedAt = Date.now();
      throw error;
    });
  };
  Object.assign(window, { tries });
}

describe('a server that is restarted', () => {
  it('is missed, asked again with growing pauses, and nothing is lost', async () => {
    const calls = new Set<Request>();
    const page = await openAlerts(stack, '', {
      before: async (opened) => {
        await opened.clock.install();
        await opened.addInitScript(recordTries);
        opened.on('request', (request) => void calls.add(request));
        opened.on('requestfinished', (request) => void calls.delete(request));
        opened.on('requestfailed', (request) => void calls.delete(request));
      },
    });
    allow(page, SERVER_GONE);
    await messages(page, `for ${word(3)} from`)
      .getByRole('checkbox')
      .check();
    const before = await texts(page);

    // Time passes in the page as the test says, here and where it says so again.
    await stopClock(page);
    await stack.stop();
    await page.getByText('Paused', { exact: true }).waitFor();
    await expect
      .poll(async () => {
        await page.clock.runFor(10_000);
        return (await triesOf(page)).length;
      })
      .toBeGreaterThan(3);
    const pauses = pausesOf(await triesOf(page));
    // Twice as long each time, less a fifth at most so that many pages do not come at once.
    for (const [index, pause] of pauses.slice(0, 3).entries()) {
      expect(pause).toBeGreaterThanOrEqual(1_600 * 2 ** index);
      expect(pause).toBeLessThanOrEqual(2_000 * 2 ** index);
    }
    await page.getByText('Connection lost').waitFor();
    await page.getByText(/Trying again in \d+ s/).waitFor();
    await page.getByRole('banner').getByText('Offline').waitFor();
    expect(await texts(page)).toEqual(before);
    await page.clock.resume();
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      await expectAccessible(page);
    }

    // Acknowledging while it is away fails and says so; nothing is sent again by itself.
    await button(messages(page, `for ${word(5)} from`), 'Acknowledge').click();
    await toast(page, /^Not acknowledged: The server cannot be reached/).waitFor();
    await messages(page, `for ${word(5)} from`).waitFor();

    // What came in the meantime, and what was selected, is there afterwards.
    stack.write('bastion', line.login('meanwhile'));
    await stopClock(page);
    await expect.poll(() => calls.size).toBe(0);
    await stack.start();
    // The page tries again by itself after a pause, which does not end before the button is pressed.
    expect(await page.getByText('Connection lost').count()).toBe(1);
    await button(page, 'Try now').click();
    await page.getByText('Connection lost').waitFor({ state: 'detached' });
    await page.clock.fastForward(30_000);
    await page.clock.resume();
    await page.getByText('Live', { exact: true }).waitFor();
    await button(page, '1 new').click();
    await messages(page, 'meanwhile').waitFor();
    await page.getByText('1 message', { exact: true }).waitFor();
    stack.write('bastion', line.login('afterwards'));
    await button(page, '1 new').click();
    await messages(page, 'afterwards').waitFor();
    const open = await stack.api.detections.listDetections({ filter: { unacknowledged: true }, pageSize: 100 });
    expect(open.detections.some(({ text }) => text.includes(`for ${word(5)} from`))).toBe(true);
  });

  it('comes back by itself after a kill, on every page', async () => {
    const pages = [];
    for (const path of ['/', '/alerts', '/diagnose', '/search']) {
      const page = await open(stack, path);
      allow(page, SERVER_GONE);
      await page.locator('main .hostile, main button').first().waitFor();
      await page.getByRole('banner').getByText('Connected').waitFor();
      pages.push(page);
    }
    await stack.kill();
    // Those that read or watch notice by themselves; the others when they ask.
    await pages[1]!.getByText('Connection lost').waitFor();
    await pages[0]!.getByText('Connection lost').waitFor();
    await stack.start();
    for (const page of pages) {
      await page.getByText('Connection lost').waitFor({ state: 'detached', ...UNTIL_BACK });
      await page.getByRole('banner').getByText('Connected').waitFor();
    }
    stack.write('bastion', line.login('survivor'));
    await button(pages[1]!, '1 new').waitFor(UNTIL_BACK);
  });

  it('shows what it has when a page is opened while it is away, and fills in later', async () => {
    const page = await openAlerts(stack);
    allow(page, SERVER_GONE);
    await stack.stop();
    await page.getByText('Connection lost').waitFor();
    // The code of the page that one comes back to is there already; only what it shows is missing.
    await page.getByRole('link', { name: 'Search' }).click();
    await page.getByRole('heading', { name: 'Search', level: 1 }).waitFor();
    await page.getByRole('link', { name: 'Security Alerts' }).click();
    await page.getByText('The alerts could not be read').waitFor();
    await stack.start();
    await messages(page, `for ${word(3)} from`).waitFor(UNTIL_BACK);
    await page.getByText('Connection lost').waitFor({ state: 'detached' });
  });
});

it('an answer that is wrong is no lost connection', async () => {
  // The server answers wrongly: the real one does not refuse this.
  const page = await open(stack, '/alerts', {
    before: (opened) =>
      opened.route('**/ListDetections', (route) =>
        route.fulfill({
          status: 200,
          headers: {
            'content-type': 'application/grpc-web+proto',
            'grpc-status': '3',
            'grpc-message': 'no such thing',
          },
          body: '',
        }),
      ),
  });
  await page.getByText('The alerts could not be read').waitFor();
  await page.getByText('No such thing.').waitFor();
  await page.getByRole('banner').getByText('Connected').waitFor();
  await page.unroute('**/ListDetections');
  await button(page, 'Try again').click();
  await messages(page).first().waitFor();
});

describe('a call that is never answered', () => {
  // No real server takes a call and falls silent when it is told to.
  let heldCount = 0;
  const hold = (calls: string, path = '/alerts') =>
    open(stack, path, {
      before: async (opened) => {
        await opened.clock.install();
        await stopClock(opened);
        await opened.route(calls, () => void (heldCount += 1));
      },
    });

  it('is given up and can be made again', async () => {
    const page = await hold('**/ListDetections');
    await page.getByRole('status', { name: 'Reading the alerts' }).waitFor();
    await page.clock.fastForward(30_000);
    await page.getByRole('status', { name: 'Reading the alerts' }).waitFor();
    await page.clock.fastForward(11_000);
    await page.getByText('The alerts could not be read').waitFor();
    await page.getByText('The server did not answer in time. It may be busy, or have done it all the same.').waitFor();
    await page.getByRole('banner').getByText('Connected').waitFor();
    expect(await page.getByText('Connection lost').count()).toBe(0);
    await page.unroute('**/ListDetections');
    await page.clock.resume();
    await button(page, 'Try again').click();
    await messages(page).first().waitFor();
  });

  it('is told for as long as it is only asked again by itself', async () => {
    heldCount = 0;
    const page = await hold('**/GetStatsSummary', '/');
    await page.locator('.loading-shimmer').first().waitFor();
    await page.clock.fastForward(41_000);
    const said = page.getByText('The labels could not be read.');
    await said.waitFor();
    await page.clock.fastForward(11_000);
    await expect.poll(() => heldCount).toBeGreaterThan(1);
    expect(await said.count()).toBe(1);
    await page.unroute('**/GetStatsSummary');
    await page.clock.fastForward(41_000);
    await page.clock.fastForward(11_000);
    await said.waitFor({ state: 'detached' });
    await page.getByText('Nobody has judged a detection yet').waitFor();
  });

  it('is a lost connection where nothing is answered at all', async () => {
    const page = await hold('**/{turnstone.v1.*/*,healthz}');
    await page.getByRole('status', { name: 'Reading the alerts' }).waitFor();
    await page.clock.fastForward(41_000);
    // The question whether it is there at all has some seconds too.
    await expect
      .poll(async () => {
        await page.clock.runFor(1_000);
        return page.getByText('Connection lost').isVisible();
      })
      .toBe(true);
    await page.unroute('**/{turnstone.v1.*/*,healthz}');
    await page.clock.resume();
    await messages(page).first().waitFor();
    await page.getByText('Connection lost').waitFor({ state: 'detached' });
  });
});
