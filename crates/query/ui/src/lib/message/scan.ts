// Masks the body of a line in one pass: the twin of crates/types/src/template/scan.rs, number.rs and link.rs.
import { ipv4, ipv6, mac, pci, uuid } from './address';
import {
  ALPHA,
  ascii,
  at,
  classOf,
  code,
  DIGIT,
  digits,
  HEX,
  is,
  NONE,
  oneOf,
  run,
  SPACE,
  spaceEnd,
  STOP,
  value,
  WORD,
} from './bytes';
import { Marks } from './marks';
import { extent, starts } from './path';
import { moment } from './time';
import { amountMark, codeFollows, isName, isReason, isUnit, markEnd, part, requestBefore } from './word';

const UNITS_OF_SYSTEMD = new Set(['service', 'socket', 'timer', 'mount', 'target', 'slice', 'scope', 'path', 'device']);

export class Scan extends Marks {
  /** Writes the template of what follows behind what `out` has. */
  run(): void {
    const bytes = this.bytes;
    let index = this.#program(this.literal);
    while (index < bytes.length) {
      const byte = bytes[index]!;
      const classes = classOf(byte);
      if ((classes & WORD) !== 0) index = this.#word(index);
      else if ((classes & SPACE) !== 0) index = this.#space(index);
      else if ((classes & STOP) !== 0) index = this.#stop(index, byte);
      else index += 1;
    }
    this.flush(bytes.length);
    if (this.out.endsWith(' ')) this.out.truncate(this.out.length - 1);
  }

  /** Drops the process id of a program name that opens the body: `sshd[123]:`, `kernel[0]:`. */
  #program(from: number): number {
    const bytes = this.bytes;
    let end = from;
    while (is(bytes, end, WORD) || oneOf(at(bytes, end), './-()@+')) end += 1;
    if (end === from || end - from > 100 || at(bytes, end) !== code('[')) return from;
    const close = digits(bytes, end + 1, 1, 10);
    if (close === NONE) return from;
    const next = close + 1;
    // Behind the colon comes a space, or dropping the brackets would make a URL or a drive of "a[1]://".
    const closed =
      at(bytes, next) === code(':')
        ? next + 1 === bytes.length || is(bytes, next + 1, SPACE)
        : oneOf(at(bytes, next), ' (');
    if (at(bytes, close) !== code(']') || !closed) return from;
    // Only the words of the name are masked, so there must be nothing else in it to mask.
    for (let index = from; index < end; index += 1) {
      if (bytes[index] === code('@')) return from;
      if (bytes[index] === code('/') && (index === from || !is(bytes, index - 1, ALPHA))) return from;
    }
    let start = from;
    while (start < end) {
      const stop = run(bytes, start, WORD);
      if (this.#hasDigit(start, stop)) this.#mixed(start, stop);
      start = stop + 1;
    }
    this.flush(end);
    this.literal = next;
    return next;
  }

