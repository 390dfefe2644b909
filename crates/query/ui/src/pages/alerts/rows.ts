// The rows of the list: groups, and behind an open one its detail, its occurrences and their end.
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

/** The rows of one list. Those of groups are the same objects each time, so that long lists cost little. */
export class Rows {
  #order: readonly string[] = [];
  #rows: readonly Row[] = [];
  /** Those of `#rows`. */
  #byGroup = new Map<string, Row>();

  /** All in order. */
  of(order: readonly string[], opened: ReadonlyMap<string, Opened>): readonly Row[] {
    const rows = this.#groupRows(order);
    if (opened.size === 0) return rows;
    return rows.flatMap((row) => {
      const open = opened.get(row.group);
      return open === undefined ? row : [row, ...openRows(row.group, open)];
    });
  }

  /** A row for each group; where groups have come behind the others, only for those. */
  #groupRows(order: readonly string[]): readonly Row[] {
    const isLonger = order.length >= this.#order.length && this.#order.every((group, index) => group === order[index]);
    const before = this.#byGroup;
    if (!isLonger) {
      this.#byGroup = new Map();
      this.#rows = [];
    }
    const added = order.slice(this.#rows.length).map((group): Row => {
      const row = before.get(group) ?? { kind: 'group', key: group, group };
      this.#byGroup.set(group, row);
      return row;
    });
    this.#order = order;
    return (this.#rows = this.#rows.concat(added));
  }
}

/** What is open below a group. */
function openRows(group: string, { occurrences, explained }: Opened): Row[] {
  return [
    { kind: 'detail', key: `detail ${group}`, group },
    ...occurrences.flatMap((detection): Row[] => [
      { kind: 'occurrence', key: `occurrence ${detection.id}`, group, detection },
      ...(explained.has(detection.id)
        ? [{ kind: 'explanation' as const, key: `explanation ${detection.id}`, group, detection }]
        : []),
    ]),
    { kind: 'end', key: `end ${group}`, group },
  ];
}
