// For work on the pages: with TURNSTONE_TEST_PAGES=built the browser gets them from dist, as `tools/ui.sh build` wrote it, with the
// headers of the program under test, which then need not be built anew for each change. `make test` tests what is in the program.
import { existsSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import type { BrowserContext } from 'playwright-core';
import type { Stack } from './stack';

const DIST = new URL('../../../dist', import.meta.url).pathname;
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};

export async function serveBuiltPages(context: BrowserContext, stack: Stack): Promise<void> {
  if (process.env['TURNSTONE_TEST_PAGES'] !== 'built') return;
  const policy = (await fetch(stack.url)).headers.get('content-security-policy') ?? '';
  const isPage = (path: string) => /^\/(?:alerts|diagnose|search|sign-in)?$/.test(path);
  const isAsset = (path: string) => /^\/(?:assets\/|favicon)/.test(path);
  const isOurs = (url: URL) => url.origin === stack.url && (isPage(url.pathname) || isAsset(url.pathname));
  await context.route(isOurs, async (route) => {
    const path = new URL(route.request().url()).pathname;
    const file = join(DIST, isPage(path) ? 'index.html' : path);
    // A server that is away serves no pages either.
    const isThere = await fetch(`${stack.url}/healthz`).then(
      () => true,
      () => false,
    );
    if (!isThere) return route.abort('connectionrefused');
    if (!existsSync(file)) return route.fulfill({ status: 404 });
    await route.fulfill({
      body: readFileSync(file),
      headers: { 'content-type': TYPES[extname(file)] ?? 'text/plain', 'content-security-policy': policy },
    });
  });
}
