// The counts of a timeline as columns, one for each step whether something came or not: what is drawn, and what the table says. Pure.
import { Severity } from '$gen/turnstone/v1/detection_pb';
import type { SeverityCount, Timeline } from '$gen/turnstone/v1/stats_pb';
import type { SeverityLook } from '$lib/components/severity';
import { howMany } from '$lib/text/counts';
import { millis } from '$lib/time/format';
import type { Span } from './span';

/** One colour of a column. */
export interface Layer {
  label: string;
  /** For `data-tone`, and the first part of the names of its colours. */
  tone: SeverityLook['tone'];
  /** Only edged with its colour, and filled softly: what there is most of must not outshine what matters. */
  isSoft?: true;
  severities: readonly Severity[];
}

const BAD_LAYERS: readonly Layer[] = [
  { label: 'Critical', tone: 'critical', severities: [Severity.CRITICAL] },
  { label: 'Error', tone: 'error', severities: [Severity.ERROR] },
  { label: 'Warn', tone: 'warn', severities: [Severity.WARN] },
];
const LEAST = { tone: 'info', severities: [Severity.INFO, Severity.DEBUG, Severity.UNSPECIFIED] } as const;

/** Worst first, which is drawn at the bottom: there heights can be compared. */
export const LINE_LAYERS: readonly Layer[] = [...BAD_LAYERS, { label: 'Other', ...LEAST, isSoft: true }];
export const DETECTION_LAYERS: readonly Layer[] = [...BAD_LAYERS, { label: 'Info', ...LEAST }];

/** Counts of one kind: by layer, then by step. */
export interface Stack {
  layers: readonly Layer[];
  counts: readonly (readonly number[])[];
  /** Of all layers, by step. */
  totals: readonly number[];
  /** Of all steps, by layer. */
  sums: readonly number[];
  sum: number;
}

export interface Columns extends Span {
  bucketSeconds: number;
  /** When each step begins, in milliseconds since 1970. */
  starts: readonly number[];
  lines: Stack;
  detections: Stack;
}

export function columnsOf(timeline: Timeline, { from, until }: Span): Columns {
  // The server may have chosen the step.
  const step = timeline.bucketSeconds * 1_000;
  const first = Math.floor(from / step) * step;
  const size = Math.max(0, Math.ceil((until - first) / step));
  const starts = Array.from({ length: size }, (_, index) => first + index * step);
  const lines = LINE_LAYERS.map(() => new Array<number>(size).fill(0));
  const detections = DETECTION_LAYERS.map(() => new Array<number>(size).fill(0));
  for (const bucket of timeline.buckets) {
    if (bucket.startTime === undefined) continue;
    const index = Math.floor((millis(bucket.startTime) - first) / step);
    if (index < 0 || index >= size) continue;
    add(lines, LINE_LAYERS, index, bucket.entries);
    add(detections, DETECTION_LAYERS, index, bucket.detections);
  }
  return {
    from: first,
    until: first + size * step,
    bucketSeconds: timeline.bucketSeconds,
    starts,
    lines: stackOf(LINE_LAYERS, lines, size),
    detections: stackOf(DETECTION_LAYERS, detections, size),
  };
}

function add(counts: number[][], layers: readonly Layer[], index: number, found: readonly SeverityCount[]): void {
  for (const { severity, count } of found) {
    // A severity that a later server may have stands with the least.
    const known = layers.findIndex(({ severities }) => severities.includes(severity));
    counts[known < 0 ? layers.length - 1 : known]![index]! += Number(count);
  }
}

function stackOf(layers: readonly Layer[], counts: number[][], size: number): Stack {
  const totals = Array.from({ length: size }, (_, index) => counts.reduce((sum, layer) => sum + layer[index]!, 0));
  const sums = counts.map((layer) => layer.reduce((sum, value) => sum + value, 0));
  return { layers, counts, totals, sums, sum: sums.reduce((sum, value) => sum + value, 0) };
}

/** The stretch of one step. */
export function stepSpan(columns: Columns, index: number): Span {
  const from = columns.starts[index] ?? columns.from;
  return { from, until: from + columns.bucketSeconds * 1_000 };
}

/** Steps in which something came, newest first, for the table. */
export function busySteps({ starts, lines, detections }: Columns): number[] {
  return starts
    .map((_, index) => index)
    .filter((index) => lines.totals[index]! > 0 || detections.totals[index]! > 0)
    .reverse();
}

/** `1,204 lines, 3 detections: 2 critical, 1 error`, for those who hear it. */
export function stepText({ lines, detections }: Columns, index: number): string {
  const lineCount = lines.totals[index] ?? 0;
  const detectionCount = detections.totals[index] ?? 0;
  const parts = detections.layers
    .map(({ label }, layer) => [label.toLowerCase(), detections.counts[layer]?.[index] ?? 0] as const)
    .filter(([, value]) => value > 0)
    .map(([label, value]) => `${value.toLocaleString('en')} ${label}`);
  return `${howMany(lineCount, 'line')}, ${howMany(detectionCount, 'detection')}${parts.length > 0 ? `: ${parts.join(', ')}` : ''}`;
}
