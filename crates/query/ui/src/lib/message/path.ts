// The extent of file paths, request targets and URLs, and which are suspicious: the twin of crates/types/src/template/path.rs.
import {
  ALPHA,
  at,
  type Bytes,
  classOf,
  code,
  is,
  NONE,
  oneOf,
  SPACE,
  startsWith,
  startsWithExactly,
  WORD,
} from './bytes';
import { markEnd } from './word';

export interface Extent {
  end: number;
  /** Where its last extension starts (at the dot) and ends, if it has one worth keeping. */
  extension: readonly [number, number] | undefined;
  /** Its text says something that a detection may rest on. */
  suspicious: boolean;
}

const SUSPICIOUS = [
  '../',
  '/..',
  '..\\',
  'etc/passwd',
  'etc/shadow',
  '/.env',
  '/.git',
  '/.aws',
  '/.ssh',
  '/.ht',
  'wp-login',
  'wp-admin',
  'xmlrpc',
  'phpmyadmin',
  'cgi-bin',
  'bin/sh',
  'bin/bash',
  'actuator',
  'jndi',
  '/dev/',
  '/shell',
  'eval-stdin',
];

function inPath(byte: number): boolean {
  return (classOf(byte) & WORD) !== 0 || byte >= 0x80 || oneOf(byte, '/.-~+@%=#&*!$\\');
}

/** Reads the path or the rest of a URL that starts at `from`. */
export function extent(bytes: Bytes, from: number): Extent {
  let end = from;
  let suspicious = false;
  let lastDot = NONE;
  while (end < bytes.length) {
    const byte = bytes[end]!;
    if (oneOf(byte, '/\\')) {
      lastDot = NONE;
    } else if (byte === code('.')) {
      lastDot = end;
    } else if (byte === code('%')) {
      suspicious = true;
    } else if (byte === code('<')) {
      // The marks of an earlier pass are part of a path that was kept.
      const after = markEnd(bytes, end);
      if (after === NONE) break;
      end = after;
      continue;
    } else if (!inPath(byte)) {
      break;
    }
    suspicious ||= isSuspiciousAt(bytes, end);
    end += 1;
  }
  const query = at(bytes, end) === code('?');
  if (query) {
    while (end < bytes.length && bytes[end] !== code('"') && !is(bytes, end, SPACE)) {
      suspicious ||= oneOf(bytes[end]!, "%'<>;()|$`") || isSuspiciousAt(bytes, end);
      end += 1;
    }
  }
  // A full stop behind a path belongs to the sentence.
  while (end > from + 1 && at(bytes, end - 1) === code('.') && !suspicious) end -= 1;
  let extension: Extent['extension'];
  if (lastDot !== NONE) {
    let stop = lastDot + 1;
    while (stop < bytes.length && is(bytes, stop, ALPHA) && stop - lastDot <= 8) stop += 1;
    const whole = (!query && stop === end) || (query && at(bytes, stop) === code('?'));
    if (stop - lastDot >= 2 && stop - lastDot <= 8 && whole) extension = [lastDot, stop];
  }
  return { end, extension, suspicious };
}

function isSuspiciousAt(bytes: Bytes, index: number): boolean {
  return oneOf(bytes[index]! | 0x20, './ewxpcbaj') && SUSPICIOUS.some((part) => startsWith(bytes, index, part));
}

/** A mark of an earlier pass at the start of a path that was kept; some never start one. */
function masked(bytes: Bytes, from: number): boolean {
  return (
    markEnd(bytes, from) !== NONE &&
    !['<ip>', '<mail>', '<url>', '<path>'].some((mark) => startsWithExactly(bytes, from, mark))
  );
}

/** Whether a path can start at `from`, a `/`, `~` or `.`. */
export function starts(bytes: Bytes, from: number): boolean {
  const next = at(bytes, from + 1);
  if (bytes[from] === code('/'))
    return is(bytes, from + 1, WORD) || oneOf(next, '.~?-%') || next >= 0x80 || masked(bytes, from + 1);
  if (bytes[from] === code('~')) return next === code('/') && is(bytes, from + 2, WORD);
  return next === code('/') || (next === code('.') && at(bytes, from + 2) === code('/'));
}
