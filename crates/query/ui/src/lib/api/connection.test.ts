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

  it('is lost where a doubt proves right, and only there', async () => {
    let isUp = true;
    let probes = 0;
    const connection = new Connection(() => {
      probes += 1;
      return Promise.resolve(isUp);
    });
    await connection.doubt();
    expect([connection.online, connection.generation, probes]).toEqual([true, 0, 1]);
    isUp = false;
    await connection.doubt();
    expect([connection.online, connection.retryAt !== undefined, probes]).toEqual([false, true, 2]);
    // Lost already: the tries go on as they are.
    await connection.doubt();
    expect(probes).toBe(2);
    isUp = true;
    await vi.advanceTimersByTimeAsync(2_000);
    expect([connection.online, connection.generation]).toEqual([true, 1]);
  });

  it('goes on being tried where it is lost during a doubt', async () => {
    const answers: ((answer: boolean) => void)[] = [];
    const connection = new Connection(() => new Promise((resolve) => answers.push(resolve)));
    const doubt = connection.doubt();
    connection.lost();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(answers).toHaveLength(1);
    answers[0]!(false);
    await doubt;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(answers.length).toBeGreaterThan(1);
  });

  it('can be tried at once', async () => {
    const connection = new Connection(() => Promise.resolve(true));
    connection.lost();
    await connection.retryNow();
    expect(connection.online).toBe(true);
  });
});
