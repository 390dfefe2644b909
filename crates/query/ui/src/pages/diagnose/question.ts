// A question as it stands in the URL, and as the server takes it. Pure.
import type { Source } from '$gen/turnstone/v1/stats_pb';
import type { Query } from '$lib/router/location';
import { millis, timestampOf } from '$lib/time/format';
import { fixed, spanOf, windowOf, windowQuery, type TimeWindow } from '$lib/time/window';

/** What the server takes an empty question for: `DEFAULT_DIAGNOSE_QUERY` of crates/explain/src/prompt. */
export const DEFAULT_QUESTION =
  'What is going wrong in these lines? Begin with the most serious problem and name the lines that show it. If they show no problem, say so.';

/** The window where none is chosen, which is the server's too. */
export const DEFAULT_WINDOW = '1h';

export const HOUR_MS = 3_600_000;

/** What the server takes. */
export const QUESTION_CHARS_MAX = 1_000;
export const SOURCES_MAX = 100;

export interface Question {
  readonly text: string;
  readonly window: TimeWindow;
  /** All where there are none. */
  readonly sources: readonly string[];
}

export function parseQuestion(query: Query): Question {
  const text = query['q'] ?? '';
  return {
    text: text.trim() === '' ? DEFAULT_QUESTION : text,
    window: windowOf(query),
    sources: (query['sources'] ?? '').split(' ').filter(Boolean).map(unescaped).slice(0, SOURCES_MAX),
  };
}

/** The parts of the URL that say this, all of them, so that the old ones go. */
export function questionQuery({ text, window, sources }: Question): Record<string, string> {
  const chosen = window.since === DEFAULT_WINDOW ? { since: '' } : window;
  return {
    q: isDefault(text) ? '' : text.trim(),
    ...windowQuery(chosen),
    // Names may hold spaces; the plus signs between them are easier to read than commas in a URL.
    sources: [...sources].sort().map(encodeURIComponent).join(' '),
  };
}

function unescaped(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

function isDefault(text: string): boolean {
  return text.trim() === '' || text.trim() === DEFAULT_QUESTION;
}

/** The moments that it is about at `now`. */
export function spanAsked({ window }: Question, now: number): { from: number; until: number } {
  const { from, until } = spanOf(window, now);
  const end = until ?? now;
  return { from: from ?? end - HOUR_MS, until: end };
}

/** How many times as long a window is that is asked about where nothing was found. */
export const WIDER = 12;

/** Longer, to the same end: an hour becomes half a day. */
export function widerWindow(from: number, until: number): TimeWindow {
  return fixed(until - WIDER * (until - from), until);
}

/** `12 hours`: how long so many times this is. */
export function lengthText(ms: number, times: number): string {
  const minutes = Math.max(1, Math.round((ms * times) / 60_000));
  if (minutes < 120) return `${minutes} minutes`;
  return minutes < 2_880 ? `${Math.round(minutes / 60)} hours` : `${Math.round(minutes / 1_440)} days`;
}

/** As the server takes it, at the moment `now`. */
export function diagnoseRequest(question: Question, now: number) {
  const { from, until } = spanAsked(question, now);
  return {
    query: isDefault(question.text) ? '' : question.text.trim(),
    timeFrom: timestampOf(from),
    timeUntil: timestampOf(until),
    sourceIds: [...question.sources],
  };
}

/** When the newest line of these sources was written; undefined where there is none, or none is known. */
export function newestLine(sources: readonly Source[], chosen: readonly string[]): number | undefined {
  const times = sources
    .filter(({ sourceId }) => chosen.length === 0 || chosen.includes(sourceId))
    .flatMap(({ lastEntryTime }) => (lastEntryTime === undefined ? [] : [millis(lastEntryTime)]));
  return times.length === 0 ? undefined : Math.max(...times);
}
