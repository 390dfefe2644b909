import { describe, expect, it } from 'vitest';
import { Heights, forgetGone } from './heights';

describe('heights', () => {
  it('agree with plain sums', () => {
    let seed = 7;
    const random = () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
    const plain = Array.from({ length: 777 }, () => 20 + Math.floor(random() * 80));
    const heights = new Heights(plain);
    for (let round = 0; round < 500; round += 1) {
      const index = Math.floor(random() * plain.length);
      const height = Math.floor(random() * 100);
      expect(heights.set(index, height)).toBe(height - plain[index]!);
      plain[index] = height;
    }
    let sum = 0;
    for (const [index, height] of plain.entries()) {
      expect(heights.offset(index)).toBe(sum);
      if (height > 0) {
        expect(heights.at(sum)).toBe(index);
        expect(heights.at(sum + height - 0.5)).toBe(index);
      }
      sum += height;
    }
    expect(heights.total).toBe(sum);
    expect(heights.at(sum + 1_000)).toBe(plain.length - 1);
    expect(heights.at(-5)).toBe(0);
  });

  it('of rows that are gone are forgotten, once there are many', () => {
    const known = new Map(Array.from({ length: 1_010 }, (_, index) => [String(index), index]));
    const present = (count: number) => new Map(Array.from({ length: count }, (_, index) => [String(index), index]));
    forgetGone(known, present(10));
    expect(known.size).toBe(1_010);
    forgetGone(known, present(9));
    expect([...known.values()]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it('of nothing are nothing', () => {
    const none = new Heights([]);
    expect([none.total, none.at(10), none.set(0, 5), none.offset(3)]).toEqual([0, 0, 0, 0]);
  });
});
