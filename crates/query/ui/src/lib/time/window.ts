// A window of time as people choose it: so long until now, or from one moment to another. As it stands in the URL: `since=6h`, or
// `from` and `until` in ISO 8601. Pure.
import type { Query } from '$lib/router/location';
import { clockTime, date, stamp } from './format';

export interface Preset {
  /** As in the URL. */
  name: string;
  minutes: number;
  label: string;
}

export const PRESETS: readonly Preset[] = [
  { name: '15m', minutes: 15, label: 'Last 15 minutes' },
  { name: '1h', minutes: 60, label: 'Last hour' },
  { name: '6h', minutes: 360, label: 'Last 6 hours' },
  { name: '24h', minutes: 1_440, label: 'Last 24 hours' },
  { name: '7d', minutes: 10_080, label: 'Last 7 days' },
  { name: '30d', minutes: 43_200, label: 'Last 30 days' },
];

/** Neither `since` nor a moment: what the page takes where nothing is chosen. */
export interface TimeWindow {
  /** Name of a preset; empty where `from` and `until` say it. */
  readonly since: string;
  /** Milliseconds since 1970. */
  readonly from?: number;
  readonly until?: number;
}

export const NO_WINDOW: TimeWindow = { since: '' };

/** What is not understood is not there. */
export function windowOf(query: Query): TimeWindow {
  const since = query['since'] ?? '';
  if (PRESETS.some(({ name }) => name === since)) return { since };
  return fixed(instant(query['from']), instant(query['until']));
}

export function fixed(from: number | undefined, until: number | undefined): TimeWindow {
  return { since: '', ...(from !== undefined && { from }), ...(until !== undefined && { until }) };
}

function instant(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}

/** The parts of the URL, all of them, so that the old ones go. */
export function windowQuery({ since, from, until }: TimeWindow): Record<'since' | 'from' | 'until', string> {
  return { since, from: iso(from), until: iso(until) };
}

function iso(ms: number | undefined): string {
  return ms === undefined ? '' : new Date(ms).toISOString().replace('.000Z', 'Z');
}

export function isUnset({ since, from, until }: TimeWindow): boolean {
  return since === '' && from === undefined && until === undefined;
}

/** The moments that it stands for at `now`. */
export function spanOf(window: TimeWindow, now: number): { from?: number; until?: number } {
  const preset = PRESETS.find(({ name }) => name === window.since);
  if (preset !== undefined) return { from: now - preset.minutes * 60_000 };
  const { from, until } = window;
  return { ...(from !== undefined && { from }), ...(until !== undefined && { until }) };
}

/** `Last 6 hours`, `2026-11-18 09:00 – 10:30`; `unset` where nothing is chosen. */
export function windowText(window: TimeWindow, unset: string, zone?: string): string {
  const preset = PRESETS.find(({ name }) => name === window.since);
  if (preset !== undefined) return preset.label;
  const { from, until } = window;
  const minute = (ms: number) => withoutZeroSeconds(stamp(ms, zone));
  if (from !== undefined && until !== undefined) {
    const end = date(from, zone) === date(until, zone) ? withoutZeroSeconds(clockTime(until, zone)) : minute(until);
    return `${minute(from)} – ${end}`;
  }
  if (from !== undefined) return `Since ${minute(from)}`;
  return until === undefined ? unset : `Until ${minute(until)}`;
}

function withoutZeroSeconds(text: string): string {
  return text.replace(/(\d\d:\d\d):00$/, '$1');
}

/** As fields of type `datetime-local` have it, in the zone of the viewer. */
export function toField(ms: number | undefined): string {
  return ms === undefined ? '' : stamp(ms).replace(' ', 'T');
}

export function ofField(text: string): number | undefined {
  // Without an offset, so in the zone of the viewer.
  return instant(text);
}
