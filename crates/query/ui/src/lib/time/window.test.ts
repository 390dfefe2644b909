import { describe, expect, it } from 'vitest';
import { formatQuery, parseQuery } from '$lib/router/location';
import { NO_WINDOW, fixed, isUnset, ofField, spanOf, toField, windowOf, windowQuery, windowText } from './window';

const NINE = Date.parse('2026-11-18T09:00:00Z');
const HALF_PAST_TEN = Date.parse('2026-11-18T10:30:05Z');

describe('a window of time', () => {
  it('stands in the URL and comes back', () => {
    for (const window of [
      NO_WINDOW,
      { since: '6h' },
      fixed(NINE, HALF_PAST_TEN),
      fixed(NINE, undefined),
      fixed(undefined, NINE),
    ])
      expect(windowOf(parseQuery(formatQuery(windowQuery(window))))).toEqual(window);
    expect(formatQuery(windowQuery(fixed(NINE, undefined)))).toBe('?from=2026-11-18T09%3A00%3A00Z');
  });

  it('does not come from what is none', () => {
    expect(isUnset(windowOf({ since: 'yesterday', from: 'x', until: '' }))).toBe(true);
    expect(windowOf({ since: '1h', from: '2026-11-18T09:00:00Z' })).toEqual({ since: '1h' });
  });

  it('becomes moments', () => {
    expect(spanOf({ since: '15m' }, NINE)).toEqual({ from: NINE - 900_000 });
    expect(spanOf(fixed(NINE, HALF_PAST_TEN), 0)).toEqual({ from: NINE, until: HALF_PAST_TEN });
    expect(spanOf(NO_WINDOW, NINE)).toEqual({});
  });

  it('is told in words', () => {
    expect(windowText({ since: '24h' }, 'All time')).toBe('Last 24 hours');
    expect(windowText(NO_WINDOW, 'All time')).toBe('All time');
    expect(windowText(fixed(NINE, HALF_PAST_TEN), '', 'UTC')).toBe('2026-11-18 09:00 – 10:30:05');
    expect(windowText(fixed(NINE, HALF_PAST_TEN + 86_400_000), '', 'UTC')).toBe(
      '2026-11-18 09:00 – 2026-11-19 10:30:05',
    );
    expect(windowText(fixed(undefined, NINE), '', 'UTC')).toBe('Until 2026-11-18 09:00');
  });

  it('goes through a field in the zone of the viewer', () => {
    expect(ofField(toField(HALF_PAST_TEN))).toBe(HALF_PAST_TEN);
    expect([toField(undefined), ofField(''), ofField('soon')]).toEqual(['', undefined, undefined]);
  });
});
