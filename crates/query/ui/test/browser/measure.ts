// Figures, not tests: how soon the Dashboard is there on the demo data, and how smoothly 100,000 messages scroll in Security Alerts.
// `tools/ui.sh npm run measure`; TURNSTONE_MEASURE_ROWS sets another number. All lines go through the real pipeline, which takes minutes.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { list, messages, openAlerts } from './alerts';
import { observedOf, open, startStack } from './harness';
import { root } from './harness/programs';

const ROWS = Number(process.env['TURNSTONE_MEASURE_ROWS'] ?? 100_000);
const LOADS = 7;
const MINUTES = 60_000;

const print = (what: string, ...figures: string[]) => console.log(`${what.padEnd(58)} ${figures.join('  ')}`);
const ms = (value: number) => `${value.toFixed(0)} ms`;
const spread = (values: readonly number[]) => {
  const sorted = values.toSorted((a, b) => a - b);
  return `median ${ms(sorted[Math.floor(sorted.length / 2)]!)}, most ${ms(sorted.at(-1)!)}`;
};

interface Filled {
  /** When it had content and its last skeleton went, in milliseconds since it was asked for. */
  at: number;
  /** When the first message was there. */
  messageAt: number;
}

/** Runs in the page. */
function watchSkeletons(): void {
  const found: Filled = { at: 0, messageAt: 0 };
  Object.assign(window, { filled: found });
  let wasThere = true;
  new MutationObserver(() => {
    const isThere =
      document.querySelector('.loading-shimmer, main') === null || !!document.querySelector('.loading-shimmer');
    if (wasThere && !isThere) found.at = performance.now();
    if (found.messageAt === 0 && document.querySelector('.message') !== null) found.messageAt = performance.now();
    wasThere = isThere;
  }).observe(document, { childList: true, subtree: true });
}

const filledOf = (page: Page) => page.evaluate(() => (window as unknown as { filled: Filled }).filled);

it('Dashboard on the demo data', { timeout: 10 * MINUTES }, async () => {
  const folder = join(root, 'examples/logs');
  const names = readdirSync(folder).filter((name) => /\.(?:log|jsonl)$/.test(name));
  const lines = names.map((name) => [name, readFileSync(join(folder, name), 'utf8').trimEnd().split('\n')] as const);
  const stack = await startStack({ sources: Object.fromEntries(names.map((name) => [name, {}])) });
  try {
    for (const [name, some] of lines) stack.write(name, some);
    await stack.settled(2_000, [''], 480);
    const paints: number[] = [];
    const fills: number[] = [];
    const tasks: number[] = [];
    for (let load = 0; load < LOADS; load += 1) {
      const page = await open(stack, '/', { before: (opened) => opened.addInitScript(watchSkeletons) });
      await page.getByRole('heading', { name: 'Recent criticals' }).waitFor();
      await expect.poll(() => page.locator('.loading-shimmer').count()).toBe(0);
      const observed = await observedOf(page);
      paints.push(observed.firstPaintMs);
      fills.push((await filledOf(page)).at);
      tasks.push(Math.max(0, ...observed.longTasks));
      await page.context().close();
    }
    print('Dashboard, first contentful paint', spread(paints));
    print('Dashboard, everything shown and usable', spread(fills));
    print('Dashboard, longest task while loading', spread(tasks));
  } finally {
    await stack.remove();
  }
});

interface Scrolled {
  /** Between one frame and the next, in milliseconds. */
  frames: number[];
  /** What each task of the page took of a processor, which other programs on the machine do not lengthen. */
  tasks: number[];
}

interface TraceEvent {
  name: string;
  ph: string;
  pid: number;
  tid: number;
  /** Microseconds of processor time. */
  tdur?: number;
  args: { name?: string };
}

/** Runs `work` and says how long the tasks of the page's main thread were meanwhile, in milliseconds of processor time. */
async function traced<T>(page: Page, work: () => Promise<T>): Promise<{ result: T; tasks: number[] }> {
  const browser = page.context().browser()!;
  await browser.startTracing(page, { categories: ['toplevel', 'disabled-by-default-devtools.timeline', '__metadata'] });
  const result = await work();
  const trace = JSON.parse((await browser.stopTracing()).toString()) as { traceEvents: TraceEvent[] };
  const mains = new Set(
    trace.traceEvents
      .filter((event) => event.name === 'thread_name' && event.args.name === 'CrRendererMain')
      .map((event) => `${event.pid} ${event.tid}`),
  );
  const tasks = trace.traceEvents
    .filter((event) => /RunTask$/.test(event.name) && event.ph === 'X' && mains.has(`${event.pid} ${event.tid}`))
    .map((event) => (event.tdur ?? 0) / 1_000);
  return { result, tasks };
}

