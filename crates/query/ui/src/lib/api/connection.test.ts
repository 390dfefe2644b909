import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { waitMs } from './backoff';
import { Connection } from './connection.svelte';

describe('waits', () => {
  it('double up to the most', () => {
    const waits = [0, 1, 2, 3, 40].map((attempt) => waitMs(attempt, { firstMs: 100, mostMs: 500 }, () => 0));
    expect(waits).toEqual([100, 200, 400, 500, 500]);
    expect(waitMs(0, { firstMs: 100, mostMs: 500 }, () => 1)).toBe(80);
  });
});

describe('the connection', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('is tried with growing pauses until it is back, and tells once', async () => {
    let probes = 0;
    let isUp = false;
    const connection = new Connection(() => {
      probes += 1;
      return Promise.resolve(isUp);
    });
    connection.lost();
    connection.lost();
    expect([connection.online, connection.retryAt !== undefined]).toEqual([false, true]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(probes).toBeGreaterThan(3);
    expect(probes).toBeLessThan(10);
    isUp = true;
    await vi.advanceTimersByTimeAsync(30_000);
    expect([connection.online, connection.generation, connection.retryAt]).toEqual([true, 1, undefined]);
    const before = probes;
    connection.reached();
    await vi.advanceTimersByTimeAsync(60_000);
    expect([probes, connection.generation]).toEqual([before, 1]);
  });

  it('can be tried at once', async () => {
    const connection = new Connection(() => Promise.resolve(true));
    connection.lost();
    await connection.retryNow();
    expect(connection.online).toBe(true);
  });
});
