// Lets a few at a time: a browser opens six connections to a server, and each stream holds one of them for as long as a model writes.

export class Turns {
  #free: number;
  readonly #queue: (() => void)[] = [];

  constructor(atOnce: number) {
    this.#free = atOnce;
  }

  /** Waits for a turn, first come, first served; answers what ends it. Rejects where `signal` is aborted first. */
  async take(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    if (this.#free > 0) this.#free -= 1;
    else {
      await new Promise<void>((resolve, reject) => {
        this.#queue.push(resolve);
        signal.addEventListener('abort', () => {
          const place = this.#queue.indexOf(resolve);
          if (place < 0) return;
          this.#queue.splice(place, 1);
          reject(signal.reason);
        });
      });
    }
    return () => {
      const next = this.#queue.shift();
      if (next) next();
      else this.#free += 1;
    };
  }
}
