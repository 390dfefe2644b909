// Whether the server can be reached. While it cannot, asks with growing pauses; what reads it starts again when it is back.
import { waitMs } from './backoff';

const BACKOFF = { firstMs: 1_000, mostMs: 30_000 };
const PROBE_TIME_MAX_MS = 5_000;

export class Connection {
  online = $state(true);
  /** When it will be tried again, in milliseconds since 1970; undefined while online or while trying. */
  retryAt = $state<number | undefined>();
  /** Rises each time the server is back: whoever shows something reads it again. */
  generation = $state(0);

  #attempt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #probing = false;
  readonly #probe: () => Promise<boolean>;

  constructor(probe: () => Promise<boolean>) {
    this.#probe = probe;
  }

  /** Something could not reach the server, or its answer broke off. */
  lost(): void {
    if (!this.online) return;
    this.online = false;
    this.#attempt = 0;
    this.#schedule();
  }

  /** Something has reached the server. */
  reached(): void {
    clearTimeout(this.#timer);
    this.retryAt = undefined;
    if (this.online) return;
    this.online = true;
    this.generation += 1;
  }

  async retryNow(): Promise<void> {
    if (this.online || this.#probing) return;
    clearTimeout(this.#timer);
    this.retryAt = undefined;
    await this.#ask();
  }

  /** Something had no answer in time, which may be a busy server or none. */
  async doubt(): Promise<void> {
    if (this.online && !this.#probing) await this.#ask();
  }

  async #ask(): Promise<void> {
    const wasOnline = this.online;
    this.#probing = true;
    const answered = await this.#probe();
    this.#probing = false;
    if (answered) this.reached();
    else if (!this.online) this.#schedule();
    else if (wasOnline) this.lost();
  }

  #schedule(): void {
    const wait = waitMs(this.#attempt, BACKOFF);
    this.#attempt += 1;
    this.retryAt = Date.now() + wait;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.retryNow(), wait);
  }
}

async function answersProbe(): Promise<boolean> {
  try {
    const answer = await fetch('/healthz', { cache: 'no-store', signal: AbortSignal.timeout(PROBE_TIME_MAX_MS) });
    return answer.ok;
  } catch {
    return false;
  }
}

export const connection = new Connection(answersProbe);

if (typeof window !== 'undefined') {
  window.addEventListener('online', () => void connection.retryNow());
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') void connection.retryNow();
  });
}
