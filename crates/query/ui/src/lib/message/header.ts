// Where the message of a line begins: drops time stamp, priority, host and process id, keeps program and level. The twin of
// crates/types/src/template/header.rs; what only some programs write is in style.ts.
import {
  ALPHA,
  at,
  type Bytes,
  code,
  DIGIT,
  digits,
  is,
  isLevel,
  NONE,
  oneOf,
  type Out,
  run,
  spaceEnd,
  startsWith,
  tokenEnd,
  value,
} from './bytes';
import { beforeMoment, kernel, keyed, klog, levelled, process, rfc5424 } from './style';
import { moment, type Moment } from './time';

/** Whether a time stamp has been dropped already: only then can a bare number be a process id. */
export interface Seen {
  stamp: boolean;
}

/** Writes what is kept of the header and returns where the rest of the line starts. */
export function strip(bytes: Bytes, out: Out): number {
  let index = 0;
  const seen: Seen = { stamp: false };
  for (;;) {
    index = spaceEnd(bytes, index);
    const next = nextPart(bytes, index, seen, out);
    if (next === NONE) return index;
    index = next;
  }
}

export function skipSpaces(bytes: Bytes, from: number): number {
  let index = from;
  while (oneOf(at(bytes, index), ' \t')) index += 1;
  return index;
}

/** The first of the readers that finds something. */
function first(...readers: (() => number)[]): number {
  for (const read of readers) {
    const found = read();
    if (found !== NONE) return found;
  }
  return NONE;
}

function nextPart(bytes: Bytes, from: number, seen: Seen, out: Out): number {
  const byte = at(bytes, from);
  if (byte === code('<')) {
    const end = digits(bytes, from + 1, 1, 3);
    if (end === NONE || at(bytes, end) !== code('>')) return NONE;
    if (at(bytes, end + 1) === code('1') && at(bytes, end + 2) === code(' ')) {
      const found = rfc5424(bytes, end + 3, seen, out);
      return found === NONE ? end + 1 : found;
    }
    return end + 1;
  }
  if (byte === code('[')) {
    return first(
      () => bracketed(bytes, from, seen),
      () => levelled(bytes, from, seen, out),
    );
  }
  if (oneOf(byte, '*.%')) return stamped(bytes, from + 1, seen);
  if (byte === code('-')) {
    // BlueGene and Thunderbird: an alert tag, epoch, date, node, time, node.
    const epoch = digits(bytes, from + 2, 10, 10);
    if (epoch === NONE || at(bytes, from + 1) !== code(' ') || at(bytes, epoch) !== code(' ')) return NONE;
    seen.stamp = true;
    return epoch;
  }
  if (is(bytes, from, DIGIT)) {
    return first(
      () => stamped(bytes, from, seen),
      () => numeric(bytes, from, seen),
      () => (seen.stamp ? process(bytes, from, out) : NONE),
      () => beforeMoment(bytes, from, seen),
    );
  }
  if (is(bytes, from, ALPHA)) {
    return first(
      () => stamped(bytes, from, seen),
      () => klog(bytes, from, seen, out),
      () => keyed(bytes, from, seen),
      () => levelled(bytes, from, seen, out),
      () => kernel(bytes, from, seen, out),
      () => beforeMoment(bytes, from, seen),
    );
  }
  return byte === code('@') ? keyed(bytes, from, seen) : NONE;
}

/** A time stamp, the punctuation behind it, and what programs write next: process ids and, in syslog, the host. */
export function stamped(bytes: Bytes, from: number, seen: Seen): number {
  if (!is(bytes, from, DIGIT) && !oneOf(at(bytes, from + 3), ' ,')) return NONE;
  const found = moment(bytes, from);
  if (found === undefined) return NONE;
  // "10:00:00" alone counts, "10:00:00/x" or "2026-01-01-alpha" does not.
  if (!oneOf(at(bytes, found.end), ' \t:,|.]') && found.end < bytes.length) return NONE;
  seen.stamp = true;
  return afterMoment(bytes, punctuation(bytes, found.end), found);
}

/** Skips one separator between a time stamp and what follows. */
function punctuation(bytes: Bytes, from: number): number {
  let end = from;
  if (oneOf(at(bytes, end), ':,|.')) end += 1;
  end = skipSpaces(bytes, end);
  if (oneOf(at(bytes, end), '-|:') && oneOf(at(bytes, end + 1), ' \t')) end = skipSpaces(bytes, end + 1);
  return end;
}

function afterMoment(bytes: Bytes, from: number, found: Moment): number {
  if (!found.dated) return from;
  for (const stream of ['stdout f ', 'stderr f ', 'stdout p ', 'stderr p ']) {
    if (startsWith(bytes, from, stream)) return from + stream.length;
  }
  const close = processBrackets(bytes, from);
  if (close !== NONE) return close;
  const message = host(bytes, from, found.classic);
  return message === NONE ? from : message;
}

/** "[307]"-like brackets that hold one number. */
function processBrackets(bytes: Bytes, from: number): number {
  if (at(bytes, from) !== code('[')) return NONE;
  const close = digits(bytes, from + 1, 1, 10);
  if (close === NONE || at(bytes, close) !== code(']')) return NONE;
  return skipSpaces(bytes, at(bytes, close + 1) === code(':') ? close + 2 : close + 1);
}

