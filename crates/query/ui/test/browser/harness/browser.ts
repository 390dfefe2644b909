// Pages in a real browser. Whatever a person would not see but a developer would regret fails the test: errors on the console, breaches
// of the content policy, dialogs, requests that go elsewhere.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { chromium, type Browser, type BrowserContext, type Page, type Request } from 'playwright-core';
import { afterAll, inject, onTestFinished } from 'vitest';
import { serveBuiltPages } from './built-pages';
import type { Stack } from './stack';

export interface OpenOptions {
  scheme?: 'light' | 'dark';
  viewport?: { width: number; height: number };
  reducedMotion?: boolean;
  /** Kept in the tab's session, as after signing in. */
  token?: string;
  timezone?: string;
  /** What the page takes for the present, in milliseconds since 1970. It stands still then, so that nothing is read again as time goes by. */
  now?: number;
  /** Called before the page is opened, for routes and scripts. */
  before?: (page: Page) => Promise<unknown>;
}

interface Watched {
  problems: string[];
  allowed: RegExp[];
}

/** Pictures of pages whose test failed. */
const FAILED = new URL('../../../test/.failed/', import.meta.url).pathname;

/** How many times slower than it is the processor shall be for pages, to see what a busy machine breaks. */
const SLOWDOWN = Number(process.env['TURNSTONE_TEST_SLOWDOWN'] ?? 1);
/** For what a person would wait for: enough for a machine that is several times slower, or has more to do. */
const WAIT_MS = 30_000;

const watchedOf = new WeakMap<Page, Watched>();
let browser: Promise<Browser> | undefined;

