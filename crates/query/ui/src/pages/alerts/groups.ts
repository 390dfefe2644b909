// Detections of one message as one row: keys, order, and what a detection that has just come changes. Pure.
import { create } from '@bufbuild/protobuf';
import type { Timestamp } from '@bufbuild/protobuf/wkt';
import {
  DetectionGroupSchema,
  DetectionGroupSelectorSchema,
  type Detection,
  type DetectionGroup,
} from '$gen/turnstone/v1/detection_pb';
import { fingerprint } from '$lib/message/fingerprint';

/** A detection's own fingerprint; made here where an older database has none yet. */
export function fingerprintOf(detection: Pick<Detection, 'fingerprint' | 'text'>): string {
  return detection.fingerprint === '' ? fingerprint(detection.text) : detection.fingerprint;
}

const SEPARATOR = '\u001f';

export function keyOf(group: Pick<DetectionGroup, 'tenantId' | 'sourceId' | 'anomalyLabel' | 'fingerprint'>): string {
  return [group.tenantId, group.sourceId, group.anomalyLabel, group.fingerprint].join(SEPARATOR);
}

/** The key of the group that a detection belongs to. */
export function keyOfDetection(detection: Detection): string {
  return keyOf({ ...detection, fingerprint: fingerprintOf(detection) });
}

/** A group of one. */
export function groupOf(detection: Detection): DetectionGroup {
  return create(DetectionGroupSchema, {
    tenantId: detection.tenantId,
    sourceId: detection.sourceId,
    anomalyLabel: detection.anomalyLabel,
    fingerprint: fingerprintOf(detection),
    severity: detection.severity,
    detectionCount: 1n,
    openCount: detection.acknowledged ? 0n : 1n,
    firstSeenTime: detection.detectedAt,
    lastSeenTime: detection.detectedAt,
    newest: detection,
  });
}

/** Which is the later one, to the nanosecond; an absent one is the earliest. */
export function compareTimes(a: Timestamp | undefined, b: Timestamp | undefined): number {
  if (a === undefined || b === undefined) return (a === undefined ? 0 : 1) - (b === undefined ? 0 : 1);
  if (a.seconds !== b.seconds) return a.seconds < b.seconds ? -1 : 1;
  return a.nanos - b.nanos;
}

/** The order in which the server has them: by moment, then by id. */
export function compareDetections(a: Detection, b: Detection): number {
  return compareTimes(a.detectedAt, b.detectedAt) || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}

/** The group with one more detection in it. One that is not behind its newest is in it already: lists and watch overlap. */
export function withDetection(group: DetectionGroup, detection: Detection): DetectionGroup {
  if (group.newest !== undefined && compareDetections(detection, group.newest) <= 0) return group;
  return {
    ...group,
    detectionCount: group.detectionCount + 1n,
    openCount: group.openCount + (detection.acknowledged ? 0n : 1n),
    severity: Math.max(group.severity, detection.severity),
    lastSeenTime: detection.detectedAt,
    newest: detection,
  };
}

/** Newest first, as the server lists them. */
export function compareGroups(a: DetectionGroup, b: DetectionGroup): number {
  return compareTimes(b.lastSeenTime, a.lastSeenTime) || ((a.newest?.id ?? '') < (b.newest?.id ?? '') ? 1 : -1);
}

/** The group up to what was shown of it: what comes later stays open. */
export function selectorOf(group: DetectionGroup) {
  return create(DetectionGroupSelectorSchema, {
    tenantId: group.tenantId,
    sourceId: group.sourceId,
    anomalyLabel: group.anomalyLabel,
    fingerprint: group.fingerprint,
    untilTime: group.lastSeenTime,
  });
}
