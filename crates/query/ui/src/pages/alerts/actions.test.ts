import { create } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  AcknowledgeDetectionsResponseSchema,
  DetectionGroupSchema,
  DetectionSchema,
  ListDetectionsResponseSchema,
  UndoAcknowledgementResponseSchema,
  type ListDetectionsResponse,
} from '$gen/turnstone/v1/detection_pb';
import { detections } from '$lib/api';
import { toasts } from '$lib/components/toasts.svelte';
import { acknowledge, type Target } from './actions';
import { keyOf } from './groups';
import { OpenGroups } from './opened.svelte';

const busy = new ConnectError('too many requests', Code.ResourceExhausted);
const judgement = { verdict: 0, notes: '', by: '' };
const target: Target = {
  kind: 'groups',
  groups: Array.from({ length: 2_500 }, (_, index) => create(DetectionGroupSchema, { fingerprint: String(index) })),
};

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  for (const { id } of toasts.list) toasts.dismiss(id);
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** Calls that succeed but where `failing` says so; a name or number for each that was made. */
function server() {
  const failing = new Set<number | string>();
  const calls: (number | string)[] = [];
  vi.spyOn(detections, 'acknowledgeDetections').mockImplementation((request) => {
    calls.push(calls.length);
    if (failing.has(calls.length - 1)) return Promise.reject(busy);
    const value = request.selection?.value as { groups: unknown[] };
    return Promise.resolve(
      create(AcknowledgeDetectionsResponseSchema, {
        acknowledgedCount: BigInt(value.groups.length),
        acknowledgementId: `operation ${calls.length - 1}`,
      }),
    );
  });
  vi.spyOn(detections, 'undoAcknowledgement').mockImplementation(({ acknowledgementId = '' }) => {
    calls.push(acknowledgementId);
    return failing.delete(acknowledgementId)
      ? Promise.reject(busy)
      : Promise.resolve(create(UndoAcknowledgementResponseSchema, { restoredCount: 1_000n }));
  });
  return { failing, calls };
}
async function press(label: string): Promise<void> {
  const toast = toasts.list.at(-1)!;
  expect(toast.action?.label).toBe(label);
  toast.action!.run();
  await vi.advanceTimersByTimeAsync(0);
}

describe('acknowledging in several calls', () => {
  it('offers to take back what was done before one of them failed', async () => {
    const { failing, calls } = server();
    failing.add(1);
    const undone = vi.fn();
    await expect(acknowledge(target, judgement, undone)).rejects.toBe(busy);
    const [toast] = toasts.list;
    expect([toast?.message, toast?.isError]).toEqual(['Acknowledged 1,000 detections, then: Too many requests.', true]);
    await press('Undo');
    expect(calls).toEqual([0, 1, 'operation 0']);
    expect(undone).toHaveBeenCalledOnce();
  });

  it('says nothing of its own where the first one failed', async () => {
    const { failing } = server();
    failing.add(0);
    await expect(acknowledge(target, judgement, () => {})).rejects.toBe(busy);
    expect(toasts.list).toEqual([]);
  });

  it('is taken back call by call, each once', async () => {
    const { failing, calls } = server();
    await acknowledge(target, judgement, () => {});
    failing.add('operation 1');
    await press('Undo');
    expect(toasts.list.at(-1)?.message).toBe('Not undone: Too many requests.');
    await press('Try again');
    expect(calls.slice(3)).toEqual(['operation 2', 'operation 1', 'operation 1', 'operation 0']);
    expect(toasts.list.at(-1)?.message).toBe('3,000 detections are as before.');
  });
});

describe('a group that is open', () => {
  it('takes no answer that was asked for before it was read anew', async () => {
    const asked: { signal: AbortSignal; answer: (isAcknowledged: boolean) => void }[] = [];
    vi.spyOn(detections, 'listDetections').mockImplementation(
      (_request, options) =>
        new Promise<ListDetectionsResponse>((resolve) =>
          asked.push({
            signal: options!.signal!,
            answer: (acknowledged) =>
              resolve(
                create(ListDetectionsResponseSchema, {
                  detections: [create(DetectionSchema, { id: 'a', acknowledged })],
                }),
              ),
          }),
        ),
    );
    const group = create(DetectionGroupSchema, { fingerprint: 'x' });
    const open = new OpenGroups();
    open.open(group);
    open.refresh(group);
    asked[0]!.answer(false);
    await vi.advanceTimersByTimeAsync(0);
    asked[1]!.answer(true);
    await vi.advanceTimersByTimeAsync(0);
    const { occurrences, isReading } = open.byKey.get(keyOf(group))!;
    expect([occurrences.map(({ acknowledged }) => acknowledged), isReading]).toEqual([[true], false]);
    expect([asked.length, asked[0]!.signal.aborted, asked[1]!.signal.aborted]).toEqual([2, true, false]);
    open.stop();
    expect(asked[1]!.signal.aborted).toBe(true);
  });
});
