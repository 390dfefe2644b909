// Lines under the days that they were written on, in the viewer's zone. Pure.
import type { Entry } from '$gen/turnstone/v1/entry_pb';
import { date, millis } from '$lib/time/format';

export interface Day {
  /** Stays the same when lines are added before or behind. */
  readonly key: string;
  /** `2026-11-22`; empty for lines without a time. */
  readonly day: string;
  readonly lines: Entry[];
}

export function daysOf(lines: readonly Entry[], zone?: string): Day[] {
  const found: Day[] = [];
  const times = new Map<string, number>();
  for (const line of lines) {
    const day = line.timestamp === undefined ? '' : date(millis(line.timestamp), zone);
    if (found.at(-1)?.day !== day) {
      // A day comes twice only where lines are not in order of time.
      const time = (times.get(day) ?? 0) + 1;
      times.set(day, time);
      found.push({ key: `${day} ${time}`, day, lines: [] });
    }
    found.at(-1)!.lines.push(line);
  }
  return found;
}