  #hasDigit(from: number, end: number): boolean {
    for (let index = from; index < end; index += 1) if (is(this.bytes, index, DIGIT)) return true;
    return false;
  }

  #space(from: number): number {
    const bytes = this.bytes;
    if (bytes[from] === code(' ') && from > this.literal && !is(bytes, from + 1, SPACE) && at(bytes, from + 1) !== 0) {
      this.afterSpace = from + 1;
      return from + 1;
    }
    this.flush(from);
    const end = spaceEnd(bytes, from);
    if (this.out.length > 0 && !this.out.endsWith(' ')) this.out.pushText(' ');
    this.literal = end;
    this.afterSpace = end;
    return end;
  }

  #stop(from: number, byte: number): number {
    const bytes = this.bytes;
    if (byte === code('<')) {
      const end = markEnd(bytes, from);
      return end === NONE ? from + 1 : this.mark(ascii(bytes, from, end), from, end);
    }
    if (oneOf(byte, '/.~') && from >= this.keptUntil) return this.#path(from, byte);
    if (byte === code(':') && at(bytes, from + 1) === code(':') && is(bytes, from + 2, HEX) && !this.continues(from)) {
      const end = ipv6(bytes, from);
      return end === NONE ? from + 1 : this.mark('<ip>', from, end);
    }
    if (byte === code('@') && from >= this.keptUntil && this.continues(from)) return this.#mail(from);
    if (byte === code('%') && is(bytes, from + 1, HEX) && is(bytes, from + 2, HEX)) return from + 3;
    return from + 1;
  }

  #word(from: number): number {
    const bytes = this.bytes;
    let end = from;
    let all = 0xff;
    let any = 0;
    while (end < bytes.length) {
      const classes = classOf(bytes[end]!);
      if ((classes & WORD) === 0) break;
      all &= classes;
      any |= classes;
      end += 1;
    }
    const next = at(bytes, end);
    if ((any & DIGIT) === 0) return this.#letters(from, end, next, (all & HEX) !== 0);
    if (this.continues(from)) return this.#mixed(from, end);
    if (is(bytes, from, DIGIT)) {
      if (end - from === 2 && (all & HEX) !== 0 && oneOf(next, ':-')) {
        const after = mac(bytes, from);
        if (after !== NONE) return this.mark('<mac>', from, after);
      }
      const time = moment(bytes, from);
      if (time !== undefined) return this.mark('<time>', from, time.end);
      if (next === code('.')) {
        const after = ipv4(bytes, from);
        if (after !== NONE) return this.mark('<ip>', from, after);
      }
    }
    if ((all & HEX) !== 0) {
      const after = this.#joinedHex(from, end, next);
      if (after !== NONE) return after;
    }
    return is(bytes, from, DIGIT) ? this.#number(from, end) : this.#mixed(from, end);
  }

  /** Addresses and ids that are several hexadecimal words. */
  #joinedHex(from: number, end: number, next: number): number {
    const bytes = this.bytes;
    const width = end - from;
    if (width === 2 && oneOf(next, ':-') && mac(bytes, from) !== NONE) return this.mark('<mac>', from, from + 17);
    if (width === 8 && next === code('-')) {
      const after = uuid(bytes, from);
      return after === NONE ? NONE : this.mark('<id>', from, after);
    }
    if (width === 4 && next === code(':')) {
      const after = pci(bytes, from);
      if (after !== NONE) return this.mark('<id>', from, after);
    }
    if (width <= 4 && next === code(':')) {
      const after = ipv6(bytes, from);
      return after === NONE ? NONE : this.mark('<ip>', from, after);
    }
    return NONE;
  }

  #letters(from: number, end: number, next: number, hex: boolean): number {
    const bytes = this.bytes;
    if (next === code(':')) {
      if (this.continues(from)) return end;
      const second = at(bytes, end + 1);
      const third = at(bytes, end + 2);
      if (second === code('/') && third === code('/') && from >= this.keptUntil) return this.#url(from, end);
      if (second === code('\\') && end - from === 1 && from >= this.keptUntil) {
        const found = extent(bytes, end + 1);
        if (found.suspicious) {
          this.keptUntil = found.end;
          return end;
        }
        return this.mark('<path>', from, found.end);
      }
      if (hex && (second === code(':') || is(bytes, end + 1, HEX))) {
        const after = this.#joinedHex(from, end, next);
        return after === NONE ? end : after;
      }
      return end;
    }
    if (next === code('-') && hex && (end - from === 2 || end - from === 8) && !this.continues(from)) {
      const after = this.#joinedHex(from, end, next);
      return after === NONE ? end : after;
    }
    if (oneOf(next, ' ,') && end - from === 3 && !this.continues(from) && is(bytes, from, ALPHA)) {
      const time = moment(bytes, from);
      return time === undefined ? end : this.mark('<time>', from, time.end);
    }
    // "blk_-123": the sign belongs to the id.
    if (next === code('-') && bytes[end - 1] === code('_') && is(bytes, end + 1, DIGIT)) {
      const close = run(bytes, end + 1, DIGIT);
      return is(bytes, close, WORD) ? end : this.mark('<id>', end, close);
    }
    return end;
  }

  /** A word of letters and digits, or digits that continue a word. */
  #mixed(from: number, end: number): number {
    const bytes = this.bytes;
    if (
      end - from > 2 &&
      bytes[from] === code('0') &&
      (bytes[from + 1]! | 0x20) === code('x') &&
      run(bytes, from + 2, HEX) >= end
    ) {
      return this.mark('<hex>', from, end);
    }
    if (isName(bytes, from, end)) return end;
    let hasUnderscore = false;
    for (let index = from; index < end; index += 1) hasUnderscore ||= bytes[index] === code('_');
    if (!hasUnderscore) return this.#part(from, end);
    // "attempt_1445144423722_0020_m_000009_0": from its first number on it is an id.
    const stopOf = (start: number): number => {
      let stop = start;
      while (stop < end && bytes[stop] !== code('_')) stop += 1;
      return stop;
    };
    let numbers = 0;
    let first = end;
    let longest = 0;
    for (let start = from; start <= end;) {
      const stop = stopOf(start);
      if (stop > start && run(bytes, start, DIGIT) >= stop) {
        numbers += 1;
        first = Math.min(first, start);
        longest = Math.max(longest, stop - start);
      }
      start = stop + 1;
    }
    const isId = numbers >= 2 || longest >= 6;
    for (let start = from; start < end;) {
      if (isId && start === first) return this.mark('<id>', first, end);
      const stop = stopOf(start);
      if (this.#hasDigit(start, stop)) this.#part(start, stop);
      start = stop + 1;
    }
    return end;
  }

  #part(from: number, end: number): number {
    const bytes = this.bytes;
    const found = part(bytes, from, end);
    if (found === 'name') return end;
    if (found === 'hex' || found === 'id') {
      const after = this.#podSuffix(from, end);
      return after === NONE ? this.mark(`<${found}>`, from, end) : this.mark('<id>', from, after);
    }
    if (found !== 'digits') return this.mark('<num>', from + found.prefix, end);
    let index = from;
    while (index < end) {
      if (is(bytes, index, DIGIT)) {
        const stop = Math.min(run(bytes, index, DIGIT), end);
        this.mark('<num>', index, stop);
        index = stop;
      } else {
        index += 1;
      }
    }
    return end;
  }

  /** Kubernetes names a pod "set-7d9f8b6c4-x2x9k": both ids are one. */
  #podSuffix(from: number, end: number): number {
    const bytes = this.bytes;
    const width = end - from;
    if (width < 7 || width > 10 || from === 0 || bytes[from - 1] !== code('-') || at(bytes, end) !== code('-'))
      return NONE;
    const after = run(bytes, end + 1, WORD);
    return after - end - 1 === 5 && /^[a-z0-9]+$/.test(ascii(bytes, end + 1, after)) ? after : NONE;
  }

  // ---- numbers

  /** A number that starts a word; `wordEnd` is the end of that word. */
  #number(from: number, wordEnd: number): number {
    const bytes = this.bytes;
    const whole = run(bytes, from, DIGIT);
    let end = whole;
    let dots = 0;
    if (whole - from <= 3) {
      for (;;) {
        if (at(bytes, end) !== code(',')) break;
        const group = digits(bytes, end + 1, 3, 3);
        if (group === NONE || is(bytes, group, WORD)) break;
        end += 4;
      }
    }
    while (at(bytes, end) === code('.') && is(bytes, end + 1, DIGIT)) {
      end = run(bytes, end + 1, DIGIT);
      dots += 1;
    }
    if ((at(bytes, end) | 0x20) === code('e') && oneOf(at(bytes, end + 1), '+-') && is(bytes, end + 2, DIGIT)) {
      const exponent = run(bytes, end + 2, DIGIT);
      if (!is(bytes, exponent, WORD)) end = exponent;
    }
    const amount = value(bytes, from, whole);
    if (is(bytes, end, WORD)) {
      const unit = ascii(bytes, end, Math.min(run(bytes, end, WORD), end + 32));
      if (isUnit(unit)) return this.#amount(from, end, amountMark(amount, unit));
      const after = this.#duration(from);
      if (after !== NONE) {
        this.#amount(from, end, '<num>');
        this.out.push(bytes, end, run(bytes, end, ALPHA));
        this.literal = after;
        return after;
      }
      return end === whole ? this.#mixed(from, wordEnd) : this.mark('<num>', from, end);
    }
    if (end - from <= 3 && this.#isVersionOrCode(from, end, dots)) return end;
    let unit = '';
    if (at(bytes, end) === code('%')) unit = '%';
    else if (at(bytes, end) === code(' ')) unit = ascii(bytes, end + 1, Math.min(run(bytes, end + 1, ALPHA), end + 33));
    return this.#amount(from, end, amountMark(amount, unit));
  }

  /** Writes the mark of an amount; a lone zero stays, since "0 errors" says something that a number does not. */
  #amount(from: number, end: number, mark: string): number {
    const bytes = this.bytes;
    const out = this.out;
    this.flush(from);
    const joined = from >= 2 && oneOf(bytes[from - 1]!, '-.') && this.continues(from - 1);
    // A sign: "-107" and "146" are numbers alike.
    if (!joined && out.endsWith('-') && from !== this.afterSpace && !out.endsWith('--') && !out.endsWith('.-'))
      out.truncate(out.length - 1);
    let zero = true;
    for (let index = from; index < end; index += 1) zero &&= !is(bytes, index, DIGIT) || bytes[index] === code('0');
    // "00:00" is a clock or an address, and its zeros say nothing.
    const clock = end - from > 1 && (at(bytes, end) === code(':') || (from > 0 && bytes[from - 1] === code(':')));
    if (zero && !joined && !clock) {
      out.pushText('0');
      this.literal = end;
      return end;
    }
    return this.mark(mark, from, end);
  }

  /** "1h2m3.5s": the end of such a duration of at least two parts. */
  #duration(from: number): number {
    const bytes = this.bytes;
    let end = from;
    let parts = 0;
    while (is(bytes, end, DIGIT) && end - from < 64) {
      end = run(bytes, end, DIGIT);
      if (at(bytes, end) === code('.') && is(bytes, end + 1, DIGIT)) end = run(bytes, end + 1, DIGIT);
      const unit = run(bytes, end, ALPHA);
      if (!['d', 'h', 'm', 's', 'ms', 'us', 'ns'].includes(ascii(bytes, end, Math.min(unit, end + 3)))) return NONE;
      end = unit;
      parts += 1;
    }
    return parts >= 2 && !is(bytes, end, WORD) ? end : NONE;
  }

  /** Whether a short number is the version of HTTP or TLS, or a code whose value is the message. */
  #isVersionOrCode(from: number, end: number, dots: number): boolean {
    this.flush(from);
    const bytes = this.bytes;
    const before = this.out;
    if (before.endsWith('HTTP/') || before.endsWith('TLSv1.')) return dots <= 1;
    const text = ascii(bytes, from, end);
    if (dots > 0 || text.includes(',') || at(bytes, end) === code('%')) return false;
    const ends = end === bytes.length || oneOf(at(bytes, end), ',;.)"\'');
    if (codeFollows(before, ends)) return /[^0]/.test(text);
    if (end - from !== 3 || !/^[1-5]/.test(text)) return false;
    const spaced = is(bytes, end, SPACE);
    if (before.endsWith('" ') && (spaced || end === bytes.length)) return true;
    if (before.endsWith('| ') && spaced && at(bytes, end + 1) === code('|')) return true;
    if (spaced && requestBefore(before)) return true;
    const reason = run(bytes, end + 1, ALPHA);
    return spaced && !is(bytes, reason, WORD) && isReason(ascii(bytes, end + 1, Math.min(reason, end + 33)));
  }

  // ---- paths, URLs, mail

  #path(from: number, byte: number): number {
    const bytes = this.bytes;
    const before = from === this.afterSpace || from === 0 ? code(' ') : bytes[from - 1]!;
    if (this.continues(from) || oneOf(before, '</.') || !starts(bytes, from)) return from + 1;
    if (
      byte === code('/') &&
      is(bytes, from + 1, HEX) &&
      (ipv4(bytes, from + 1) !== NONE || ipv6(bytes, from + 1) !== NONE)
    )
      return from + 1;
    return this.#extent(from, from);
  }

  /** Masks a path or URL whose path part starts at `tail`, or keeps its text. */
  #extent(from: number, tail: number): number {
    const found = extent(this.bytes, tail);
    if (found.suspicious) {
      this.keptUntil = found.end;
      return from + 1;
    }
    if (from !== tail) return this.mark('<url>', from, found.end);
    this.mark('<path>', from, found.end);
    if (found.extension !== undefined) {
      const [dot, stop] = found.extension;
      if (stop === found.end) {
        // The extension is scanned as any text, as a second pass would do.
        this.literal = dot;
        this.afterMark = dot;
        return dot;
      }
      this.out.push(this.bytes, dot, stop);
    }
    return found.end;
  }

  /** A URL whose scheme is the word `from..colon`. */
  #url(from: number, colon: number): number {
    const bytes = this.bytes;
    const start = colon + 3;
    let end = start;
    while (end < bytes.length) {
      const byte = bytes[end]!;
      if (byte === code('<')) {
        const after = markEnd(bytes, end);
        if (after === NONE) break;
        end = after;
      } else if (oneOf(byte, '/?"\',;)]}>|\\({') || is(bytes, end, SPACE)) {
        break;
      } else if (byte === code('[')) {
        if (end > start) break;
        let close = run(bytes, end + 1, HEX);
        while (is(bytes, close, HEX) || oneOf(at(bytes, close), ':.')) close += 1;
        end = at(bytes, close) === code(']') ? close + 1 : end + 1;
      } else {
        end += 1;
      }
    }
    while (end > start && oneOf(bytes[end - 1]!, '.:')) end -= 1;
    if (end === start) return colon;
    if (oneOf(at(bytes, end), '/?')) {
      const next = this.#extent(from, end);
      // The text is kept: go on behind the scheme.
      return next === from + 1 ? colon : next;
    }
    return this.mark('<url>', from, end);
  }

  #mail(atSign: number): number {
    const bytes = this.bytes;
    let end = atSign + 1;
    while (is(bytes, end, ALPHA | DIGIT) || oneOf(at(bytes, end), '.-')) end += 1;
    if (is(bytes, end, WORD) || markEnd(bytes, end) !== NONE) return atSign + 1;
    while (oneOf(bytes[end - 1]!, '.-')) end -= 1;
    let dot = end - 1;
    while (dot > atSign && bytes[dot] !== code('.')) dot -= 1;
    if (dot <= atSign + 1 || end - dot - 1 < 2) return atSign + 1;
    if (run(bytes, dot + 1, ALPHA) < end || (end - dot <= 8 && UNITS_OF_SYSTEMD.has(ascii(bytes, dot + 1, end))))
      return atSign + 1;
    this.flush(atSign);
    const out = this.out;
    let start = out.length;
    while (start > 0 && out.length - start < 128) {
      const byte = out.bytes[start - 1]!;
      if ((classOf(byte) & WORD) !== 0 || oneOf(byte, '.+-')) {
        start -= 1;
        continue;
      }
      if (byte !== code('>')) break;
      const open = this.#markBefore(start);
      if (open === NONE) break;
      start = open;
    }
    out.truncate(start);
    return this.mark('<mail>', atSign, end);
  }

  /** The start of the mark that ends at `end` of what is written. */
  #markBefore(end: number): number {
    const written = this.out.bytes.subarray(0, end);
    for (let back = 1; back <= 6; back += 1) {
      const open = end - back;
      if (open < 0) return NONE;
      if (written[open] === code('<')) return markEnd(written, open) === end ? open : NONE;
    }
    return NONE;
  }
}
