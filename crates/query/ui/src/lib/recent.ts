// What was used last, up to a number of them: the one that was not used for longest goes first.

export class Recent<Value> {
  readonly #byKey = new Map<string, Value>();
  readonly #most: number;
  readonly #gone: (value: Value) => void;

  /** `gone` hears of what had to go. */
  constructor(most: number, gone: (value: Value) => void = () => {}) {
    this.#most = most;
    this.#gone = gone;
  }

  get(key: string): Value | undefined {
    const value = this.#byKey.get(key);
    if (value !== undefined) this.set(key, value);
    return value;
  }

  set(key: string, value: Value): void {
    this.#byKey.delete(key);
    this.#byKey.set(key, value);
    for (const [oldest, unused] of this.#byKey) {
      if (this.#byKey.size <= this.#most) break;
      this.#byKey.delete(oldest);
      this.#gone(unused);
    }
  }

  delete(key: string): void {
    this.#byKey.delete(key);
  }
}
