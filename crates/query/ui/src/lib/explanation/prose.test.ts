import { describe, expect, it } from 'vitest';
import { blocksOf, inlineOf, splitSections } from './prose';

describe('sections of a growing answer', () => {
  it('are found in any form of heading', () => {
    for (const text of [
      '## What happened\nA\n## Likely cause\nB\n## Evidence\n- C\n## What to check next\nD',
      '**What happened:** A\n**Likely cause:** B\n**Evidence:**\n- C\n**Next steps**\nD',
      'What happened: A\nRoot cause: B\nEvidence:\n- C\nRecommendations:\nD',
      '1. **Summary**\nA\n2. **Likely cause**: B\n3. **Evidence**\n- C\n4. **What to check next**\nD',
    ]) {
      expect(splitSections(text)).toEqual({ whatHappened: 'A', likelyCause: 'B', evidence: '- C', nextSteps: 'D' });
    }
  });

  it('are not seen where a sentence only begins so', () => {
    const text = 'Evidence shows that L1 failed\nCause and effect are unclear';
    expect(splitSections(text).whatHappened).toBe(text);
  });
});

describe('a model’s text', () => {
  it('becomes paragraphs and items', () => {
    const blocks = blocksOf('One\nstill one\n\n- a L1\n2) b\n');
    expect(blocks.map(({ kind, number }) => [kind, number])).toEqual([
      ['paragraph', undefined],
      ['item', undefined],
      ['item', '2'],
    ]);
    expect(blocks[0]?.parts).toEqual([{ kind: 'text', text: 'One\nstill one' }]);
  });

  it('names lines', () => {
    expect(
      inlineOf('see [L7] and **L8 `x`** or `L9`, not XL7 or L77777').filter(({ kind }) => kind !== 'text'),
    ).toEqual([
      { kind: 'reference', text: '[L7]', reference: 'L7' },
      { kind: 'strong', text: 'L8 `x`' },
      { kind: 'code', text: 'L9' },
    ]);
  });

  it('names several lines in one pair of brackets', () => {
    expect(inlineOf('[L1, L2]').map(({ text }) => text)).toEqual(['[', 'L1', ', ', 'L2', ']']);
  });

  it('is never markup', () => {
    expect(inlineOf('<img src=x onerror=alert(1)>')).toEqual([{ kind: 'text', text: '<img src=x onerror=alert(1)>' }]);
  });
});
