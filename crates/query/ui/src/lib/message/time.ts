// Dates and times of day in the styles of real programs: the twin of crates/types/src/template/time.rs.
import {
  ALPHA,
  ascii,
  asciiLower,
  at,
  type Bytes,
  code,
  DIGIT,
  digits,
  HEX,
  is,
  NONE,
  oneOf,
  startsWith,
  value,
  WORD,
} from './bytes';

export interface Moment {
  end: number;
  /** Month, day and time of day without year or fraction: what classic syslog writes, so a host comes next. */
  classic: boolean;
  /** It has a date, not a time of day only. */
  dated: boolean;
}

const MONTHS = new Set('jan feb mar apr may jun jul aug sep oct nov dec'.split(' '));
const DAYS = new Set('mon tue wed thu fri sat sun'.split(' '));
const ZONES = 'utc gmt cet cest est edt pst pdt cst cdt msk jst am pm'.split(' ');

function dated(end: number): Moment | undefined {
  return end === NONE ? undefined : { end, classic: false, dated: true };
}

/** Reads a moment that starts at `from`, the start of a word. */
export function moment(bytes: Bytes, from: number): Moment | undefined {
  if (!is(bytes, from, DIGIT)) return named(bytes, from);
  const first = digits(bytes, from, 1, 8);
  if (first === NONE) return undefined;
  const width = first - from;
  const next = at(bytes, first);
  if (width === 4 && oneOf(next, '-/.')) {
    const month = digits(bytes, from + 5, 2, 2);
    if (month === NONE || at(bytes, month) !== next) return undefined;
    const day = digits(bytes, month + 1, 2, 2);
    if (day === NONE || !calendar(bytes, from + 5, month, month + 1, day)) return undefined;
    return withClock(bytes, day);
  }
  if (width === 2 && next === code('/')) return slashed(bytes, from);
  if (width <= 2 && oneOf(next, '/- ')) return dayMonth(bytes, from, width) ?? android(bytes, from);
  if (width <= 2 && next === code(':')) {
    const end = clock(bytes, from, true);
    return end === NONE ? undefined : { end, classic: false, dated: false };
  }
  if (width === 2 && next === code('.')) {
    // Proxifier's "10.30 16:49:06".
    const day = digits(bytes, from + 3, 2, 2);
    if (day === NONE || !calendar(bytes, from, from + 2, from + 3, day)) return undefined;
    return at(bytes, day) === code(' ') ? dated(clock(bytes, day + 1, true)) : undefined;
  }
  if (width === 8 && oneOf(next, 'Tt')) {
    const end = digits(bytes, from + 9, 6, 6);
    return end === NONE ? undefined : finish(bytes, fraction(bytes, end));
  }
  if (width === 8 && next === code('-')) {
    let end = clockCore(bytes, from + 9, true);
    if (end === NONE) return undefined;
    if (at(bytes, end) === code(':')) {
      const full = digits(bytes, end + 1, 1, 3);
      if (full !== NONE) end = full;
    }
    return finish(bytes, end);
  }
  return undefined;
}

