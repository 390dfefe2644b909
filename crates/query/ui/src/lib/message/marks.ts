// What a scan has read so far, and the marks that it writes in place of what it finds: the twin of the same in
// crates/types/src/template/scan.rs.
import { code, is, NONE, oneOf, WORD, type Bytes, type Out } from './bytes';

export class Marks {
  protected readonly bytes: Bytes;
  protected readonly out: Out;
  /** Start of what has been passed but not copied yet. */
  protected literal: number;
  /** Index behind the text of the last mark: what follows continues a word. */
  protected afterMark = NONE;
  /** Index behind the last run of white space. */
  protected afterSpace: number;
  /** Until here paths and addresses of mail are left as text, since they are suspicious. */
  protected keptUntil = 0;

  constructor(bytes: Bytes, from: number, out: Out) {
    this.bytes = bytes;
    this.out = out;
    this.literal = from;
    this.afterSpace = from;
  }

  protected flush(to: number): void {
    if (to > this.literal) this.out.push(this.bytes, this.literal, to);
    this.literal = to;
  }

  /** Whether what stands at `index` continues a word or a mark. */
  protected continues(index: number): boolean {
    return index !== this.afterSpace && (index === this.afterMark || (index > 0 && is(this.bytes, index - 1, WORD)));
  }

  /** Writes a mark for `from..to`. Equal marks in a row become one, so that lists of any length are alike. */
  protected mark(mark: string, from: number, to: number): number {
    this.flush(from);
    this.#append(mark);
    this.literal = to;
    this.afterMark = to;
    return to;
  }

  #append(mark: string): void {
    const out = this.out;
    let end = out.length;
    if (out.last(1) === code(' ')) {
      end -= 1;
      if (end > 0 && out.last(2) === code(',')) end -= 1;
    } else if (oneOf(out.last(1), ',-./')) {
      end -= 1;
    }
    if (end < out.length && out.endsWith(mark, end)) out.truncate(end);
    else out.pushText(mark);
  }
}
