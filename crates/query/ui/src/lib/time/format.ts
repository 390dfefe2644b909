// Times for people, in the viewer's zone. Stamps are written as logs write them, so that they can be compared by eye.
import type { Timestamp } from '@bufbuild/protobuf/wkt';

export const viewerZone: string = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** Milliseconds since 1970. */
export function millis(timestamp: Timestamp): number {
  return Number(timestamp.seconds) * 1_000 + Math.floor(timestamp.nanos / 1_000_000);
}

export function timestampOf(ms: number): Timestamp {
  const seconds = Math.floor(ms / 1_000);
  return {
    $typeName: 'google.protobuf.Timestamp',
    seconds: BigInt(seconds),
    nanos: Math.round((ms - seconds * 1_000) * 1_000_000),
  };
}

const formats = new Map<string, Intl.DateTimeFormat>();

interface Parts {
  year: string;
  month: string;
  day: string;
  hour: string;
  minute: string;
  second: string;
}

function partsOf(ms: number, zone: string): Parts {
  let format = formats.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-GB', {
      timeZone: zone,
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
      hourCycle: 'h23',
    });
    formats.set(zone, format);
  }
  return Object.fromEntries(format.formatToParts(ms).map(({ type, value }) => [type, value])) as unknown as Parts;
}

/** `14:03:07`. */
export function clockTime(ms: number, zone: string = viewerZone): string {
  const { hour, minute, second } = partsOf(ms, zone);
  return `${hour}:${minute}:${second}`;
}

/** `2026-11-22`. */
export function date(ms: number, zone: string = viewerZone): string {
  const { year, month, day } = partsOf(ms, zone);
  return `${year}-${month}-${day}`;
}

/** `2026-11-22 14:03:07`. */
export function stamp(ms: number, zone: string = viewerZone): string {
  return `${date(ms, zone)} ${clockTime(ms, zone)}`;
}

/** The time of day where it is today, the date too where it is not. */
export function shortStamp(ms: number, now: number, zone: string = viewerZone): string {
  return date(ms, zone) === date(now, zone) ? clockTime(ms, zone) : stamp(ms, zone);
}

/** All there is to know: `2026-11-22 14:03:07.123 Europe/Berlin (2026-11-22T13:03:07.123Z)`. */
export function exact(ms: number, zone: string = viewerZone): string {
  const fraction = String(((ms % 1_000) + 1_000) % 1_000).padStart(3, '0');
  return `${stamp(ms, zone)}.${fraction} ${zone} (${new Date(ms).toISOString()})`;
}

const STEPS: [limitSeconds: number, divisor: number, unit: string][] = [
  [60, 1, 's'],
  [3_600, 60, 'min'],
  [86_400, 3_600, 'h'],
  [86_400 * 14, 86_400, 'd'],
];

/** `4 s`, `12 min`, `3 h`, `5 d`, or the date beyond two weeks. */
export function age(ms: number, now: number): string {
  const seconds = Math.max(0, (now - ms) / 1_000);
  for (const [limit, divisor, unit] of STEPS) {
    if (seconds < limit) return `${Math.floor(seconds / divisor)} ${unit}`;
  }
  return date(ms);
}

/** `just now`, `12 min ago`, `in 3 h`, or the date beyond two weeks. */
export function relative(ms: number, now: number): string {
  if (ms - now > 2_000) {
    const ahead = age(2 * now - ms, now);
    return ahead.includes('-') ? date(ms) : `in ${ahead}`;
  }
  if (now - ms < 5_000) return 'just now';
  const text = age(ms, now);
  return text.includes('-') ? text : `${text} ago`;
}

/** `< 0.1 s`, `0.4 s`, `12 s`, `3 min 20 s`. */
export function duration(seconds: number): string {
  if (seconds < 0.05) return '< 0.1 s';
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
