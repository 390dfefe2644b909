import { describe, expect, it } from 'vitest';
import { age, clockTime, duration, exact, millis, relative, shortStamp, stamp, timestampOf } from './format';

const NOON = Date.parse('2026-11-22T12:00:00.123Z');

describe('times', () => {
  it('stand in the zone of the viewer', () => {
    expect(stamp(NOON, 'Europe/Berlin')).toBe('2026-11-22 13:00:00');
    expect(stamp(NOON, 'America/New_York')).toBe('2026-11-22 07:00:00');
    expect(clockTime(Date.parse('2026-11-22T00:00:00Z'), 'UTC')).toBe('00:00:00');
    expect(exact(NOON, 'Asia/Kolkata')).toBe('2026-11-22 17:30:00.123 Asia/Kolkata (2026-11-22T12:00:00.123Z)');
  });

  it('lose the date only today', () => {
    expect(shortStamp(NOON, NOON + 3_600_000, 'UTC')).toBe('12:00:00');
    expect(shortStamp(NOON, NOON + 86_400_000, 'UTC')).toBe('2026-11-22 12:00:00');
  });

  it('are told by their age', () => {
    expect(age(NOON - 59_000, NOON)).toBe('59 s');
    expect(age(NOON - 60_000, NOON)).toBe('1 min');
    expect(age(NOON - 3 * 86_400_000, NOON)).toBe('3 d');
    expect(relative(NOON, NOON)).toBe('just now');
    expect(relative(NOON - 7_200_000, NOON)).toBe('2 h ago');
    expect(relative(NOON + 7_260_000, NOON)).toBe('in 2 h');
    expect(relative(NOON - 40 * 86_400_000, NOON)).toMatch(/^2026-10-1\d$/);
  });

  it('survive the way through the API', () => {
    for (const ms of [NOON, 0, -1, -1_500]) expect(millis(timestampOf(ms))).toBe(ms);
    expect(timestampOf(-1).nanos).toBe(999_000_000);
  });

  it('have lengths', () => {
    expect([0.01, 0.42, 9.97, 12.4, 59.7, 119.6, 200].map(duration)).toEqual([
      '< 0.1 s',
      '0.4 s',
      '10 s',
      '12 s',
      '1 min 0 s',
      '2 min 0 s',
      '3 min 20 s',
    ]);
  });
});
