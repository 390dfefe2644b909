import { Code, ConnectError } from '@connectrpc/connect';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CALL_TIME_MAX_MS, detections, stats } from './clients';
import { connection } from './connection.svelte';
import { problemOf } from './problem';
import { retrying } from './retry';

/** A server that takes every call and answers none; whether it answers the probe is another question. */
function hangs(answersProbe: boolean) {
  return vi.fn((input: RequestInfo | URL, init?: RequestInit) => {
    if (input === '/healthz') return answersProbe ? Promise.resolve(new Response()) : Promise.reject(new TypeError());
    return new Promise<Response>((_resolve, reject) => {
      init?.signal?.addEventListener('abort', () => reject(init.signal?.reason as Error));
    });
  });
}

describe('a call that nobody answers', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => {
    connection.reached();
    vi.unstubAllGlobals();
    vi.useRealTimers();
  });

  it('is given up after a while, and told as that', async () => {
    const fetched = hangs(true);
    vi.stubGlobal('fetch', fetched);
    let error: unknown;
    retrying(() => stats.getStatsSummary({})).catch((found: unknown) => (error = found));
    await vi.advanceTimersByTimeAsync(CALL_TIME_MAX_MS - 100);
    expect(error).toBeUndefined();
    await vi.advanceTimersByTimeAsync(200);
    expect(error).toBeInstanceOf(ConnectError);
    expect(problemOf(error)).toEqual({
      reason: 'The server did not answer in time. It may be busy, or have done it all the same.',
      code: Code.DeadlineExceeded,
      retryable: true,
      offline: false,
    });
    // The server is there: it was asked, and the call was not sent again.
    await vi.advanceTimersByTimeAsync(10_000);
    expect(connection.online).toBe(true);
    expect(fetched.mock.calls.map(([input]) => input)).toEqual([
      'http://localhost/turnstone.v1.StatsService/GetStatsSummary',
      '/healthz',
    ]);
  });

  it('is a lost connection where nothing else is answered either', async () => {
    vi.stubGlobal('fetch', hangs(false));
    const call = expect(stats.getStatsSummary({})).rejects.toThrow();
    await vi.advanceTimersByTimeAsync(CALL_TIME_MAX_MS + 100);
    await call;
    expect(connection.online).toBe(false);
  });

  it('may take as long as it likes where it is a stream', async () => {
    vi.stubGlobal('fetch', hangs(true));
    const stop = new AbortController();
    let ended = false;
    const watch = (async () => {
      for await (const event of detections.watchDetections({}, { signal: stop.signal })) void event;
    })()
      .catch(() => {})
      .finally(() => (ended = true));
    await vi.advanceTimersByTimeAsync(10 * CALL_TIME_MAX_MS);
    expect(ended).toBe(false);
    stop.abort();
    await watch;
  });
});
