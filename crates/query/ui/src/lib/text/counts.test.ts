import { describe, expect, it } from 'vitest';
import { count, exactCount, howMany, shortCount } from './counts';

describe('counts', () => {
  it('keep their digits below a million', () => {
    expect([0, 999, 12_345, 999_999n].map(count)).toEqual(['0', '999', '12,345', '999,999']);
    expect([1_000_000, 1_284_331n, 34_567_890, 999_999_999, 2_500_000_000].map(count)).toEqual([
      '1.00 M',
      '1.28 M',
      '34.5 M',
      '999 M',
      '2.50 G',
    ]);
    expect(exactCount(9_007_199_254_740_993n)).toBe('9,007,199,254,740,993');
  });

  it('are short on axes', () => {
    expect([0, 950, 1_000, 1_290, 34_900, 999_999, 1_300_000].map(shortCount)).toEqual([
      '0',
      '950',
      '1k',
      '1.2k',
      '34k',
      '999k',
      '1.3M',
    ]);
  });

  it('stand before what they count', () => {
    expect([howMany(0, 'line'), howMany(1, 'line'), howMany(1_204, 'entry', 'entries')]).toEqual([
      '0 lines',
      '1 line',
      '1,204 entries',
    ]);
  });
});
