// Where the server asks for a token: signing in, what is kept of it and where, and being asked again in the middle.
import type { Page, Request } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { button, line, messages } from './alerts';
import { allow, expectAccessible, expectNoSideways, open, startStack, TOKEN, type Stack } from './harness';

/** What browsers say of an answer that refuses. */
const REFUSED = /status of 401/;
let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ auth: true, lines: { bastion: [line.login('root'), line.login('eva')] } });
});
afterAll(() => stack?.remove());

async function signIn(page: Page, token: string): Promise<void> {
  await page.getByLabel('API token').fill(token);
  await button(page, 'Sign in').click();
}

describe('signing in', () => {
  it('is asked for, says when the token is wrong, and leads back to where one wanted to go', async () => {
    const calls: Request[] = [];
    const page = await open(stack, '/alerts?source=bastion&q=eva', {
      before: async (opened) => {
        opened.on('request', (request) => {
          if (request.url().includes('/turnstone.v1.')) calls.push(request);
        });
      },
    });
    allow(page, REFUSED);
    await page.getByRole('heading', { name: 'Sign in to Turnstone' }).waitFor();
    expect(await page.getByText('Failed password').count()).toBe(0);
    expect(new URL(page.url()).pathname).toBe('/sign-in');

    for (const wrong of ['not-the-token', 'не тот \u202etoken']) {
      await signIn(page, wrong);
      await page.getByRole('alert').getByText('This is not the API token of this server.').waitFor();
      expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
    }
    await expectAccessible(page);

    calls.length = 0;
    await signIn(page, TOKEN);
    await messages(page, 'for eva').waitFor();
    expect(new URL(page.url()).pathname + new URL(page.url()).search).toBe('/alerts?source=bastion&q=eva');
    await expect.poll(() => calls.length).toBeGreaterThan(2);
    for (const call of calls) expect(await call.headerValue('authorization')).toBe(`Bearer ${TOKEN}`);
  });

  it('is kept for the tab alone', async () => {
    const page = await open(stack, '/sign-in');
    allow(page, REFUSED);
    await signIn(page, TOKEN);
    await page.getByRole('heading', { name: 'Dashboard', level: 1 }).waitFor();
    await page.goto(`${stack.url}/alerts`);
    await messages(page, 'for root').waitFor();
    const kept = await page.evaluate(async () => ({
      tab: Object.values(sessionStorage).filter((value) => value !== ''),
      local: localStorage.length,
      cookies: document.cookie,
      databases: (await indexedDB.databases()).length,
      caches: (await caches.keys()).length,
      address: location.href,
    }));
    expect(kept).toEqual({ tab: [TOKEN], local: 0, cookies: '', databases: 0, caches: 0, address: page.url() });
    expect(page.url()).not.toContain(TOKEN);
    expect(await page.context().cookies()).toEqual([]);

    const other = await page.context().newPage();
    await other.goto(`${stack.url}/alerts`);
    await other.getByRole('heading', { name: 'Sign in to Turnstone' }).waitFor();
  });

  it('ends when one signs out', async () => {
    const page = await open(stack, '/alerts', { token: TOKEN });
    allow(page, REFUSED);
    await messages(page, 'for root').waitFor();
    await button(page, 'Sign out').click();
    await page.getByRole('heading', { name: 'Sign in to Turnstone' }).waitFor();
    expect(await page.evaluate(() => sessionStorage.getItem('turnstone.token'))).toBe(null);
    expect(await page.getByText('Failed password').count()).toBe(0);
    await page.goto(`${stack.url}/alerts`);
    await page.getByRole('heading', { name: 'Sign in to Turnstone' }).waitFor();
  });

  it('comes again in the middle when the token no longer holds, and leads back to the page', async () => {
    const page = await open(stack, '/alerts?source=bastion', { token: TOKEN });
    await messages(page, 'for root').waitFor();
    allow(page, REFUSED);
    // As if the token had been changed on the server: what the browser sends is not it any more.
    await page.route('**/turnstone.v1.**', (route) =>
      route.continue({ headers: { ...route.request().headers(), authorization: 'Bearer of-yesterday-and-too-old' } }),
    );
    await button(messages(page, 'for root'), 'Acknowledge').click();
    await page.getByRole('heading', { name: 'Sign in to Turnstone' }).waitFor();
    await page.unroute('**/turnstone.v1.**');
    await signIn(page, TOKEN);
    await messages(page, 'for root').waitFor();
    expect(new URL(page.url()).pathname + new URL(page.url()).search).toBe('/alerts?source=bastion');
    const { detections } = await stack.api.detections.listDetections({});
    expect(detections.some(({ acknowledged }) => acknowledged)).toBe(false);
  });

  it('does not lead to another server', async () => {
    const page = await open(stack, `/sign-in?next=${encodeURIComponent('//attacker.invalid/alerts')}`);
    await signIn(page, TOKEN);
    await page.getByRole('heading', { name: 'Dashboard', level: 1 }).waitFor();
    expect(new URL(page.url()).origin).toBe(stack.url);
  });

  for (const scheme of ['light', 'dark'] as const)
    it(`is accessible and fits a phone, ${scheme}`, async () => {
      const page = await open(stack, '/sign-in', { scheme, viewport: { width: 360, height: 700 } });
      await page.getByRole('heading', { name: 'Sign in to Turnstone' }).waitFor();
      await expectAccessible(page);
      await expectNoSideways(page);
    });
});

it('a tenant that no server could have is refused in words', async () => {
  const page = await open(stack, '/alerts?tenant=%E2%80%AEacme', { token: TOKEN });
  await page.getByText('There is no such tenant.').waitFor();
  await page.getByRole('banner').getByText('Connected').waitFor();
  await page.getByRole('banner').getByText('‹U+202E›acme').waitFor();
});
