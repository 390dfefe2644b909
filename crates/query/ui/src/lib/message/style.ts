// Header parts that only some programs write: the twin of crates/types/src/template/style.rs.
import {
  ALPHA,
  ascii,
  asciiLower,
  at,
  type Bytes,
  code,
  DIGIT,
  digits,
  isLevel,
  NONE,
  oneOf,
  type Out,
  run,
  startsWithExactly,
  tokenEnd,
} from './bytes';
import { bracketed, type Seen, skipSpaces, stamped } from './header';
import { moment } from './time';

/** "kernel: [12345.678901] ": the name stays, the time goes. */
export function kernel(bytes: Bytes, from: number, seen: Seen, out: Out): number {
  if (!startsWithExactly(bytes, from, 'kernel: [')) return NONE;
  const stamp = from + 'kernel: '.length;
  // Only the clock of the kernel: the number of a bus or a driver stays in the text.
  const inner = skipSpaces(bytes, stamp + 1);
  if (at(bytes, run(bytes, inner, DIGIT)) !== code('.')) return NONE;
  const end = bracketed(bytes, stamp, seen);
  if (end !== NONE) out.pushText('kernel: ');
  return end;
}

/** A bare process id in front of a level: "2931 INFO", "1702  2395 D Tag:". */
export function process(bytes: Bytes, from: number, out: Out): number {
  const end = digits(bytes, from, 1, 10);
  if (end === NONE) return NONE;
  const next = skipSpaces(bytes, end);
  if (next === end) return NONE;
  const thread = digits(bytes, next, 1, 10);
  if (thread !== NONE) {
    const letter = skipSpaces(bytes, thread);
    const level = letterLevel(at(bytes, letter));
    if (letter > thread && level !== undefined && at(bytes, letter + 1) === code(' ')) {
      out.pushText(`${level} `);
      return letter + 2;
    }
  }
  const word = oneOf(at(bytes, next), '[<') ? next + 1 : next;
  return isLevel(bytes, word, run(bytes, word, ALPHA)) ? next : NONE;
}

function letterLevel(letter: number): string | undefined {
  if (oneOf(letter, 'VD')) return 'DEBUG';
  if (letter === code('I')) return 'INFO';
  if (letter === code('W')) return 'WARN';
  if (letter === code('E')) return 'ERROR';
  return letter === code('F') ? 'FATAL' : undefined;
}

/** "I0711 15:32:26.859331   45274 file.go:677]". */
export function klog(bytes: Bytes, from: number, seen: Seen, out: Out): number {
  const level = letterLevel(at(bytes, from));
  const date = digits(bytes, from + 1, 4, 4);
  if (level === undefined || date === NONE || at(bytes, date) !== code(' ')) return NONE;
  const found = moment(bytes, date + 1);
  if (found === undefined || found.dated || at(bytes, found.end) !== code(' ')) return NONE;
  seen.stamp = true;
  out.pushText(`${level} `);
  const thread = skipSpaces(bytes, found.end);
  const end = digits(bytes, thread, 1, 10);
  return end !== NONE && at(bytes, end) === code(' ') ? end : thread;
}

const TIME_KEYS = new Set(['ts', 'time', 't', 'timestamp', 'date']);

/** "ts=2026-11-22T09:04:42Z ", as logfmt begins. */
export function keyed(bytes: Bytes, from: number, seen: Seen): number {
  const key = at(bytes, from) === code('@') ? from + 1 : from;
  const equals = run(bytes, key, ALPHA);
  if (at(bytes, equals) !== code('=') || equals - key > 9 || !TIME_KEYS.has(asciiLower(ascii(bytes, key, equals))))
    return NONE;
  const quoted = at(bytes, equals + 1) === code('"');
  const start = equals + 1 + (quoted ? 1 : 0);
  const found = moment(bytes, start);
  let end: number;
  if (found?.dated) {
    end = found.end;
  } else {
    const whole = digits(bytes, start, 10, 19);
    if (whole === NONE) return NONE;
    end = at(bytes, whole) === code('.') ? digits(bytes, whole + 1, 1, 9) : whole;
    if (end === NONE) return NONE;
  }
  if (quoted) {
    if (at(bytes, end) !== code('"')) return NONE;
    end += 1;
  }
  if (at(bytes, end) !== code(' ')) return NONE;
  seen.stamp = true;
  return end;
}

/** "WARN 2026-11-22 09:05:29 ", "[INFO] 2026/11/22 ...": the level stays, the time stamp goes. */
export function levelled(bytes: Bytes, from: number, seen: Seen, out: Out): number {
  const open = at(bytes, from) === code('[');
  const start = from + (open ? 1 : 0);
  const word = run(bytes, start, ALPHA);
  if (!isLevel(bytes, start, word)) return NONE;
  let end = word;
  if (open) {
    if (at(bytes, end) !== code(']')) return NONE;
    end += 1;
  }
  if (at(bytes, end) === code(':')) end += 1;
  const time = skipSpaces(bytes, end);
  if (time === end) return NONE;
  let next: number;
  if (at(bytes, time) === code('[')) next = bracketed(bytes, time, seen);
  else next = moment(bytes, time)?.dated ? stamped(bytes, time, seen) : NONE;
  if (next === NONE) return NONE;
  out.push(bytes, from, end);
  out.pushText(' ');
  return next;
}

/** A token in front of a dated time stamp: the file that a collector prepends, a container, a process id. */
export function beforeMoment(bytes: Bytes, from: number, seen: Seen): number {
  const end = tokenEnd(bytes, from);
  if (end - from > 80 || at(bytes, end) !== code(' ')) return NONE;
  let next = skipSpaces(bytes, end);
  const bar = at(bytes, next) === code('|');
  if (bar) next = skipSpaces(bytes, next + 1);
  const token = ascii(bytes, from, end);
  const known = seen.stamp || bar || token.includes('.log') || /^[0-9]+:[^]$/.test(token) || /^[0-9]*$/.test(token);
  const stamp = at(bytes, next) === code('[') ? next + 1 : next;
  if (!known || !moment(bytes, stamp)?.dated) return NONE;
  seen.stamp = true;
  return next;
}

/** RFC 5424 behind the priority and version: time, host, program, process id, message id, and empty structured data. */
export function rfc5424(bytes: Bytes, from: number, seen: Seen, out: Out): number {
  let index = from;
  const stamp = tokenEnd(bytes, index);
  if (ascii(bytes, index, stamp) !== '-' && moment(bytes, index)?.end !== stamp) return NONE;
  let program = '';
  for (let field = 0; field < 5; field += 1) {
    const end = tokenEnd(bytes, index);
    if (end === index || at(bytes, end) !== code(' ')) return NONE;
    if (field === 2) program = ascii(bytes, index, end);
    index = end + 1;
  }
  seen.stamp = true;
  if (program !== '-' && /^[A-Za-z._-]*$/.test(program)) out.pushText(`${program}: `);
  if (at(bytes, index) === code('-') && (at(bytes, index + 1) === code(' ') || at(bytes, index + 1) === 0)) index += 1;
  // A byte order mark.
  if (
    at(bytes, index) === 0x20 &&
    at(bytes, index + 1) === 0xef &&
    at(bytes, index + 2) === 0xbb &&
    at(bytes, index + 3) === 0xbf
  )
    index += 4;
  return Math.min(index, bytes.length);
}
