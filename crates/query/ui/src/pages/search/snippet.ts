// The part of a line that a row of results shows: from its beginning, or from shortly before the first match where that lies far
// behind. Pure.
import type { MarkedRange } from '$lib/text/visible';

export interface Snippet {
  text: string;
  ranges: MarkedRange[];
  /** Whether something is left out before it. */
  isCutBefore: boolean;
}

const LEAD = 40;

/** At most `most` UTF-16 units, whole characters. `ranges` are in UTF-16 units of the text, in order. */
export function snippet(text: string, ranges: readonly MarkedRange[], most: number): Snippet {
  const first = ranges[0];
  // Shown from the beginning wherever the first match is seen then.
  let start = first === undefined || first.end <= most - LEAD ? 0 : Math.max(0, first.start - LEAD);
  start = wordStart(text, start, first?.start ?? 0);
  const end = onCharacter(text, Math.min(text.length, start + most));
  const inside = ranges
    .filter((range) => range.end > start && range.start < end)
    .map(({ start: from, end: until, mark }) => ({
      start: Math.max(from, start) - start,
      end: Math.min(until, end) - start,
      mark,
    }));
  return { text: text.slice(start, end), ranges: inside, isCutBefore: start > 0 };
}

/** The beginning of a word between `from` and `until`, or the next whole character. */
function wordStart(text: string, from: number, until: number): number {
  if (from === 0) return 0;
  const space = text.slice(from, until).search(/\s\S/);
  return space === -1 ? onCharacter(text, from) : from + space + 1;
}

function onCharacter(text: string, at: number): number {
  const unit = text.charCodeAt(at);
  return unit >= 0xdc00 && unit <= 0xdfff ? at - 1 : at;
}
