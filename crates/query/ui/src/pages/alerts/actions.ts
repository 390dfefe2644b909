// What one does to detections: acknowledge, open again, suppress. Each says what it changed and offers to take it back.
import { create } from '@bufbuild/protobuf';
import {
  AcknowledgeDetectionsRequestSchema,
  CreateSuppressionRequestSchema,
  UnacknowledgeDetectionsRequestSchema,
  type Detection,
  type DetectionFilter,
  type DetectionGroup,
  type Verdict,
} from '$gen/turnstone/v1/detection_pb';
import { detections, problemOf } from '$lib/api';
import { toasts } from '$lib/components/toasts.svelte';
import { howMany } from '$lib/text/counts';
import { timestampOf } from '$lib/time/format';
import { selectorOf } from './groups';

export interface Judgement {
  verdict: Verdict;
  notes: string;
  by: string;
}

/** What an acknowledgement is about. */
export type Target =
  | { kind: 'groups'; groups: readonly DetectionGroup[] }
  | { kind: 'detections'; detections: readonly Detection[] }
  /** All that match. */
  | { kind: 'filter'; filter: DetectionFilter };

/** The server takes that many groups, or ids, in one call. */
const GROUPS_MAX = 1_000;
const IDS_MAX = 10_000;

const pieces = <T>(list: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(list.length / size) }, (_, index) => list.slice(index * size, (index + 1) * size));

function requestsFor(target: Target, judgement: Judgement, dryRun: boolean) {
  const common = { verdict: judgement.verdict, notes: judgement.notes, acknowledgedBy: judgement.by, dryRun };
  const selections = (() => {
    switch (target.kind) {
      case 'groups':
        return pieces(target.groups, GROUPS_MAX).map((groups) => ({
          case: 'groups' as const,
          value: { groups: groups.map(selectorOf) },
        }));
      case 'detections':
        return pieces(target.detections, IDS_MAX).map((some) => ({
          case: 'ids' as const,
          value: { ids: some.map(({ id }) => id) },
        }));
      case 'filter':
        return [{ case: 'filter' as const, value: target.filter }];
    }
  })();
  return selections.map((selection) => create(AcknowledgeDetectionsRequestSchema, { ...common, selection }));
}

/** How many detections it would change. */
export async function countMatches(target: Target): Promise<number> {
  let count = 0;
  for (const request of requestsFor(target, { verdict: 0, notes: '', by: '' }, true)) {
    count += Number((await detections.acknowledgeDetections(request)).acknowledgedCount);
  }
  return count;
}

/** Acknowledges; throws where that fails, and offers to take back what was done before. `undone` runs once it has been taken back. */
export async function acknowledge(target: Target, judgement: Judgement, undone: () => void): Promise<void> {
  const operations: string[] = [];
  let count = 0;
  const say = (message: string, isError: boolean) =>
    toasts.show({
      message,
      isError,
      ...(operations.length > 0 && { action: { label: 'Undo', run: () => void undo(operations, undone) } }),
    });
  try {
    for (const request of requestsFor(target, judgement, false)) {
      const answer = await detections.acknowledgeDetections(request);
      count += Number(answer.acknowledgedCount);
      if (answer.acknowledgementId !== '') operations.push(answer.acknowledgementId);
    }
  } catch (error) {
    if (operations.length > 0)
      say(`Acknowledged ${howMany(count, 'detection')}, then: ${problemOf(error).reason}`, true);
    throw error;
  }
  say(
    count === 0 ? 'Somebody was faster: nothing was open any more.' : `Acknowledged ${howMany(count, 'detection')}.`,
    false,
  );
}

/** Takes operations back, the last one first; after a failure those that are left. */
async function undo(
  operations: readonly string[],
  undone: () => void,
  { restored, leftAlone } = { restored: 0, leftAlone: 0 },
): Promise<void> {
  const left = [...operations];
  try {
    for (let acknowledgementId; (acknowledgementId = left.at(-1)) !== undefined; left.pop()) {
      const answer = await detections.undoAcknowledgement({ acknowledgementId });
      restored += Number(answer.restoredCount);
      leftAlone += Number(answer.leftAloneCount);
    }
    undone();
    const rest =
      leftAlone === 0 ? '' : ` ${howMany(leftAlone, 'detection')} had been changed since and stayed as they are.`;
    toasts.show({ message: `${howMany(restored, 'detection')} ${restored === 1 ? 'is' : 'are'} as before.${rest}` });
  } catch (error) {
    const { reason } = problemOf(error);
    toasts.show({
      message: `Not undone: ${reason}`,
      isError: true,
      action: { label: 'Try again', run: () => void undo(left, undone, { restored, leftAlone }) },
    });
  }
}

/** Opens all detections of a group, or some, again. */
export async function reopen(target: DetectionGroup | readonly Detection[]): Promise<void> {
  const selection = Array.isArray(target)
    ? { case: 'ids' as const, value: { ids: (target as readonly Detection[]).map(({ id }) => id) } }
    : { case: 'filter' as const, value: filterOf(target as DetectionGroup) };
  const answer = await detections.unacknowledgeDetections(create(UnacknowledgeDetectionsRequestSchema, { selection }));
  toasts.show({ message: `Opened ${howMany(Number(answer.unacknowledgedCount), 'detection')} again.` });
}

/** The detections of a group, for the filter of a list. */
export function filterOf(group: Pick<DetectionGroup, 'sourceId' | 'anomalyLabel' | 'fingerprint'>) {
  return { sourceId: group.sourceId, anomalyLabel: group.anomalyLabel, fingerprint: group.fingerprint };
}

export interface Suppressing {
  group: DetectionGroup;
  /** Until when, in milliseconds since 1970. */
  until: number;
  isEverywhere: boolean;
  reason: string;
}

/** Creates a suppression; throws where that fails. */
export async function suppress({ group, until, isEverywhere, reason }: Suppressing): Promise<void> {
  const suppression = {
    fingerprint: group.fingerprint,
    ...(!isEverywhere && { sourceId: group.sourceId, anomalyLabel: group.anomalyLabel }),
    expireTime: timestampOf(until),
    reason,
  };
  const { id } = await detections.createSuppression(create(CreateSuppressionRequestSchema, { suppression }));
  toasts.show({
    message: 'Suppressed: new ones of this message come acknowledged.',
    action: {
      label: 'Undo',
      run: () =>
        void detections.deleteSuppression({ id }).then(
          () => toasts.show({ message: 'The suppression is gone.' }),
          (error: unknown) => toasts.show({ message: `Not undone: ${problemOf(error).reason}`, isError: true }),
        ),
    },
  });
}
