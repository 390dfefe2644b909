// How a source does, in a word, and why. Pure.
import type { Source } from '$gen/turnstone/v1/stats_pb';
import { age, millis } from '$lib/time/format';
import { percent, rate } from './numbers';

export type Tone = 'bad' | 'odd' | 'good' | 'calm';

export interface Health {
  /** What the chip says. */
  word: string;
  tone: Tone;
  /** A sentence on hover and for those who hear it. */
  why: string;
}

/** Rates are over about five minutes. */
const RATE_WINDOW_SECONDS = 300;
/** With fewer lines than these expected in that time, chance alone makes large differences: at 20, less than a third of them comes
 * about once in 30,000 (Poisson). */
const EXPECTED_LINES_MIN = 20;
const SLOW_RATIO = 1 / 3;
const BUSY_RATIO = 3;
/** Shares of the lines of the last hour from which a source needs a look. */
export const ERROR_SHARE_ODD = 0.2;
export const UNDATED_SHARE_ODD = 0.05;

type Measured = Pick<
  Source,
  'fault' | 'entryCount' | 'lastEntryTime' | 'linesPerSecond' | 'usualLinesPerSecond' | 'errorShare' | 'undatedShare'
>;

export function healthOf(source: Measured, now: number): Health {
  const { linesPerSecond, usualLinesPerSecond: usual = 0 } = source;
  if (source.fault !== '') return { word: 'Fault', tone: 'bad', why: source.fault };
  if (Number(source.entryCount) === 0) {
    return { word: 'No lines yet', tone: 'calm', why: 'It can be read, and nothing has been written to it so far.' };
  }
  const isUsuallyHeard = usual * RATE_WINDOW_SECONDS >= EXPECTED_LINES_MIN;
  const against = `${rate(linesPerSecond)} lines/s, usually ${rate(usual)} at this hour.`;
  if (isUsuallyHeard && linesPerSecond === 0) {
    const last = source.lastEntryTime && millis(source.lastEntryTime);
    const silence = last === undefined ? '' : ` The last line is ${age(last, now)} old.`;
    return {
      word: 'Silent',
      tone: 'odd',
      why: `Nothing comes, usually ${rate(usual)} lines/s at this hour.${silence}`,
    };
  }
  if (isUsuallyHeard && linesPerSecond < usual * SLOW_RATIO) return { word: 'Slow', tone: 'odd', why: against };
  if ((source.errorShare ?? 0) >= ERROR_SHARE_ODD) {
    const why = `${percent(source.errorShare ?? 0)} of the lines of the last hour state ERROR or CRITICAL.`;
    return { word: 'Errors', tone: 'odd', why };
  }
  if ((source.undatedShare ?? 0) >= UNDATED_SHARE_ODD) {
    const why = `${percent(source.undatedShare ?? 0)} of the lines of the last hour have no time that could be read.`;
    return { word: 'Undated', tone: 'odd', why };
  }
  const isMuch = linesPerSecond * RATE_WINDOW_SECONDS >= 5 * EXPECTED_LINES_MIN;
  if (usual > 0 && isMuch && linesPerSecond > usual * BUSY_RATIO) return { word: 'Busy', tone: 'odd', why: against };
  if (linesPerSecond === 0) return { word: 'Quiet', tone: 'calm', why: 'Nothing new in the last five minutes.' };
  return { word: 'Healthy', tone: 'good', why: usual > 0 ? against : `${rate(linesPerSecond)} lines/s.` };
}

const RANK: Readonly<Record<Tone, number>> = { bad: 0, odd: 1, good: 2, calm: 2 };

/** What needs a person first, then by name: the order changes only with the state of a source. */
export function byNeed(sources: readonly Source[], now: number): { source: Source; health: Health }[] {
  return sources
    .map((source) => ({ source, health: healthOf(source, now) }))
    .sort(
      (a, b) =>
        RANK[a.health.tone] - RANK[b.health.tone] ||
        a.source.sourceId.localeCompare(b.source.sourceId, 'en') ||
        a.source.tenantId.localeCompare(b.source.tenantId, 'en'),
    );
}

/** A rate against the usual one on a bar from 0 to 1: how far it is filled, and where the usual one is marked. */
export function rateBar(now: number, usual: number | undefined): { fill: number; mark: number } | undefined {
  if (usual === undefined || (usual <= 0 && now <= 0)) return undefined;
  // Usual is in the middle, until the present one does not fit beside it.
  const full = Math.max(usual * 2, now);
  return { fill: now / full, mark: usual / full };
}

/** Lines a second of all sources, now and usually; undefined while nothing is usual for any of them. */
export function wholeRate(sources: readonly Source[]): { now: number; usual: number | undefined } {
  const known = sources.filter(({ usualLinesPerSecond }) => usualLinesPerSecond !== undefined);
  return {
    now: sources.reduce((sum, { linesPerSecond }) => sum + linesPerSecond, 0),
    usual: known.length === 0 ? undefined : known.reduce((sum, source) => sum + (source.usualLinesPerSecond ?? 0), 0),
  };
}
