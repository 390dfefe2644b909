// The newest open critical messages as rows, of which none moves while somebody reads. Pure.
import type { Detection, DetectionGroup } from '$gen/turnstone/v1/detection_pb';

export interface Critical {
  /** Tenant, source, label and fingerprint: the same for as long as the message comes. */
  key: string;
  /** What is shown and explained: the newest detection, or that which was when the row was opened. */
  event: Detection;
  /** Open detections of the message. */
  openCount: number;
}

/** In the order of the server, the newest first. */
export function criticalsOf(groups: readonly DetectionGroup[]): Critical[] {
  return groups.flatMap(({ tenantId, sourceId, anomalyLabel, fingerprint, newest, openCount }) => {
    if (newest === undefined) return [];
    const key = JSON.stringify([tenantId, sourceId, anomalyLabel, fingerprint]);
    return [{ key, event: newest, openCount: Number(openCount) }];
  });
}

/** The rows to show: the latest ones, or while they are held, those that are there with the latest numbers. What is opened keeps its
 * entry, and stays when it is no longer among the latest. */
export function merged(
  shown: readonly Critical[],
  latest: readonly Critical[],
  opened: ReadonlySet<string>,
  isHeld: boolean,
): readonly Critical[] {
  const before = new Map(shown.filter(({ key }) => opened.has(key)).map((row) => [row.key, row]));
  const renewed = (row: Critical): Critical => {
    const held = before.get(row.key);
    return held === undefined ? row : { ...row, event: held.event };
  };
  const byKey = new Map(latest.map((row) => [row.key, row]));
  if (isHeld && shown.length > 0) return shown.map((row) => renewed(byKey.get(row.key) ?? row));
  return [...latest.map(renewed), ...[...before.values()].filter(({ key }) => !byKey.has(key))];
}

/** How many of the latest messages are not shown. */
export function unseen(shown: readonly Critical[], latest: readonly Critical[]): number {
  const known = new Set(shown.map(({ key }) => key));
  return latest.filter(({ key }) => !known.has(key)).length;
}
