// The Dashboard's figures, sources and states, on a Turnstone that reads files.
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Severity } from '$gen/turnstone/v1/detection_pb';
import { messages } from './alerts';
import { changeStored, chart, criticals, figure, line, opened, part, stamp, summaryIn } from './dashboard';
import { expectAccessible, expectNoSideways, observedOf, open, startStack, type Stack } from './harness';

const range = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

describe('on a stack with some trouble', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack({
      // Named by mistake: a folder is no log.
      config: '[[sources]]\nsource_id = "folder"\nkind = "files"\npaths = ["/usr"]',
      lines: {
        forge: [line.disk(4_711, 90), line.disk(4_712, 80), line.crash('billing', 70)],
        api: [...range(20).map((n) => line.served(n, 100 - n)), line.slow(8_412, 60)],
        bastion: [line.login('root', 50), line.login('eva', 40)],
        // A program whose lines have no time.
        plain: range(8).map((n) => `request ${n} answered with the usual page`),
      },
    });
  });
  afterAll(() => stack?.remove());

  const told = (count: bigint | undefined) => (count ?? 0n).toLocaleString('en');

  it('shows the figures that the API has', async () => {
    const page = await open(stack, '/');
    const { stats } = stack.api;
    const summary = await stats.getStatsSummary({});
    expect(summary.detections?.openCount).toBeGreaterThan(4n);
    await expect.poll(() => figure(page, 'Entries')).toBe(`${told(summary.entryCount)}lines`);
    await expect.poll(() => figure(page, 'Waiting for a score')).toBe('0');
    await part(page, 'Waiting for a score').getByText('Everything is scored').waitFor();
    await expect.poll(() => figure(page, 'Open detections')).toBe(told(summary.detections?.openCount));
    for (const [severity, word] of [
      [Severity.CRITICAL, 'critical'],
      [Severity.ERROR, 'error'],
      [Severity.WARN, 'warn'],
    ] as const) {
      const count = summary.severities.find((of) => of.severity === severity)?.detections?.openCount;
      expect(count, word).toBeGreaterThan(0n);
      await part(page, 'Open detections')
        .getByRole('link', { name: `${count} ${word}` })
        .waitFor();
    }
    // Rates are over minutes, so that both are asked at almost the same time.
    const sum = async () =>
      (await stats.listSources({})).sources.reduce((all, { linesPerSecond: one }) => all + one, 0);
    await expect
      .poll(async () => Math.abs(Number.parseFloat(await figure(page, 'Lines per second')) - (await sum())))
      .toBeLessThan(0.1);
  });

  it('leads from a severity to its alerts', async () => {
    const page = await open(stack, '/');
    await part(page, 'Open detections').getByRole('link', { name: 'critical' }).click();
    await expect.poll(() => page.url()).toBe(`${stack.url}/alerts?severity=CRITICAL`);
    await messages(page, 'billing.service').waitFor();
    expect(await messages(page, 'Failed password').count()).toBe(0);
  });

  it('shows lines as they are written, also many at once', async () => {
    const page = await open(stack, '/');
    const entries = async (on: Page) => Number((await figure(on, 'Entries')).replace(/\D/g, ''));
    await expect.poll(() => entries(page)).toBeGreaterThan(0);
    const before = await entries(page);
    stack.write('forge', line.crash('payroll'));
    await criticals(page, 'payroll.service').waitFor();
    await expect.poll(() => entries(page)).toBe(before + 1);

    // More than is scored in a moment: the backlog is there, with its age, and goes away.
    const words = 'amber birch cedar delta ember fjord grove heron inlet jetty'.split(' ');
    const pick = (n: number, place: number) => words[Math.floor(n / 10 ** place) % 10];
    const many = range(2_000).map((n) =>
      n % 40 === 0
        ? line.disk(n)
        : `${stamp()} api INFO ${pick(n, 0)} ${pick(n, 1)} ${pick(n, 2)} ${pick(n, 3)} is done`,
    );
    // They are written when the page asks, and its next question waits until what it shows has been seen.
    let release = () => {};
    const seen = new Promise<void>((done) => (release = done));
    let isAsked = false;
    const later = await open(stack, '/', {
      before: (on) =>
        on.route(/\/GetStatsSummary$/, async (route) => {
          if (isAsked) return seen.then(() => route.continue());
          isAsked = true;
          stack.write('api', many);
          let response = await route.fetch();
          while (summaryIn(await response.body()).unscoredEntryCount === 0n) response = await route.fetch();
          return route.fulfill({ response });
        }),
    });
    const waiting = part(later, 'Waiting for a score');
    await waiting.getByText(/^oldest \d+ s/).waitFor();
    expect(await figure(later, 'Waiting for a score')).not.toBe('0');
    release();
    await stack.settled();
    await waiting.getByText('Everything is scored').waitFor();
    for (const each of [page, later]) await expect.poll(() => entries(each)).toBe(before + 2_001);
  });

  it('names sources that cannot be read or whose lines have no time, and leads to their lines', async () => {
    const page = await open(stack, '/');
    const sources = part(page, 'Sources');
    const row = sources.getByRole('row', { name: /plain/ });
    await row.getByText('Undated', { exact: true }).waitFor();
    expect(await row.getByText('Undated', { exact: true }).getAttribute('title')).toContain('100% of the lines');
    // So is one that cannot be read, and why.
    await sources
      .getByRole('row', { name: /^folder/ })
      .getByText('Fault', { exact: true })
      .waitFor();
    await sources.getByText('/usr is a directory; name its files or a glob').waitFor();
    await sources.getByText(/^[2-4] of 5 sources need a look$/).waitFor();
    const forge = (await stack.api.stats.listSources({})).sources.find(({ sourceId }) => sourceId === 'forge');
    const cells = sources.getByRole('row', { name: /^forge/ }).getByRole('cell');
    await expect.poll(() => cells.nth(1).textContent()).toBe(forge?.entryCount.toString());
    await row.getByRole('link', { name: 'plain' }).click();
    await expect.poll(() => page.url()).toBe(`${stack.url}/search?source=plain`);
    await page.getByText('answered with the usual page').first().waitFor();
  });

  it('keeps still while one reads, and says what is new', async () => {
    const page = await open(stack, '/');
    await opened(page, 'billing.service');
    const before = await criticals(page).allTextContents();
    stack.write('forge', line.crash('ledger'));
    await part(page, 'Recent criticals').getByRole('button', { name: '1 new' }).waitFor();
    expect((await criticals(page).allTextContents()).length).toBe(before.length);
    expect(await criticals(page, 'ledger.service').count()).toBe(0);
    await part(page, 'Recent criticals').getByRole('button', { name: '1 new' }).click();
    await criticals(page, 'ledger.service').waitFor();
    // What was open still is.
    await criticals(page, 'billing.service').getByRole('region', { name: 'Explanation' }).waitFor();
  });

  it('says of each part that cannot be read why, and reads it again', async () => {
    let isBroken = true;
    const page = await open(stack, '/', {
      // It reads again when it is asked to or something was detected, and not as time goes by.
      now: Date.now(),
      // What a database that is locked makes of an answer cannot be had from a sound one.
      before: async (on) => {
        await on.route(/\/(?:GetTimeline|ListSources|GetStatsSummary|ListDetections)$/, (route) =>
          isBroken
            ? route.fulfill({
                headers: {
                  'content-type': 'application/grpc-web+proto',
                  'grpc-status': '13',
                  'grpc-message': 'the database file is damaged',
                },
              })
            : route.continue(),
        );
      },
    });
    const titles = ['counts', 'timeline', 'detections', 'sources', 'labels'];
    for (const what of titles) await page.getByText(`The ${what} could not be read.`).waitFor();
    await expect.poll(() => page.getByText('the database file is damaged').count()).toBe(titles.length);
    await expectAccessible(page);
    isBroken = false;
    // Two of the parts are read together, so that there may be fewer buttons than parts.
    const again = page.getByRole('button', { name: 'Try again' });
    for (let left = await again.count(); left > 0; left = await again.count()) {
      await again.first().click();
      await expect.poll(() => again.count()).toBeLessThan(left);
    }
    await criticals(page, 'billing.service').waitFor();
    await chart(page);
    await part(page, 'Sources').getByText('bastion').first().waitFor();
    await expect.poll(() => page.getByText('could not be read').count()).toBe(0);

    // What is shown stays when it cannot be read again, and says that it is old.
    isBroken = true;
    stack.write('forge', line.crash('invoice'));
    await part(page, 'Timeline').getByRole('button', { name: 'Not up to date, try again' }).waitFor();
    await criticals(page, 'billing.service').waitFor();
    isBroken = false;
    await part(page, 'Recent criticals').getByRole('button', { name: 'Not up to date, try again' }).click();
    await criticals(page, 'invoice.service').waitFor();
  });

  for (const scheme of ['light', 'dark'] as const)
    it(`has nothing that axe finds, in ${scheme}`, async () => {
      const page = await open(stack, '/', { scheme });
      await chart(page);
      await expectAccessible(page);
      const explanation = await opened(page, 'billing.service');
      await explanation.getByText('Made without a model').waitFor();
      await expectAccessible(page);
      await explanation
        .getByRole('button', { name: /^L\d+$/ })
        .first()
        .click();
      await expectAccessible(page);
      await page.getByRole('button', { name: 'Table' }).click();
      await expectAccessible(page);
    });

  it('fits 360 px', async () => {
    const page = await open(stack, '/', { viewport: { width: 360, height: 740 } });
    await chart(page);
    await opened(page, 'billing.service');
    await part(page, 'Sources').getByText('bastion').first().waitFor();
    await expectNoSideways(page);
    // Only what is below the header scrolls, however long it is.
    expect(await page.evaluate(() => document.documentElement.scrollHeight - innerHeight)).toBe(0);
    await expectAccessible(page);
  });

  for (const width of [360, 820, 1_210, 1_440])
    it(`does not jump while it comes, at ${width} px`, async () => {
      const page = await open(stack, '/', {
        viewport: { width, height: 800 },
        // So slowly that the skeletons are seen.
        before: async (on) => {
          let seen: Promise<void> | undefined;
          await on.route(/turnstone\.v1\./, async (route) => {
            await (seen ??= on.locator('.loading-shimmer').first().waitFor());
            await route.continue();
          });
        },
      });
      await chart(page);
      await criticals(page).first().waitFor();
      await part(page, 'Sources').getByText('bastion').first().waitFor();
      await part(page, 'Open detections').getByRole('link', { name: 'warn' }).waitFor();
      const { cls, shifts } = await observedOf(page);
      expect(cls, shifts.join('\n')).toBeLessThan(0.001);
    });

  it('keeps still for those who want it so', async () => {
    let release = () => {};
    const held = new Promise<void>((done) => (release = done));
    const page = await open(stack, '/', {
      reducedMotion: true,
      before: async (on) => {
        await on.route(/turnstone\.v1\./, (route) => held.then(() => route.continue()));
      },
    });
    await page.locator('.loading-shimmer').first().waitFor();
    expect(await page.getByText(/loading/i).count()).toBe(0);
    const running = () =>
      page.evaluate(() => document.getAnimations().filter(({ playState }) => playState === 'running').length);
    await expect.poll(running).toBe(0);
    release();
    const explanation = await opened(page, 'billing.service');
    await explanation
      .getByRole('button', { name: /^L\d+$/ })
      .first()
      .click();
    await expect.poll(running).toBe(0);
  });
});

