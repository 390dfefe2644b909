// The rows of the list: groups, and behind an open one its detail, its occurrences and their end. Pure.
import type { Detection } from '$gen/turnstone/v1/detection_pb';
import type { Problem } from '$lib/api/problem';

export type Row =
  | { kind: 'group'; key: string; group: string }
  | { kind: 'detail'; key: string; group: string }
  | { kind: 'occurrence'; key: string; group: string; detection: Detection }
  | { kind: 'explanation'; key: string; group: string; detection: Detection }
  | { kind: 'end'; key: string; group: string };

/** What is open below a group. */
export interface Opened {
  occurrences: readonly Detection[];
  isReading: boolean;
  hasMore: boolean;
  problem: Problem | undefined;
  /** Occurrences whose explanation is shown, by id. */
  explained: ReadonlySet<string>;
}

const groupRows = new Map<string, Row>();
function groupRow(group: string): Row {
  let row = groupRows.get(group);
  if (row === undefined) groupRows.set(group, (row = { kind: 'group', key: group, group }));
  return row;
}

let last: { order: readonly string[]; rows: readonly Row[] } = { order: [], rows: [] };

/** A row for each group; where groups have come behind the others, only for those. */
function groupRowsOf(order: readonly string[]): readonly Row[] {
  const isLonger = order.length >= last.order.length && last.order.every((group, index) => group === order[index]);
  const rows = isLonger ? last.rows.concat(order.slice(last.order.length).map(groupRow)) : order.map(groupRow);
  last = { order, rows };
  return rows;
}

/** All rows in order. Those of groups are the same objects each time, so that long lists cost little. */
export function rowsOf(order: readonly string[], opened: ReadonlyMap<string, Opened>): readonly Row[] {
  if (opened.size === 0) return groupRowsOf(order);
  const rows: Row[] = [];
  for (const group of order) {
    rows.push(groupRow(group));
    const open = opened.get(group);
    if (open === undefined) continue;
    rows.push({ kind: 'detail', key: `detail ${group}`, group });
    for (const detection of open.occurrences) {
      rows.push({ kind: 'occurrence', key: `occurrence ${detection.id}`, group, detection });
      if (open.explained.has(detection.id))
        rows.push({ kind: 'explanation', key: `explanation ${detection.id}`, group, detection });
    }
    rows.push({ kind: 'end', key: `end ${group}`, group });
  }
  return rows;
}