/** Scrolls for so many frames, by so many pixels each, and says how long the frames and tasks were. */
async function scroll(page: Page, frameCount: number, pixels: number): Promise<Scrolled> {
  const scrolling = () =>
    list(page).evaluate(
      async (element, { frameCount, pixels }) => {
        const viewport = element.parentElement!;
        const times: number[] = [];
        const nextFrame = () => new Promise<number>((done) => requestAnimationFrame(done));
        let last = await nextFrame();
        for (let frame = 0; frame < frameCount; frame += 1) {
          viewport.scrollTop += pixels;
          const now = await nextFrame();
          times.push(now - last);
          last = now;
        }
        return times;
      },
      { frameCount, pixels },
    );
  const { result: frames, tasks } = await traced(page, scrolling);
  return { frames, tasks };
}

function report(what: string, { frames, tasks }: Scrolled): void {
  const slow = frames.filter((time) => time > 50).length;
  const sorted = frames.toSorted((a, b) => a - b);
  const share = (part: number) => ms(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0);
  print(
    what,
    `frames ${frames.length}: half ${share(0.5)}, 99% ${share(0.99)}, most ${share(1)}, over 50 ms: ${slow};`,
    `tasks over 50 ms: ${tasks.filter((time) => time > 50).length}, longest ${ms(tasks.reduce((most, time) => Math.max(most, time), 0))}`,
  );
}

const SYLLABLES = [
  'ba',
  'ce',
  'di',
  'fo',
  'gu',
  'ha',
  'je',
  'ki',
  'lo',
  'mu',
  'na',
  'pe',
  'ri',
  'so',
  'tu',
  'va',
  'we',
  'xi',
  'yo',
  'zu',
];
/** Another name for each number, without digits. */
const name = (index: number): string => SYLLABLES[index % 20]! + (index < 20 ? '' : name(Math.floor(index / 20) - 1));

it(`${ROWS} messages in Security Alerts`, { timeout: 40 * MINUTES }, async () => {
  const stack = await startStack({ config: 'ingest.cycle_entries_max = 10000', lines: { bastion: [] } });
  try {
    const begun = Date.now();
    const line = (index: number) =>
      `${new Date(begun + index).toISOString()} bastion sshd[${index}]: Failed password for ${name(index)} from 203.0.113.${index % 250} port 22 ssh2`;
    stack.write(
      'bastion',
      Array.from({ length: ROWS }, (_, index) => line(index)),
    );
    await stack.settled(ROWS, [''], 30 * 60);
    print('filled', `${ROWS} lines in ${((Date.now() - begun) / 1_000).toFixed(0)} s`);

    const page = await openAlerts(stack, '', { before: (opened) => opened.addInitScript(watchSkeletons) });
    const opened = await observedOf(page);
    print('Security Alerts, first contentful paint', ms(opened.firstPaintMs));
    print('Security Alerts, rows shown', ms((await filledOf(page)).messageAt));
    print('Security Alerts, longest task while loading', ms(Math.max(0, ...opened.longTasks)));
    report('scrolling while pages are read', await scroll(page, 600, 120));

    const from = Date.now();
    const reading: Scrolled = { frames: [], tasks: [] };
    while ((await page.getByText('that is all').count()) === 0) {
      expect(Date.now() - from).toBeLessThan(10 * MINUTES);
      const { frames, tasks } = await scroll(page, 60, 100_000);
      for (const time of frames) reading.frames.push(time);
      for (const time of tasks) reading.tasks.push(time);
    }
    report('jumping to the end until all is there', reading);
    print('all rows there after', `${((Date.now() - from) / 1_000).toFixed(0)} s`);
    print('height', `${await list(page).evaluate((element) => element.clientHeight)} px`);

    await list(page).evaluate((element) => (element.parentElement!.scrollTop = 0));
    report('scrolling through all of it, row by row', await scroll(page, 1_200, 57));
    report('scrolling through all of it, screen by screen', await scroll(page, 1_200, 600));
    report('scrolling through all of it, by leaps', await scroll(page, 600, 37_000));
    stack.write(
      'bastion',
      Array.from({ length: 200 }, (_, index) => line(ROWS + index)),
    );
    report('scrolling while 200 come', await scroll(page, 400, 57));
    await page.getByRole('button', { name: /new$/ }).waitFor();
    await page.keyboard.press('j');
    await messages(page).first().waitFor();
    const rendered = await messages(page).count();
    print('rows in the document', String(rendered));
    // Before the server goes, which the page would miss.
    await page.context().close();
  } finally {
    await stack.remove();
  }
});
