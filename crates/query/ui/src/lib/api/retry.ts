// Repeats reads that failed for a passing reason. Never used for what changes something.
import { Code } from '@connectrpc/connect';
import { pause, waitMs } from './backoff';
import { isAbort, problemOf } from './problem';

const BACKOFF = { firstMs: 300, mostMs: 3_000 };
const REPEATS_MAX = 2;

/** Runs `read`, again up to twice where the server was overloaded or unavailable but did answer; an unreachable server is the
 * connection's to wait for. */
export async function retrying<T>(read: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await read();
    } catch (error) {
      if (isAbort(error)) throw error;
      const problem = problemOf(error);
      if (!problem.retryable || problem.offline || attempt >= REPEATS_MAX) throw error;
      // Somebody has waited for that long already.
      if (problem.code === Code.DeadlineExceeded) throw error;
      await pause(waitMs(attempt, BACKOFF), signal);
    }
  }
}
