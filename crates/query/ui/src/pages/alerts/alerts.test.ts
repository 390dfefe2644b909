import { create, toBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import {
  DetectionFilterSchema,
  DetectionSchema,
  Severity,
  Verdict,
  type Detection,
} from '$gen/turnstone/v1/detection_pb';
import { fingerprint } from '$lib/message/fingerprint';
import { parseQuery } from '$lib/router/location';
import { timestampOf } from '$lib/time/format';
import { countFilters, detectionFilter, parseFilter } from './filter';
import {
  compareGroups,
  compareTimes,
  fingerprintOf,
  groupOf,
  keyOf,
  keyOfDetection,
  selectorOf,
  withDetection,
} from './groups';
import { commandOf } from './keys';
import { Rows, type Opened } from './rows';

const NOW = Date.parse('2026-11-22T12:00:00Z');
function detection(id: string, at: number, init: Partial<Omit<Detection, '$typeName' | '$unknown'>> = {}): Detection {
  const text = init.text ?? 'sshd[1]: Failed password for root from 10.0.0.1 port 22 ssh2';
  return create(DetectionSchema, {
    id,
    entryId: `entry ${id}`,
    sourceId: 'ssh',
    anomalyLabel: 'SECURITY_ANOMALY',
    severity: Severity.ERROR,
    detectedAt: timestampOf(at),
    text,
    fingerprint: fingerprint(text),
    ...init,
  });
}

describe('collapsing', () => {
  it('makes one group of what differs in numbers only', () => {
    const one = detection('a', NOW);
    const same = detection('b', NOW + 1, { text: 'sshd[7]: Failed password for root from 192.168.3.4 port 4711 ssh2' });
    expect(keyOfDetection(same)).toBe(keyOfDetection(one));
    for (const other of [
      { text: 'sshd[1]: Accepted password for root' },
      { sourceId: 'ssh2' },
      { anomalyLabel: 'ERROR' },
      { tenantId: 't' },
    ]) {
      expect(keyOfDetection(detection('c', NOW, other))).not.toBe(keyOfDetection(one));
    }
  });

  it('makes the fingerprint that an older database lacks', () => {
    expect(fingerprintOf({ fingerprint: '', text: 'disk full' })).toBe('8c96d76f620269be');
    expect(fingerprintOf({ fingerprint: 'kept', text: 'disk full' })).toBe('kept');
  });

  it('counts what comes, and each once', () => {
    let group = groupOf(detection('a', NOW));
    group = withDetection(group, detection('b', NOW + 5, { severity: Severity.CRITICAL }));
    expect([group.detectionCount, group.openCount, group.severity, group.newest?.id]).toEqual([
      2n,
      2n,
      Severity.CRITICAL,
      'b',
    ]);
    const again = withDetection(group, detection('b', NOW + 5));
    expect(again).toBe(group);
    expect(withDetection(group, detection('a', NOW))).toBe(group);
    // One batch has one moment: its detections come in the order of their ids.
    expect(withDetection(group, detection('bb', NOW + 5)).detectionCount).toBe(3n);
    expect(withDetection(group, detection('aa', NOW + 5))).toBe(group);
    expect(group.firstSeenTime).toEqual(timestampOf(NOW));
  });

  it('orders by the newest, to the nanosecond', () => {
    const early = groupOf(detection('a', NOW, { text: 'one' }));
    const late = groupOf(detection('b', NOW, { text: 'two' }));
    late.lastSeenTime = { ...late.lastSeenTime!, nanos: late.lastSeenTime!.nanos + 1 };
    expect([early, late].toSorted(compareGroups).map(({ newest }) => newest?.id)).toEqual(['b', 'a']);
    expect(compareTimes(undefined, early.lastSeenTime)).toBeLessThan(0);
  });

  it('is acknowledged up to what was shown', () => {
    const group = groupOf(detection('a', NOW));
    expect(selectorOf(group).untilTime).toEqual(group.lastSeenTime);
    expect(keyOf(selectorOf(group))).toBe(keyOf(group));
  });
});

describe('the filter', () => {
  it('comes from the address', () => {
    const query = parseQuery(
      '?q=failed+password&state=all&severity=error&label=SECURITY_ANOMALY&source=ssh&scorer=mini&verdict=false&since=1h&suppressed=yes',
    );
    const filter = parseFilter(query);
    expect(countFilters(filter)).toBe(7);
    const wire = detectionFilter(filter, NOW);
    expect(wire.detectedFrom).toEqual(timestampOf(NOW - 3_600_000));
    expect([wire.text, wire.severity, wire.verdict, wire.suppressed, wire.unacknowledged]).toEqual([
      'failed password',
      Severity.ERROR,
      Verdict.FALSE_POSITIVE,
      true,
      undefined,
    ]);
  });

  it('shows what is open where nothing is said', () => {
    const wire = detectionFilter(parseFilter({}), NOW);
    expect([wire.unacknowledged, wire.suppressed, wire.detectedFrom]).toEqual([true, false, undefined]);
    expect(countFilters(parseFilter({}))).toBe(0);
  });

  it('passes over what it does not understand', () => {
    const odd = parseFilter(parseQuery('?state=x&severity=LOUD&verdict=maybe&since=ever&from=yesterday&until='));
    expect(odd).toEqual(parseFilter({}));
  });

  it('is the same bytes for the same address, as paging wants it', () => {
    const query = parseQuery('?source=ssh&from=2026-11-22T10:00:00Z');
    const bytes = () => toBinary(DetectionFilterSchema, detectionFilter(parseFilter(query), NOW));
    expect(bytes()).toEqual(bytes());
  });
});

describe('the rows', () => {
  const opened = (init: Partial<Opened>): Opened => ({
    occurrences: [],
    isReading: false,
    hasMore: false,
    problem: undefined,
    explained: new Set(),
    ...init,
  });

  it('are groups, and what is open behind them', () => {
    const [a, b] = [detection('1', NOW), detection('2', NOW)];
    const rows = new Rows().of(
      ['x', 'y', 'z'],
      new Map([['y', opened({ occurrences: [a, b], explained: new Set(['1']) })]]),
    );
    expect(rows.map(({ kind }) => kind)).toEqual([
      'group',
      'group',
      'detail',
      'occurrence',
      'explanation',
      'occurrence',
      'end',
      'group',
    ]);
    expect(new Set(rows.map(({ key }) => key)).size).toBe(rows.length);
  });

  it('are the same objects again', () => {
    const rows = new Rows();
    const [first] = rows.of(['x'], new Map());
    expect(rows.of(['y', 'x'], new Map())[1]).toBe(first);
    expect(rows.of(['y', 'x', 'z'], new Map([['z', opened({})]]))[1]).toBe(first);
    expect(rows.of(['x'], new Map())).toEqual([first]);
    // What has gone is forgotten.
    rows.of(['y'], new Map());
    expect(rows.of(['x'], new Map())[0]).not.toBe(first);
  });
});

describe('the keys', () => {
  const press = (key: string, init = {}) =>
    commandOf({ key, ctrlKey: false, metaKey: false, altKey: false, isTaken: false, ...init });

  it('mean what the list says', () => {
    expect(['j', 'k', 'x', 'a', 'e', '/', '?'].map((key) => press(key))).toEqual([
      'next',
      'previous',
      'select',
      'acknowledge',
      'expand',
      'search',
      'help',
    ]);
  });

  it('are left alone in fields and with modifiers', () => {
    expect([
      press('a', { ctrlKey: true }),
      press('a', { metaKey: true }),
      press('a', { isTaken: true }),
      press('q'),
    ]).toEqual([undefined, undefined, undefined, undefined]);
  });
});