describe('on a stack with a past', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack({ lines: { gateway: range(900).map((n) => line.served(n, 60)), api: [line.served(7)] } });
    await stack.stop();
    // As if the gateway's lines had come in the second hour before this one, and nothing since. So many that they are as much as Silent
    // needs also where the hour ends before they are looked at, which makes it the third: 900 in three hours are 25 in five minutes.
    const hours = "strftime('%Y-%m-%dT%H:%M:%S.000000Z', bucket_start, '-2 hours')";
    changeStored(
      stack,
      `UPDATE entry_counts SET bucket_start = ${hours} WHERE source_id = 'gateway' AND bucket_seconds > 0`,
    );
    await stack.start();
  });
  afterAll(() => stack?.remove());

  it('names a source that went silent', async () => {
    const page = await open(stack, '/');
    const row = part(page, 'Sources').getByRole('row', { name: /^gateway/ });
    await row.getByText('Silent', { exact: true }).waitFor();
    expect(await row.getByText('Silent', { exact: true }).getAttribute('title')).toMatch(
      /^Nothing comes, usually [\d.]+ lines\/s/,
    );
    await row.getByRole('img', { name: /^usually [\d.]+/ }).waitFor();
    await part(page, 'Sources').getByText('1 of 2 sources needs a look').waitFor();
    // It is above the one that does well.
    expect(await part(page, 'Sources').getByRole('rowheader').allTextContents()).toEqual(
      ['gateway', 'api'].map((id) => expect.stringContaining(id)),
    );
  });

  it('says that no critical is open, and where to go', async () => {
    const page = await open(stack, '/');
    await page.getByText('No open critical detections').waitFor();
    await page.getByText('Nothing was detected yet').waitFor();
    await part(page, 'Recent criticals').getByRole('link', { name: 'See all alerts' }).click();
    await expect.poll(() => page.url()).toBe(`${stack.url}/alerts`);
  });
});

describe('on an empty stack', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack();
  });
  afterAll(() => stack?.remove());

  for (const scheme of ['light', 'dark'] as const)
    it(`says how to begin, in ${scheme}`, async () => {
      const page = await open(stack, '/', { scheme });
      await page.getByText('No lines yet').waitFor();
      await page.getByText('source_id = "auth"').waitFor();
      await expect.poll(() => figure(page, 'Entries')).toBe('0lines');
      await expectAccessible(page);
    });
});
