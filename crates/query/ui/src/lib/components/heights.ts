// Heights of the rows of a long list: sums up to a row and the row at a position, both in the logarithm of the number of rows
// (a Fenwick tree), so that 100,000 rows of different heights scroll as ten do.

/** Measured heights that are kept for rows that are not in the list any more: they may come back. */
const GONE_MAX = 1_000;

/** Forgets what was measured of rows that are not `present`, once there are many. */
export function forgetGone(known: Map<string, number>, present: ReadonlyMap<string, number>): void {
  if (known.size <= present.size + GONE_MAX) return;
  for (const key of known.keys()) if (!present.has(key)) known.delete(key);
}

export class Heights {
  #tree: Float64Array;
  #own: Float64Array;
  #count: number;

  constructor(heights: ArrayLike<number>) {
    this.#count = heights.length;
    this.#own = Float64Array.from(heights);
    this.#tree = new Float64Array(this.#count + 1);
    for (let index = 1; index <= this.#count; index += 1) {
      this.#tree[index]! += this.#own[index - 1]!;
      const parent = index + (index & -index);
      if (parent <= this.#count) this.#tree[parent]! += this.#tree[index]!;
    }
  }

  get count(): number {
    return this.#count;
  }

  get total(): number {
    return this.offset(this.#count);
  }

  height(index: number): number {
    return this.#own[index] ?? 0;
  }

  /** Changes a height; returns by how much it grew. */
  set(index: number, height: number): number {
    if (index < 0 || index >= this.#count) return 0;
    const change = height - this.#own[index]!;
    if (change === 0) return 0;
    this.#own[index] = height;
    for (let at = index + 1; at <= this.#count; at += at & -at) this.#tree[at]! += change;
    return change;
  }

  /** The sum of the heights of all rows before `index`. */
  offset(index: number): number {
    let sum = 0;
    for (let at = Math.min(index, this.#count); at > 0; at -= at & -at) sum += this.#tree[at]!;
    return sum;
  }

  /** The row at `position`: the last one that begins at or before it. 0 where there are none. */
  at(position: number): number {
    let index = 0;
    let left = position;
    for (let step = 2 ** Math.floor(Math.log2(this.#count || 1)); step >= 1; step /= 2) {
      const next = index + step;
      if (next <= this.#count && this.#tree[next]! <= left) {
        index = next;
        left -= this.#tree[next]!;
      }
    }
    return Math.max(0, Math.min(index, this.#count - 1));
  }
}
