// Which words carry a label: ranges to show them by, and the same in words and numbers. Pure.
import type { LabelExplanation } from '$gen/turnstone/v1/explanation_pb';
import { rangesOfBytes, type MarkedRange } from '$lib/text/visible';

export interface WeighedWord {
  text: string;
  /** -1 to 1. */
  weight: number;
}

export interface Weights {
  /** With classes `for-1` to `for-4` and `against-1` to `against-4`. */
  ranges: MarkedRange[];
  /** The words that matter, the strongest first. */
  words: WeighedWord[];
  /** Words that were weighed and hardly matter. */
  otherCount: number;
}

/** Below this a word says nothing. */
const WEIGHT_MIN = 0.01;
const WORDS_MAX = 12;

export function weightsOf({ text, words }: Pick<LabelExplanation, 'text' | 'words'>): Weights {
  const strongest = words.reduce((most, { weight }) => Math.max(most, Math.abs(weight)), WEIGHT_MIN);
  const weighed = words.flatMap(({ range, weight }) => {
    const [place] = range === undefined ? [] : rangesOfBytes(text, [{ ...range, mark: '' }]);
    return place === undefined ? [] : [{ place, weight, text: text.slice(place.start, place.end) }];
  });
  const telling = weighed.filter(({ weight }) => Math.abs(weight) >= WEIGHT_MIN);
  const ranked = [...telling].sort((a, b) => Math.abs(b.weight) - Math.abs(a.weight)).slice(0, WORDS_MAX);
  return {
    ranges: telling.map(({ place, weight }) => ({ ...place, mark: classOf(weight, strongest) })),
    words: ranked.map(({ text: word, weight }) => ({ text: word, weight })),
    otherCount: weighed.length - ranked.length,
  };
}

function classOf(weight: number, strongest: number): string {
  const step = Math.min(4, Math.max(1, Math.ceil((Math.abs(weight) / strongest) * 4)));
  return `${weight > 0 ? 'for' : 'against'}-${step}`;
}

/** Percentage points with their sign: `+56`, `−2`. */
export function points(weight: number): string {
  const rounded = Math.round(weight * 100);
  return rounded < 0 ? `−${-rounded}` : `+${rounded}`;
}
