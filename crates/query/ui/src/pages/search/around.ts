// How much is shown around a line: so many lines or so many minutes on each side. In the URL `around=20` or `around=5m`, and
// `before=70` where more was asked for on one side. Pure.
import { create } from '@bufbuild/protobuf';
import { ListEntryContextRequestSchema, type ListEntryContextRequest } from '$gen/turnstone/v1/entry_pb';

export type Around = { readonly lines: number } | { readonly minutes: number };

/** What the server gives at most on each side. */
export const LINES_MAX = 1_000;
export const DAY_MINUTES = 1_440;
export const AROUND_DEFAULT: Around = { lines: 20 };
export const AROUND_CHOICES: readonly Around[] = [
  { lines: 5 },
  { lines: 20 },
  { lines: 100 },
  { minutes: 1 },
  { minutes: 5 },
  { minutes: 30 },
  { minutes: 120 },
];
/** Lines that come with each "show more". */
const STEP_MIN = 50;

export function aroundName(around: Around): string {
  return 'lines' in around ? String(around.lines) : `${around.minutes}m`;
}

export function aroundLabel(around: Around): string {
  if ('lines' in around) return `${around.lines} lines`;
  const { minutes } = around;
  if (minutes >= 60 && minutes % 60 === 0) return minutes === 60 ? '1 hour' : `${minutes / 60} hours`;
  return minutes === 1 ? '1 minute' : `${minutes} minutes`;
}

/** What is not understood is the default; what is too much is as much as there can be. */
export function parseAround(text: string | undefined): Around {
  const found = /^(\d{1,6})(m?)$/.exec(text ?? '');
  const number = Number(found?.[1] ?? 0);
  if (number === 0) return AROUND_DEFAULT;
  return found?.[2] === 'm' ? { minutes: Math.min(number, DAY_MINUTES) } : { lines: Math.min(number, LINES_MAX) };
}

/** The choices, and the present one among them where it is none of them. */
export function aroundChoices(present: Around): readonly Around[] {
  const name = aroundName(present);
  return AROUND_CHOICES.some((choice) => aroundName(choice) === name) ? AROUND_CHOICES : [...AROUND_CHOICES, present];
}

/** Lines on each side: what the choice says, or more of them by "show more". */
export interface Extent {
  readonly before: number;
  readonly after: number;
}

export function firstExtent(around: Around): Extent {
  return 'lines' in around ? { before: around.lines, after: around.lines } : { before: LINES_MAX, after: LINES_MAX };
}

/** As it stands in the URL; never less than the choice, and nothing of its own where the choice is a time. */
export function parseExtent(around: Around, before: string | undefined, after: string | undefined): Extent {
  const least = firstExtent(around);
  if ('minutes' in around) return least;
  const side = (text: string | undefined, own: number) =>
    /^\d{1,6}$/.test(text ?? '') ? Math.min(LINES_MAX, Math.max(own, Number(text))) : own;
  return { before: side(before, least.before), after: side(after, least.after) };
}

export function moreBefore({ before, after }: Extent): Extent {
  return { before: grown(before), after };
}

export function moreAfter({ before, after }: Extent): Extent {
  return { before, after: grown(after) };
}

function grown(lines: number): number {
  return Math.min(LINES_MAX, lines + Math.max(STEP_MIN, lines));
}

export function widerMinutes(minutes: number): number {
  return Math.min(DAY_MINUTES, minutes * 3);
}

export function contextRequest(entryId: string, around: Around, { before, after }: Extent): ListEntryContextRequest {
  return create(ListEntryContextRequestSchema, {
    entryId,
    maxBefore: before,
    maxAfter: after,
    ...('lines' in around ? { anyTime: true } : { windowSeconds: around.minutes * 60 }),
  });
}
