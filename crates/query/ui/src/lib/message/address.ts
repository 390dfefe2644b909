// IPv4, IPv6 and hardware addresses, UUIDs and PCI addresses: the twin of crates/types/src/template/address.rs.
import { ALPHA, at, type Bytes, code, DIGIT, digits, HEX, is, NONE, oneOf, run, value, WORD } from './bytes';
import { markEnd } from './word';

/** Whether a word goes on at `end`; a mark is a part of one. */
function joined(bytes: Bytes, end: number): boolean {
  return is(bytes, end, WORD) || markEnd(bytes, end) !== NONE;
}

export function ipv4(bytes: Bytes, from: number): number {
  let end = from;
  for (let part = 0; part < 4; part += 1) {
    if (part > 0) {
      if (at(bytes, end) !== code('.')) return NONE;
      end += 1;
    }
    const next = digits(bytes, end, 1, 3);
    if (next === NONE || value(bytes, end, next) > 255) return NONE;
    end = next;
  }
  if (is(bytes, end, WORD) || (at(bytes, end) === code('.') && is(bytes, end + 1, DIGIT))) return NONE;
  return port(bytes, end);
}

/** Skips ":port" or "/bits" behind an address. */
function port(bytes: Bytes, end: number): number {
  const byte = at(bytes, end);
  const most = byte === code(':') ? 5 : byte === code('/') ? 3 : 0;
  if (most === 0) return end;
  const full = digits(bytes, end + 1, 1, most);
  return full !== NONE && !is(bytes, full, WORD) && at(bytes, full) !== code('.') ? full : end;
}

export function mac(bytes: Bytes, from: number): number {
  const separator = at(bytes, from + 2);
  if (!oneOf(separator, ':-')) return NONE;
  for (let pair = 0; pair < 6; pair += 1) {
    const start = from + pair * 3;
    if (!is(bytes, start, HEX) || !is(bytes, start + 1, HEX) || (pair < 5 && at(bytes, start + 2) !== separator))
      return NONE;
  }
  const end = from + 17;
  const longer = at(bytes, end) === separator && (is(bytes, end + 1, HEX) || markEnd(bytes, end + 1) !== NONE);
  return !joined(bytes, end) && !longer ? end : NONE;
}

export function ipv6(bytes: Bytes, from: number): number {
  let end = from;
  let groups = 0;
  let gap = false;
  let digit = false;
  let groupStart = from;
  for (;;) {
    if (is(bytes, end, HEX)) groupStart = end;
    let next = end;
    while (is(bytes, next, HEX) && next - end < 5) {
      digit ||= is(bytes, next, DIGIT);
      next += 1;
    }
    if (next - end > 4) return NONE;
    if (next > end) groups += 1;
    end = next;
    if (at(bytes, end) !== code(':') || groups === 8) break;
    if (at(bytes, end + 1) === code(':')) {
      if (gap) return NONE;
      gap = true;
      end += 2;
    } else if (is(bytes, end + 1, HEX)) {
      end += 1;
    } else {
      break;
    }
  }
  if (!digit || !((groups === 8 && !gap) || (gap && groups >= 1 && groups < 8))) return NONE;
  if (at(bytes, end) === code('.') && is(bytes, end + 1, DIGIT)) return gap ? ipv4(bytes, groupStart) : NONE;
  if (at(bytes, end) === code('%') && is(bytes, end + 1, ALPHA)) end = run(bytes, end + 1, WORD);
  if (at(bytes, end) === code('/') || (groups === 8 && !gap)) end = port(bytes, end);
  const longer = at(bytes, end) === code(':') && markEnd(bytes, end + 1) !== NONE;
  return !joined(bytes, end) && !longer ? end : NONE;
}

export function uuid(bytes: Bytes, from: number): number {
  let end = from;
  for (const [part, width] of [8, 4, 4, 4, 12].entries()) {
    if (part > 0) {
      if (at(bytes, end) !== code('-')) return NONE;
      end += 1;
    }
    const wanted = end + width;
    while (end < wanted) {
      if (!is(bytes, end, HEX)) return NONE;
      end += 1;
    }
  }
  return joined(bytes, end) ? NONE : end;
}

export function pci(bytes: Bytes, from: number): number {
  for (const [offset, kind] of Array.from('hhhh:hh:hh').entries()) {
    const good = kind === ':' ? at(bytes, from + offset) === code(':') : is(bytes, from + offset, HEX);
    if (!good) return NONE;
  }
  let end = from + 10;
  if (at(bytes, end) === code('.') && is(bytes, end + 1, DIGIT)) end += 2;
  const longer = at(bytes, end) === code(':') && is(bytes, end + 1, HEX);
  return !is(bytes, end, WORD) && !longer ? end : NONE;
}
