// Which stretch of time the timeline shows, and in which steps: from the address bar, for the API, and for people. Pure.
import type { Query } from '$lib/router/location';
import { formatQuery } from '$lib/router/location';
import { viewerZone } from '$lib/time/format';

export interface Range {
  /** In the URL. */
  name: string;
  label: string;
  /** For those who hear it. */
  title: string;
  seconds: number;
  bucketSeconds: number;
}

export const RANGES: readonly Range[] = [
  { name: '1h', label: '1 h', title: 'the last hour', seconds: 3_600, bucketSeconds: 60 },
  { name: '24h', label: '24 h', title: 'the last 24 hours', seconds: 86_400, bucketSeconds: 900 },
  { name: '7d', label: '7 d', title: 'the last 7 days', seconds: 7 * 86_400, bucketSeconds: 7_200 },
  { name: '4w', label: '4 w', title: 'the last 4 weeks', seconds: 28 * 86_400, bucketSeconds: 21_600 },
];
export const USUAL_RANGE: Range = RANGES[1]!;

/** From and up to (not with) an instant, in milliseconds since 1970. */
export interface Span {
  from: number;
  until: number;
}

/** A stretch up to now, or one that was zoomed to. */
export interface View {
  range: Range;
  zoom: Span | undefined;
}

const MINUTE_MS = 60_000;
const ZOOM_MIN_MS = 5 * MINUTE_MS;
const ZOOM_MAX_MS = 366 * 86_400_000;
/** Counts by minute are kept for so long; before that only hours are known. */
const MINUTES_KEPT_MS = 7 * 86_400_000;
const STEPS_SECONDS = [60, 300, 900, 1_800, 3_600, 7_200, 21_600, 43_200, 86_400, 7 * 86_400];
const BUCKETS_WANTED = 110;

/** What is not understood is as if it were not there. */
export function viewOf(query: Query): View {
  const range = RANGES.find(({ name }) => name === query['range']) ?? USUAL_RANGE;
  const from = Date.parse(query['from'] ?? '');
  const until = Date.parse(query['until'] ?? '');
  const isZoom = until > from && until - from <= ZOOM_MAX_MS;
  return { range, zoom: isZoom ? wholeMinutes({ from, until }) : undefined };
}

/** The address of a view of the dashboard. */
export function viewAddress(range: Range, zoom?: Span): string {
  return `/${formatQuery({
    range: range === USUAL_RANGE ? undefined : range.name,
    from: zoom && new Date(zoom.from).toISOString(),
    until: zoom && new Date(zoom.until).toISOString(),
  })}`;
}

/** The address of all detections of a stretch of time, those that are acknowledged too: they are in the chart. */
export function alertsAddress({ from, until }: Span): string {
  return `/alerts${formatQuery({
    state: 'all',
    from: new Date(from).toISOString(),
    until: new Date(until).toISOString(),
  })}`;
}

/** The least stretch of whole minutes around one, of at least five. */
export function wholeMinutes({ from, until }: Span): Span {
  const first = Math.floor(from / MINUTE_MS) * MINUTE_MS;
  const last = Math.ceil(until / MINUTE_MS) * MINUTE_MS;
  const missing = Math.max(0, ZOOM_MIN_MS - (last - first)) / 2;
  const before = Math.floor(missing / MINUTE_MS) * MINUTE_MS;
  return { from: first - before, until: Math.max(last + before, first - before + ZOOM_MIN_MS) };
}

/** Steps for a stretch: about a hundred, and none shorter than what is known of so long ago. */
export function bucketSecondsFor({ from, until }: Span, now: number): number {
  const least = from < now - MINUTES_KEPT_MS ? 3_600 : 60;
  const seconds = (until - from) / 1_000;
  return STEPS_SECONDS.find((step) => step >= least && seconds / step <= BUCKETS_WANTED) ?? STEPS_SECONDS.at(-1)!;
}

/** The stretch of a view at the moment `now`, and its steps; both ends lie on one. */
export function spanOf({ range, zoom }: View, now: number): Span & { bucketSeconds: number } {
  const wanted = zoom ?? { from: now - range.seconds * 1_000, until: now };
  const bucketSeconds = zoom === undefined ? range.bucketSeconds : bucketSecondsFor(zoom, now);
  const step = bucketSeconds * 1_000;
  const until = Math.ceil(wanted.until / step) * step;
  const from = Math.floor(wanted.from / step) * step;
  // Up to now: as many steps as the range has, the present one included.
  return { from: zoom === undefined ? until - range.seconds * 1_000 : from, until, bucketSeconds };
}

const formats = new Map<string, Intl.DateTimeFormat>();

function format(kind: string, zone: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${kind} ${zone}`;
  let found = formats.get(key);
  if (found === undefined) {
    found = new Intl.DateTimeFormat('en-GB', { timeZone: zone, ...options });
    formats.set(key, found);
  }
  return found;
}

/** `14:15`. */
function hourMinute(ms: number, zone: string): string {
  return format('time', zone, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(ms);
}

/** `22 Nov`. */
function dayMonth(ms: number, zone: string): string {
  return format('day', zone, { day: 'numeric', month: 'short' }).format(ms);
}

/** The name of a tick of the axis: the time of day, or the day where one begins. */
export function tickText(ms: number, zone: string = viewerZone): string {
  const time = hourMinute(ms, zone);
  return time === '00:00' ? dayMonth(ms, zone) : time;
}

/** `14:15 – 14:30` today, `21 Nov 22:00 – 04:00`, `21 Nov 22:00 – 22 Nov 04:00`. */
export function spanText({ from, until }: Span, now: number, zone: string = viewerZone): string {
  const [first, last, today] = [dayMonth(from, zone), dayMonth(until, zone), dayMonth(now, zone)];
  const begin = `${first === today && last === today ? '' : `${first} `}${hourMinute(from, zone)}`;
  // An end at midnight is the end of the day before.
  const isOneDay = first === last || (hourMinute(until, zone) === '00:00' && until - from <= 86_400_000);
  return `${begin} – ${isOneDay ? '' : `${last} `}${hourMinute(until, zone)}`;
}
