import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { LabelExplanationSchema } from '$gen/turnstone/v1/explanation_pb';
import { percent } from '$lib/components/severity';
import { points, weightsOf } from './weights';

describe('the words that carry a label', () => {
  const explanation = create(LabelExplanationSchema, {
    text: 'Größe: 日本 DROP \u202eTABLE x',
    words: [
      { range: { start: 0, end: 7 }, weight: -0.2 },
      { range: { start: 9, end: 15 }, weight: 0.004 },
      { range: { start: 16, end: 20 }, weight: 0.8 },
      { range: { start: 21, end: 29 }, weight: 0.3 },
      { range: { start: 300, end: 310 }, weight: 0.3 },
      { weight: 0.5 },
    ],
  });

  it('have a label whose certainty is never rounded up to all of it', () => {
    expect([percent(0.999), percent(1), percent(0.123)]).toEqual(['99 %', '100 %', '12 %']);
  });

  it('are ranked, and those that say nothing are counted', () => {
    const { words, otherCount } = weightsOf(explanation);
    expect(words.map(({ text }) => text)).toEqual(['DROP', '\u202eTABLE', 'Größe']);
    expect(otherCount).toBe(1);
    expect([points(0.564), points(-0.021), points(0.001)]).toEqual(['+56', '−2', '+0']);
  });

  it('are marked in the text by how much they carry', () => {
    const { ranges } = weightsOf(explanation);
    expect(ranges.map(({ start, end, mark }) => [explanation.text.slice(start, end), mark])).toEqual([
      ['Größe', 'against-1'],
      ['DROP', 'for-4'],
      ['\u202eTABLE', 'for-2'],
    ]);
  });
});
