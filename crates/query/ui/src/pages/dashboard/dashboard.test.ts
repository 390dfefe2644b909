import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { DetectionGroupSchema, Severity } from '$gen/turnstone/v1/detection_pb';
import { DetectionTallySchema, LabelCountSchema, SourceSchema, TimelineSchema } from '$gen/turnstone/v1/stats_pb';
import { timestampOf } from '$lib/time/format';
import { backlogState, growth, sampled, type Sample } from './backlog';
import { busySteps, columnsOf, stepSpan, stepText } from './columns';
import { byNeed, healthOf, rateBar, wholeRate } from './health';
import { criticalsOf, merged, unseen, type Critical } from './recent';
import { judgedAll, judgedLabels } from './verdicts';

const NOW = Date.parse('2026-11-22T12:00:00Z');

describe('columns', () => {
  const from = NOW - 3_600_000;
  const timeline = create(TimelineSchema, {
    bucketSeconds: 900,
    buckets: [
      {
        startTime: timestampOf(from),
        entries: [
          { severity: Severity.UNSPECIFIED, count: 5n },
          { severity: Severity.INFO, count: 7n },
          { severity: Severity.CRITICAL, count: 1n },
        ],
      },
      {
        startTime: timestampOf(from + 2 * 900_000),
        detections: [
          { severity: Severity.WARN, count: 2n },
          { severity: Severity.CRITICAL, count: 1n },
          { severity: 17 as Severity, count: 4n },
        ],
      },
      { startTime: timestampOf(from - 900_000), entries: [{ severity: Severity.INFO, count: 100n }] },
      { startTime: timestampOf(NOW), entries: [{ severity: Severity.INFO, count: 100n }] },
    ],
  });
  const columns = columnsOf(timeline, { from, until: NOW });

  it('are there for each step, whether something came or not', () => {
    expect(columns.starts).toEqual([0, 1, 2, 3].map((step) => from + step * 900_000));
    expect(columns.lines.totals).toEqual([13, 0, 0, 0]);
    expect(columns.lines.counts.map((layer) => layer[0])).toEqual([1, 0, 0, 12]);
    expect(columns.detections.totals).toEqual([0, 0, 7, 0]);
    expect([columns.lines.sum, columns.detections.sum, columns.detections.sums]).toEqual([13, 7, [1, 0, 2, 4]]);
  });

  it('can be told', () => {
    expect(busySteps(columns)).toEqual([2, 0]);
    expect(stepSpan(columns, 2)).toEqual({ from: from + 1_800_000, until: from + 2_700_000 });
    expect(stepText(columns, 0)).toBe('13 lines, 0 detections');
    expect(stepText(columns, 2)).toBe('0 lines, 7 detections: 1 critical, 2 warn, 4 info');
  });

  it('of nothing are empty', () => {
    const empty = columnsOf(create(TimelineSchema, { bucketSeconds: 60 }), { from, until: NOW });
    expect([empty.starts.length, empty.lines.sum, busySteps(empty)]).toEqual([60, 0, []]);
  });
});

describe('the backlog', () => {
  it('is told by its age', () => {
    expect(backlogState(0, undefined, [], NOW)).toEqual({ tone: 'good', text: 'Everything is scored' });
    const tones = [10_000, 6 * 60_000, 40 * 60_000].map((ms) => backlogState(5, NOW - ms, [], NOW));
    expect(tones).toEqual([
      { tone: 'calm', text: 'oldest 10 s' },
      { tone: 'odd', text: 'oldest 6 min' },
      { tone: 'bad', text: 'oldest 40 min' },
    ]);
  });

  it('tells when it will be clear, or that it does not shrink', () => {
    const falling: Sample[] = [
      { at: NOW - 20_000, unscored: 1_000 },
      { at: NOW, unscored: 800 },
    ];
    expect(growth(falling)).toBe(-10);
    expect(backlogState(800, NOW - 30_000, falling, NOW).text).toBe('oldest 30 s · clear in about 2 min');
    const still = falling.map((sample) => ({ ...sample, unscored: 800 }));
    expect(backlogState(800, NOW - 600_000, still, NOW).text).toBe(
      'oldest 10 min · not shrinking: is a scorer running?',
    );
    expect(growth([{ at: NOW, unscored: 5 }])).toBeUndefined();
  });

  it('remembers two minutes, each moment once', () => {
    let samples: Sample[] = [];
    for (let second = 0; second <= 300; second += 10)
      samples = sampled(samples, { at: second * 1_000, unscored: second });
    samples = sampled(samples, { at: 300_000, unscored: 7 });
    expect(samples.length).toBe(12);
    expect(samples.at(-1)).toEqual({ at: 300_000, unscored: 7 });
  });
});

