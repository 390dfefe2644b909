// The newest critical detections as rows: equal messages as one, and nothing that one reads moves because something new came. Pure.
import type { TimelineEvent } from '$gen/turnstone/v1/stats_pb';
import { fingerprint } from '$lib/message/fingerprint';

export interface Critical {
  /** What is shown and explained: the newest entry of the message, or that which was when the row was opened. */
  event: TimelineEvent;
  /** The newest entry of the message. */
  newestId: string;
  /** Source, label and fingerprint: the same for as long as the message comes. */
  key: string;
  /** How many of those listed it stands for. */
  count: number;
}

/** Newest first, by message. An entry that several models detected is one. */
export function criticalsOf(events: readonly TimelineEvent[]): Critical[] {
  const rows = new Map<string, Critical>();
  const seen = new Set<string>();
  for (const event of events) {
    if (seen.has(event.entryId)) continue;
    seen.add(event.entryId);
    const key = JSON.stringify([event.sourceId, event.anomalyLabel, fingerprint(event.text)]);
    const row = rows.get(key);
    if (row === undefined) rows.set(key, { event, newestId: event.entryId, key, count: 1 });
    else row.count += 1;
  }
  return [...rows.values()];
}

/** The rows to show: the latest, or while somebody reads, those that are there. An opened row stays the entry that it was when it was
 * opened, and stays when it is no longer among the newest. */
export function merged(
  shown: readonly Critical[],
  latest: readonly Critical[],
  opened: ReadonlySet<string>,
  isHeld: boolean,
): readonly Critical[] {
  if (isHeld && shown.length > 0) return shown;
  const held = new Map(shown.filter(({ key }) => opened.has(key)).map((row) => [row.key, row]));
  const rows = latest.map((row) => {
    const before = held.get(row.key);
    held.delete(row.key);
    return before === undefined ? row : { ...row, event: before.event };
  });
  return [...rows, ...held.values()];
}

/** How many of the latest are not shown, or have come again since. */
export function unseen(shown: readonly Critical[], latest: readonly Critical[]): number {
  const known = new Map(shown.map(({ key, newestId }) => [key, newestId]));
  return latest.filter(({ key, newestId }) => known.get(key) !== newestId).length;
}