function calendar(bytes: Bytes, monthFrom: number, monthEnd: number, dayFrom: number, dayEnd: number): boolean {
  const month = value(bytes, monthFrom, monthEnd);
  const day = value(bytes, dayFrom, dayEnd);
  return month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

function finish(bytes: Bytes, end: number): Moment | undefined {
  const full = zone(bytes, end);
  return is(bytes, full, WORD) ? undefined : dated(full);
}

/** A date that may be followed by a time of day. */
function withClock(bytes: Bytes, day: number): Moment | undefined {
  if (oneOf(at(bytes, day), 'Tt _:-')) {
    const end = clock(bytes, day + 1, false);
    if (end !== NONE) return dated(end);
  }
  if (at(bytes, day) === code('-')) {
    const end = dottedClock(bytes, day + 1);
    if (end !== NONE) return dated(end);
  }
  // Two spaces before the hour, as in "2026-01-02  3:04:05".
  if (at(bytes, day) === code(' ') && at(bytes, day + 1) === code(' ')) {
    const end = clock(bytes, day + 2, true);
    if (end !== NONE) return dated(end);
  }
  return is(bytes, day, WORD) ? undefined : dated(day);
}

/** BlueGene's "15.42.50.675872". */
function dottedClock(bytes: Bytes, from: number): number {
  const hour = digits(bytes, from, 2, 2);
  if (hour === NONE) return NONE;
  const minute = digits(bytes, hour + 1, 2, 2);
  if (minute === NONE) return NONE;
  const second = digits(bytes, minute + 1, 2, 2);
  if (second === NONE) return NONE;
  return at(bytes, hour) === code('.') && at(bytes, minute) === code('.') ? fraction(bytes, second) : NONE;
}

/** "17/06/09 20:10:58", "06/17/2009 20:10:58", "17/Jun/2009:20:10:58 +0000". */
function slashed(bytes: Bytes, from: number): Moment | undefined {
  if (is(bytes, from + 3, ALPHA)) return dayMonth(bytes, from, 2);
  const middle = digits(bytes, from + 3, 2, 2);
  if (middle === NONE) return undefined;
  const last = digits(bytes, middle + 1, 2, 4);
  if (last === NONE || at(bytes, middle) !== code('/')) return undefined;
  const time = at(bytes, last) === code(',') ? last + 1 : last;
  return at(bytes, time) === code(' ') ? dated(clock(bytes, time + 1, false)) : undefined;
}

/** "22-Nov-2026 09:04:45", "10/Oct/2000:13:55:36 -0700", "22 Nov 2026 09:05:29.434". */
function dayMonth(bytes: Bytes, from: number, width: number): Moment | undefined {
  const separator = at(bytes, from + width);
  const month = from + width + 1;
  if (!monthAt(bytes, month) || at(bytes, month + 3) !== separator) return undefined;
  const year = digits(bytes, month + 4, 4, 4);
  return year === NONE ? undefined : withClock(bytes, year);
}

/** "03-17 16:13:38.811". */
function android(bytes: Bytes, from: number): Moment | undefined {
  const month = digits(bytes, from, 2, 2);
  if (month === NONE) return undefined;
  const day = digits(bytes, month + 1, 2, 2);
  if (day === NONE || at(bytes, month) !== code('-') || at(bytes, day) !== code(' ')) return undefined;
  if (!calendar(bytes, from, month, month + 1, day)) return undefined;
  return dated(clock(bytes, day + 1, true));
}

function word3(bytes: Bytes, from: number): string {
  return from + 3 <= bytes.length ? asciiLower(ascii(bytes, from, from + 3)) : '';
}

function monthAt(bytes: Bytes, from: number): boolean {
  return MONTHS.has(word3(bytes, from)) && !is(bytes, from + 3, ALPHA);
}

/** "Nov 22 09:05:29", "Nov 22 2026 09:05:29", "Sun Nov 22 09:12:14 UTC 2026", "Sun, 22 Nov 2026 09:12:14 GMT". */
function named(bytes: Bytes, from: number): Moment | undefined {
  let month = from;
  if (DAYS.has(word3(bytes, from))) {
    month += 3;
    if (at(bytes, month) === code(',')) month += 1;
    if (at(bytes, month) !== code(' ')) return undefined;
    month += 1;
    if (is(bytes, month, DIGIT)) {
      const end = digits(bytes, month, 1, 2);
      return end === NONE ? undefined : dayMonth(bytes, month, end - month);
    }
  }
  if (!monthAt(bytes, month) || at(bytes, month + 3) !== code(' ')) return undefined;
  let day = month + 4;
  if (at(bytes, day) === code(' ')) day += 1;
  let hour = digits(bytes, day, 1, 2);
  if (hour === NONE) return undefined;
  const dayOfMonth = value(bytes, day, hour);
  if (dayOfMonth < 1 || dayOfMonth > 31) return undefined;
  let yearBefore = false;
  if (at(bytes, hour) === code(' ')) {
    const year = digits(bytes, hour + 1, 4, 4);
    if (year !== NONE && at(bytes, year) === code(' ')) {
      hour = year;
      yearBefore = true;
    }
  }
  if (at(bytes, hour) !== code(' ')) return undefined;
  hour += 1;
  if (at(bytes, hour) === code(' ')) hour += 1;
  let end = clock(bytes, hour, true);
  if (end === NONE) return undefined;
  let yearAfter = false;
  if (at(bytes, end) === code(' ')) {
    const year = digits(bytes, end + 1, 4, 4);
    const century = ascii(bytes, end + 1, end + 3);
    if (
      year !== NONE &&
      ['19', '20', '21'].includes(century) &&
      !is(bytes, year, WORD) &&
      !oneOf(at(bytes, year), '.:')
    ) {
      end = year;
      yearAfter = true;
    }
  }
  const plain = end - hour <= 8 && month === from;
  return { end, classic: plain && !yearBefore && !yearAfter, dated: true };
}

/** A time of day with fraction and zone; `seconds` says whether they are required. */
function clock(bytes: Bytes, from: number, seconds: boolean): number {
  const core = clockCore(bytes, from, seconds);
  if (core === NONE) return NONE;
  const end = zone(bytes, fraction(bytes, core));
  // Neither a part of a longer word nor the start of a hardware address.
  if (is(bytes, end, WORD) || (at(bytes, end) === code(':') && is(bytes, end + 1, HEX))) return NONE;
  return end;
}

function clockCore(bytes: Bytes, from: number, seconds: boolean): number {
  const hour = digits(bytes, from, 1, 2);
  if (hour === NONE || at(bytes, hour) !== code(':')) return NONE;
  const minute = digits(bytes, hour + 1, 2, 2);
  if (minute === NONE || value(bytes, from, hour) > 24 || value(bytes, hour + 1, minute) > 59) return NONE;
  if (at(bytes, minute) === code(':')) {
    const second = digits(bytes, minute + 1, 2, 2);
    if (second !== NONE && value(bytes, minute + 1, second) <= 60) return second;
  }
  return seconds ? NONE : minute;
}

function fraction(bytes: Bytes, end: number): number {
  if (!oneOf(at(bytes, end), '.,')) return end;
  const full = digits(bytes, end + 1, 1, 9);
  return full === NONE ? end : full;
}

function zone(bytes: Bytes, end: number): number {
  const afterSpace = at(bytes, end) === code(' ') ? end + 1 : end;
  const byte = at(bytes, afterSpace);
  if (oneOf(byte, 'Zz') && afterSpace === end && !is(bytes, end + 1, WORD)) return end + 1;
  if (oneOf(byte, '+-')) {
    const sign = afterSpace;
    const hour = digits(bytes, sign + 1, 2, 4);
    if (hour === NONE) return end;
    let full = NONE;
    if (hour - sign === 3 && at(bytes, hour) === code(':')) full = digits(bytes, hour + 1, 2, 2);
    else if (hour - sign === 3 && sign === end) full = hour;
    else if (hour - sign === 5) full = hour;
    return full !== NONE && !is(bytes, full, WORD) ? full : end;
  }
  if (byte >= 0x41 && byte <= 0x5a && afterSpace !== end) {
    for (const name of ZONES) {
      const full = afterSpace + name.length;
      if (startsWith(bytes, afterSpace, name) && !is(bytes, full, WORD)) return full;
    }
  }
  return end;
}