describe('the health of a source', () => {
  const source = (fields: Partial<Parameters<typeof healthOf>[0]> & { sourceId?: string }) =>
    create(SourceSchema, { entryCount: 10n, linesPerSecond: 1, lastEntryTime: timestampOf(NOW - 600_000), ...fields });
  const word = (fields: Parameters<typeof source>[0]) => healthOf(source(fields), NOW).word;

  it('has one word, the worst', () => {
    expect(word({ fault: 'permission denied', linesPerSecond: 0 })).toBe('Fault');
    expect(word({ entryCount: 0n, linesPerSecond: 0 })).toBe('No lines yet');
    expect(word({ linesPerSecond: 0, usualLinesPerSecond: 2 })).toBe('Silent');
    expect(word({ linesPerSecond: 0.5, usualLinesPerSecond: 2 })).toBe('Slow');
    expect(word({ errorShare: 0.3 })).toBe('Errors');
    expect(word({ undatedShare: 0.1 })).toBe('Undated');
    expect(word({ linesPerSecond: 9, usualLinesPerSecond: 2 })).toBe('Busy');
    expect(word({ linesPerSecond: 0 })).toBe('Quiet');
    expect(word({ linesPerSecond: 2.2, usualLinesPerSecond: 2, errorShare: 0.01, undatedShare: 0 })).toBe('Healthy');
  });

  it('says nothing of rates so low that chance decides', () => {
    expect(word({ linesPerSecond: 0, usualLinesPerSecond: 0.05 })).toBe('Quiet');
    expect(word({ linesPerSecond: 0.1, usualLinesPerSecond: 0.02 })).toBe('Healthy');
  });

  it('tells why', () => {
    expect(healthOf(source({ linesPerSecond: 0, usualLinesPerSecond: 2 }), NOW).why).toBe(
      'Nothing comes, usually 2.0 lines/s at this hour. The last line is 10 min old.',
    );
  });

  it('orders them: what needs a person first, then by name', () => {
    const rows = byNeed(
      [
        source({ sourceId: 'b' }),
        source({ sourceId: 'c', undatedShare: 1 }),
        source({ sourceId: 'a', linesPerSecond: 0 }),
        source({ sourceId: 'd', fault: 'gone' }),
      ],
      NOW,
    );
    expect(rows.map((row) => row.source.sourceId)).toEqual(['d', 'c', 'a', 'b']);
  });

  it('has a bar whose middle is usual', () => {
    expect(rateBar(1, 1)).toEqual({ fill: 0.5, mark: 0.5 });
    expect(rateBar(8, 1)).toEqual({ fill: 1, mark: 0.125 });
    expect(rateBar(0, 1)).toEqual({ fill: 0, mark: 0.5 });
    expect([rateBar(1, undefined), rateBar(0, 0)]).toEqual([undefined, undefined]);
    expect(rateBar(1, 0)).toEqual({ fill: 1, mark: 0 });
  });

  it('adds up', () => {
    expect(wholeRate([source({ usualLinesPerSecond: 2 }), source({})])).toEqual({ now: 2, usual: 2 });
    expect(wholeRate([source({})]).usual).toBeUndefined();
  });
});

describe('verdicts', () => {
  it('give rates by label, the worst severity first', () => {
    const tally = create(DetectionTallySchema, {
      detectionCount: 40n,
      truePositiveCount: 6n,
      falsePositiveCount: 3n,
      expectedCount: 1n,
      falsePositiveRate: 0.3,
    });
    const labels = judgedLabels([
      create(LabelCountSchema, { anomalyLabel: 'A', severity: Severity.WARN, detections: tally }),
      create(LabelCountSchema, { anomalyLabel: 'B', severity: Severity.CRITICAL, openCount: 2n }),
    ]);
    expect(labels.map(({ label, judged, falseRate }) => [label, judged, falseRate])).toEqual([
      ['B', 0, undefined],
      ['A', 10, 0.3],
    ]);
    expect(judgedAll(tally)).toEqual({ judged: 10, falseRate: 0.3 });
    expect(judgedAll(undefined)).toEqual({ judged: 0, falseRate: undefined });
  });
});

describe('recent criticals', () => {
  const group = (fingerprint: string, entryId: string, openCount = 1n) =>
    create(DetectionGroupSchema, { sourceId: 's', anomalyLabel: 'L', fingerprint, openCount, newest: { entryId } });
  const first = criticalsOf([group('disk', '3', 2n), group('memory', '1')]);
  const opened = new Set([first[0]!.key]);
  const ids = (rows: readonly Critical[]) => rows.map((row) => [row.event.entryId, row.openCount]);

  it('are told apart by whose, where, what', () => {
    expect(first.map(({ key }) => key)).toEqual(['["","s","L","disk"]', '["","s","L","memory"]']);
    expect(criticalsOf([create(DetectionGroupSchema, { fingerprint: 'none' })])).toEqual([]);
  });

  it('stay in place while somebody reads, with the latest numbers, and tell how many are new', () => {
    const latest = criticalsOf([group('link', '5'), group('memory', '4', 9n)]);
    // The opened one keeps its entry, the other one has its newest, and none comes or goes.
    expect(ids(merged(first, latest, opened, true))).toEqual([
      ['3', 2],
      ['4', 9],
    ]);
    expect([unseen(first, latest), unseen(latest, latest)]).toEqual([1, 0]);
    expect(merged([], latest, opened, true)).toEqual(latest);
  });

  it('keep what is opened when the others change', () => {
    const again = criticalsOf([group('link', '5'), group('disk', '4', 3n)]);
    expect(ids(merged(first, again, opened, false))).toEqual([
      ['5', 1],
      ['3', 3],
    ]);
    const without = criticalsOf([group('link', '5')]);
    expect(ids(merged(first, without, opened, false))).toEqual([
      ['5', 1],
      ['3', 2],
    ]);
  });
});
