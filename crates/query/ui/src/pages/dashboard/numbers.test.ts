import { describe, expect, it } from 'vitest';
import { axisTop, difference, linePath, percent, rate } from './numbers';

describe('rates', () => {
  it('have as many digits as they need', () => {
    expect([0, 0.003, 0.42, 0.999, 3.71, 9.96, 85.4, 1_234.4, 12_400].map(rate)).toEqual([
      '0',
      '< 0.01',
      '0.42',
      '1.0',
      '3.7',
      '10',
      '85',
      '1,234',
      '12k',
    ]);
  });

  it('stand against the usual one', () => {
    expect(difference(112, 100)).toBe('+12%');
    expect(difference(60, 100)).toBe('−40%');
    expect(difference(0, 5)).toBe('−100%');
    expect(difference(100.2, 100)).toBe('±0%');
    expect(difference(32, 10)).toBe('×3.2');
    expect(difference(10_000, 5)).toBe('×2,000');
    expect([difference(3, undefined), difference(3, 0)]).toEqual(['', '']);
  });
});

describe('shares', () => {
  it('never claim nothing or all where there is something or not all', () => {
    expect([0, 0.0004, 0.012, 0.0994, 0.0996, 0.5, 0.9949, 0.9999, 1].map(percent)).toEqual([
      '0%',
      '< 0.1%',
      '1.2%',
      '9.9%',
      '10%',
      '50%',
      '> 99%',
      '> 99%',
      '100%',
    ]);
  });
});

describe('axes', () => {
  it('end at a round number with a whole half that holds all', () => {
    for (const largest of [0, 1, 2, 3, 7, 10, 11, 13, 99, 100, 101, 999, 10_500, 123_456, 987_654]) {
      const top = axisTop(largest);
      expect(top).toBeGreaterThanOrEqual(largest);
      expect(top / 2).toBe(Math.round(top / 2));
      // Not much more than what it holds, or the columns would be low.
      if (largest > 10) expect(top).toBeLessThanOrEqual(largest * 1.4);
    }
    expect([axisTop(10_500), axisTop(7), axisTop(130)]).toEqual([12_000, 8, 160]);
  });
});

describe('lines', () => {
  it('fill their box', () => {
    expect(linePath([0, 5, 10], 100, 20)).toBe('M0 20L50 10L100 0');
    expect(linePath([0, 0], 100, 20)).toBe('M0 20L100 20');
    expect(linePath([4], 100, 20)).toBe('');
  });
});