/** The end of a host name that stands between a time stamp and a program. */
function host(bytes: Bytes, from: number, classic: boolean): number {
  const end = tokenEnd(bytes, from);
  const next = skipSpaces(bytes, end);
  if (end === from || next === end || next >= bytes.length) return NONE;
  if (!is(bytes, from, ALPHA | DIGIT) && bytes[from] !== code(':')) return NONE;
  if (bytes[end - 1] === code(':')) return NONE;
  for (let index = from; index < end; index += 1) if (oneOf(bytes[index]!, '="{[(,;<\'')) return NONE;
  if (isLevel(bytes, from, end)) return NONE;
  const found = moment(bytes, next);
  if (found?.dated) {
    // BlueGene and Thunderbird name the node, then the time, then the node again.
    const again = skipSpaces(bytes, found.end);
    let repeated = again > found.end;
    for (let index = from; repeated && index < end; index += 1) repeated = bytes[again + index - from] === bytes[index];
    return repeated ? tokenEnd(bytes, again) : next;
  }
  if (classic) {
    // Cisco's own sequence number counts as part of the header.
    const sequence = digits(bytes, next, 1, 9);
    return sequence !== NONE && at(bytes, sequence) === code(':') ? sequence + 1 : next;
  }
  // Elsewhere a host is only believed in front of "program[pid]" or the kernel.
  const program = tokenEnd(bytes, next);
  let open = next;
  while (open < program && bytes[open] !== code('[')) open += 1;
  if (open === program || open === next) return NONE;
  const close = digits(bytes, open + 1, 1, 10);
  return close !== NONE && at(bytes, close) === code(']') ? next : NONE;
}

/** "[time]", "[time] [pid]", "[ 12.345678] ", "[time: ". */
export function bracketed(bytes: Bytes, from: number, seen: Seen): number {
  const inner = skipSpaces(bytes, from + 1);
  if (is(bytes, inner, DIGIT)) {
    const seconds = run(bytes, inner, DIGIT);
    if (at(bytes, seconds) === code('.')) {
      const fraction = digits(bytes, seconds + 1, 3, 9);
      if (fraction !== NONE && at(bytes, fraction) === code(']')) {
        seen.stamp = true;
        const end = skipSpaces(bytes, fraction + 1);
        const caller = kernelCaller(bytes, end);
        return caller === NONE ? end : caller;
      }
    }
  }
  const found = moment(bytes, inner);
  if (found !== undefined) {
    const end = found.end;
    if (at(bytes, end) === code(']')) {
      seen.stamp = true;
      const next = punctuation(bytes, end + 1);
      const brackets = found.dated ? processBrackets(bytes, next) : NONE;
      return brackets === NONE ? next : brackets;
    }
    if (found.dated && oneOf(at(bytes, end), ':,') && at(bytes, end + 1) === code(' ')) {
      seen.stamp = true;
      return end + 2;
    }
  }
  // "[7] 2026/11/22 09:09:16": the process id comes first; "[307] [ERROR]" only behind a time stamp.
  const close = processBrackets(bytes, from);
  if (close === NONE) return NONE;
  const stamp = at(bytes, close) === code('[') ? close + 1 : close;
  if (moment(bytes, stamp)?.dated || (seen.stamp && at(bytes, close) === code('['))) return close;
  return NONE;
}

/** "[  T123] " and "[    C0] " behind the kernel's time. */
function kernelCaller(bytes: Bytes, from: number): number {
  if (at(bytes, from) !== code('[')) return NONE;
  const inner = skipSpaces(bytes, from + 1);
  if (!oneOf(at(bytes, inner), 'TC')) return NONE;
  const close = digits(bytes, inner + 1, 1, 9);
  return close !== NONE && at(bytes, close) === code(']') ? skipSpaces(bytes, close + 1) : NONE;
}

/** Seconds since the epoch or since start, "081109 203518 143", "131006 18:19:56". */
function numeric(bytes: Bytes, from: number, seen: Seen): number {
  const whole = digits(bytes, from, 1, 13);
  if (whole === NONE) return NONE;
  const width = whole - from;
  const next = at(bytes, whole);
  let end: number;
  if ((width === 10 || width === 13) && oneOf(next, ' \t')) {
    end = whole;
  } else if (width <= 10 && next === code('.')) {
    end = digits(bytes, whole + 1, 3, 9);
    if (end === NONE || !oneOf(at(bytes, end), ' \t:')) return NONE;
  } else if (width === 6 && next === code(' ')) {
    const time = skipSpaces(bytes, whole);
    const found = moment(bytes, time);
    if (found !== undefined) {
      if (found.dated) return NONE;
      end = found.end;
    } else {
      end = digits(bytes, time, 6, 6);
      if (end === NONE || at(bytes, end) !== code(' ')) return NONE;
      const month = value(bytes, from + 2, from + 4);
      const day = value(bytes, from + 4, from + 6);
      if (month < 1 || month > 12 || day < 1 || day > 31) return NONE;
      if (
        value(bytes, time, time + 2) > 23 ||
        value(bytes, time + 2, time + 4) > 59 ||
        value(bytes, time + 4, end) > 60
      )
        return NONE;
    }
  } else {
    return NONE;
  }
  seen.stamp = true;
  return punctuation(bytes, end);
}