const launch = () =>
  chromium.launch({
    executablePath: inject('browserProgram'),
    // Chromium's sandbox does not work for root, and not in most containers. What is shown here is ours.
    chromiumSandbox: false,
    args: ['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
  });

/** The browser of this file, started when the first page is opened. Now and then Chromium ends while it starts: that says nothing of the
 * pages, so it is started once more. */
async function started(): Promise<Browser> {
  browser ??= launch().catch((error: unknown) => {
    process.stderr.write(`the browser did not start, tried once more: ${String(error)}\n`);
    return launch();
  });
  try {
    return await browser;
  } catch (error) {
    browser = undefined;
    throw error;
  }
}
afterAll(async () => {
  await (await browser)?.close();
  browser = undefined;
});

/** Opens a page of a stack, for the running test; it is closed when the test ends, and fails it where something went wrong in it. */
export async function open(stack: Stack, path: string, options: OpenOptions = {}): Promise<Page> {
  const context = await (
    await started()
  ).newContext({
    viewport: options.viewport ?? { width: 1_280, height: 800 },
    colorScheme: options.scheme ?? 'light',
    reducedMotion: options.reducedMotion ? 'reduce' : 'no-preference',
    timezoneId: options.timezone ?? 'UTC',
    locale: 'en-GB',
  });
  await context.addInitScript(observe);
  if (options.now !== undefined) await context.addInitScript(holdTime, options.now);
  if (options.token !== undefined) {
    await context.addInitScript((token) => {
      // Once: signing out must not be taken back by the next page.
      if (window.name === '') sessionStorage.setItem('turnstone.token', token);
      window.name = 'signed in';
    }, options.token);
  }
  await serveBuiltPages(context, stack);
  const page = await context.newPage();
  page.setDefaultTimeout(WAIT_MS);
  if (SLOWDOWN > 1) {
    const session = await context.newCDPSession(page);
    await session.send('Emulation.setCPUThrottlingRate', { rate: SLOWDOWN });
  }
  const watched = watch(page, stack);
  end(page, context, watched, stack);
  await options.before?.(page);
  await page.goto(stack.url + path);
  return page;
}

function watch(page: Page, stack: Stack): Watched {
  const watched: Watched = { problems: [], allowed: [] };
  watchedOf.set(page, watched);
  page.on('console', (message) => {
    const type = message.type();
    if (type === 'error' || type === 'warning') watched.problems.push(`console ${type}: ${message.text()}`);
  });
  page.on('pageerror', (error) => watched.problems.push(`page error: ${error.stack ?? error.message}`));
  page.on('dialog', (dialog) => {
    watched.problems.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('popup', (popup) => watched.problems.push(`window: ${popup.url()}`));
  page.on('download', (download) => watched.problems.push(`download: ${download.url()}`));
  page.on('request', (request: Request) => {
    const url = new URL(request.url());
    if (url.origin !== stack.url && url.protocol !== 'data:') watched.problems.push(`request: ${request.url()}`);
  });
  return watched;
}

function end(page: Page, context: BrowserContext, watched: Watched, stack: Stack): void {
  onTestFinished(async ({ task }) => {
    const unexpected = watched.problems.filter((problem) => !watched.allowed.some((allowed) => allowed.test(problem)));
    if (task.result?.state === 'fail' || unexpected.length > 0) {
      mkdirSync(FAILED, { recursive: true });
      const picture = join(FAILED, `${task.name.replace(/\W+/g, '-').slice(0, 80)}.png`);
      await page.screenshot({ path: picture }).catch(() => {});
      process.stderr.write(`${stack.log}\n--- picture of ${page.url()}: ${picture}\n`);
    }
    // Calls that a route still holds end with the page: that is no error of the test.
    for (const opened of context.pages()) await opened.unrouteAll({ behavior: 'ignoreErrors' });
    await context.unrouteAll({ behavior: 'ignoreErrors' });
    await context.close();
    if (unexpected.length > 0) throw new Error(`the page had problems:\n${unexpected.join('\n')}`);
  });
}

/** Problems of a page that belong to the test, such as a server that is stopped on purpose. */
export function allow(page: Page, ...patterns: RegExp[]): void {
  watchedOf.get(page)?.allowed.push(...patterns);
}

/** What the browser says when a server goes away. */
export const SERVER_GONE = /Failed to load resource: (net::ERR_|the server responded with a status of 50)/;

/** Runs in the page, before its own scripts. Timers go on. */
function holdTime(now: number): void {
  window.Date = new Proxy(Date, {
    construct: (Real, given: [] | [number]) => (given.length === 0 ? new Real(now) : new Real(...given)),
    get: (Real, name) => (name === 'now' ? () => now : (Reflect.get(Real, name) as unknown)),
  });
}

/** Stops the time of a page, a minute ahead: whatever it is now, that is not over yet. To be installed (`page.clock`) before the page is
 * opened, and moved by the test from then on. */
export async function stopClock(page: Page): Promise<void> {
  await page.clock.pauseAt((await page.evaluate(() => Date.now())) + 60_000);
}

// ---- what the page measures itself

export interface Observed {
  /** Sum of layout shifts that nobody caused by a key or click, as browsers count them. */
  cls: number;
  /** What moved, for a message. */
  shifts: string[];
  /** Milliseconds of each task over 50 ms. */
  longTasks: number[];
  firstPaintMs: number;
}

/** Runs in the page, before its own scripts. */
function observe(): void {
  const observed: Observed = { cls: 0, shifts: [], longTasks: [], firstPaintMs: 0 };
  Object.assign(window, { observed });
  interface Shift extends PerformanceEntry {
    value: number;
    hadRecentInput: boolean;
    sources: { node?: Node; previousRect: DOMRectReadOnly; currentRect: DOMRectReadOnly }[];
  }
  const name = (node?: Node) =>
    node instanceof Element ? `${node.localName}.${node.className}` : String(node?.nodeName);
  new PerformanceObserver((list) => {
    for (const shift of list.getEntries() as Shift[]) {
      if (shift.hadRecentInput) continue;
      observed.cls += shift.value;
      for (const { node, previousRect: from, currentRect: to } of shift.sources)
        observed.shifts.push(
          `${name(node)} ${from.x},${from.y} ${from.width}x${from.height} -> ${to.x},${to.y} ${to.width}x${to.height}`,
        );
    }
  }).observe({ type: 'layout-shift', buffered: true });
  new PerformanceObserver((list) => {
    for (const task of list.getEntries()) observed.longTasks.push(task.duration);
  }).observe({ type: 'longtask', buffered: true });
  new PerformanceObserver((list) => {
    for (const paint of list.getEntries())
      if (paint.name === 'first-contentful-paint') observed.firstPaintMs = paint.startTime;
  }).observe({ type: 'paint', buffered: true });
}

/** What the page has measured since it was loaded. */
export function observedOf(page: Page): Promise<Observed> {
  return page.evaluate(() => (window as unknown as { observed: Observed }).observed);
}
