// How often labels are wrong, by what people said of their detections. Pure.
import type { DetectionTally, LabelCount } from '$gen/turnstone/v1/stats_pb';

export interface Judged {
  label: string;
  severity: LabelCount['severity'];
  detections: number;
  open: number;
  truePositives: number;
  falsePositives: number;
  expected: number;
  /** Those that a person has judged. */
  judged: number;
  /** Share of wrong ones among these, 0 to 1; undefined where there is none. */
  falseRate: number | undefined;
}

type Tally = Pick<
  DetectionTally,
  'detectionCount' | 'truePositiveCount' | 'falsePositiveCount' | 'expectedCount' | 'falsePositiveRate'
>;

function judgedOf(tally: Tally | undefined) {
  const truePositives = Number(tally?.truePositiveCount ?? 0);
  const falsePositives = Number(tally?.falsePositiveCount ?? 0);
  const expected = Number(tally?.expectedCount ?? 0);
  return {
    detections: Number(tally?.detectionCount ?? 0),
    truePositives,
    falsePositives,
    expected,
    judged: truePositives + falsePositives + expected,
    falseRate: tally?.falsePositiveRate,
  };
}

/** Of the highest severity first, then those with the most detections. */
export function judgedLabels(labels: readonly LabelCount[]): Judged[] {
  return labels
    .map(({ anomalyLabel, severity, openCount, detections }) => ({
      label: anomalyLabel,
      severity,
      open: Number(openCount),
      ...judgedOf(detections),
    }))
    .sort((a, b) => b.severity - a.severity || b.detections - a.detections || (a.label < b.label ? -1 : 1));
}

/** Of all labels together. */
export function judgedAll(tally: Tally | undefined): { judged: number; falseRate: number | undefined } {
  const { judged, falseRate } = judgedOf(tally);
  return { judged, falseRate };
}
