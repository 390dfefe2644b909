import { describe, expect, it } from 'vitest';
import type { Query } from '$lib/router/location';
import {
  alertsAddress,
  bucketSecondsFor,
  RANGES,
  spanOf,
  spanText,
  tickText,
  viewAddress,
  viewOf,
  wholeMinutes,
} from './span';

const NOW = Date.parse('2026-11-22T12:07:31.500Z');
const at = (text: string) => Date.parse(`2026-11-${text}Z`);

describe('views', () => {
  it('stand in the address bar', () => {
    expect(viewOf({}).range.name).toBe('24h');
    expect(viewOf({ range: '7d' })).toEqual({ range: RANGES[2], zoom: undefined });
    const zoom = { from: at('21T08:00:00'), until: at('21T09:30:00') };
    const address = viewAddress(RANGES[2]!, zoom);
    expect(address).toBe('/?from=2026-11-21T08%3A00%3A00.000Z&range=7d&until=2026-11-21T09%3A30%3A00.000Z');
    expect(viewOf(Object.fromEntries(new URL(address, 'http://h').searchParams))).toEqual({ range: RANGES[2], zoom });
    expect(viewAddress(RANGES[1]!)).toBe('/');
  });

  it('take no nonsense', () => {
    const nonsense: Query[] = [
      { range: '9y' },
      { from: 'x', until: 'y' },
      { from: '2026-11-22T10:00:00Z' },
      { from: '2026-11-22T10:00:00Z', until: '2026-11-22T09:00:00Z' },
      { from: '1970-01-01T00:00:00Z', until: '2026-11-22T09:00:00Z' },
    ];
    for (const query of nonsense) {
      expect(viewOf(query)).toEqual({ range: RANGES[1], zoom: undefined });
    }
  });

  it('lead to all alerts of a window', () => {
    expect(alertsAddress({ from: at('22T10:00:00'), until: at('22T10:15:00') })).toBe(
      '/alerts?from=2026-11-22T10%3A00%3A00.000Z&state=all&until=2026-11-22T10%3A15%3A00.000Z',
    );
  });
});

describe('steps', () => {
  it('fill a range up to the present one', () => {
    for (const range of RANGES) {
      const { from, until, bucketSeconds } = spanOf({ range, zoom: undefined }, NOW);
      expect(until).toBeGreaterThan(NOW);
      expect(until - NOW).toBeLessThanOrEqual(bucketSeconds * 1_000);
      expect((until - from) / 1_000).toBe(range.seconds);
      expect([from % (bucketSeconds * 1_000), until % (bucketSeconds * 1_000)]).toEqual([0, 0]);
      expect(range.seconds / bucketSeconds).toBeLessThanOrEqual(112);
      // Minutes are not kept for longer than seven days.
      if (range.seconds >= 7 * 86_400) expect(bucketSeconds % 3_600).toBe(0);
    }
  });

  it('grow with the window, and are hours where minutes are no longer known', () => {
    const window = (hours: number, daysAgo: number) => {
      const until = NOW - daysAgo * 86_400_000;
      return bucketSecondsFor({ from: until - hours * 3_600_000, until }, NOW);
    };
    expect([window(0.5, 0), window(6, 0), window(24, 0), window(24 * 6, 0)]).toEqual([60, 300, 900, 7_200]);
    expect([window(0.5, 8), window(24, 8), window(24 * 365, 8)]).toEqual([3_600, 3_600, 7 * 86_400]);
  });

  it('of a zoom hold all of it', () => {
    const zoom = { from: at('20T08:03:00'), until: at('20T19:58:00') };
    const span = spanOf({ range: RANGES[1]!, zoom }, NOW);
    expect(span.from).toBeLessThanOrEqual(zoom.from);
    expect(span.until).toBeGreaterThanOrEqual(zoom.until);
    expect([span.from, span.until, span.bucketSeconds]).toEqual([at('20T08:00:00'), at('20T20:00:00'), 900]);
  });

  it('never zoom closer than five minutes', () => {
    expect(wholeMinutes({ from: at('22T10:00:20'), until: at('22T10:00:40') })).toEqual({
      from: at('22T09:58:00'),
      until: at('22T10:03:00'),
    });
    expect(wholeMinutes({ from: at('22T10:00:20'), until: at('22T10:09:40') })).toEqual({
      from: at('22T10:00:00'),
      until: at('22T10:10:00'),
    });
  });
});

describe('windows', () => {
  it('are named in the zone of the viewer', () => {
    const name = (from: string, until: string, zone = 'UTC') =>
      spanText({ from: at(from), until: at(until) }, NOW, zone);
    expect(name('22T10:00:00', '22T10:15:00')).toBe('10:00 – 10:15');
    expect(name('22T10:00:00', '22T10:15:00', 'Europe/Berlin')).toBe('11:00 – 11:15');
    expect(name('21T22:00:00', '22T00:00:00')).toBe('21 Nov 22:00 – 00:00');
    expect(name('21T22:00:00', '22T04:00:00')).toBe('21 Nov 22:00 – 22 Nov 04:00');
    expect(name('20T00:00:00', '22T00:00:00')).toBe('20 Nov 00:00 – 22 Nov 00:00');
    expect([tickText(at('22T00:00:00'), 'UTC'), tickText(at('22T06:30:00'), 'UTC')]).toEqual(['22 Nov', '06:30']);
  });
});
