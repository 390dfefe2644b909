// How long to wait before trying again, and the wait itself.

export interface Backoff {
  firstMs: number;
  mostMs: number;
}

/** The wait before try `attempt` (0 is the first repeat): doubles up to the most, less up to a fifth so that many do not come at once. */
export function waitMs(attempt: number, { firstMs, mostMs }: Backoff, random: () => number = Math.random): number {
  const full = Math.min(mostMs, firstMs * 2 ** Math.min(attempt, 20));
  return Math.round(full * (1 - 0.2 * random()));
}

/** Ends after the time, or rejects at once when the signal does. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal?.addEventListener('abort', stop, { once: true });
  });
}
