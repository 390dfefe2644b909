import { create } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  DetectionGroupSchema,
  DetectionSchema,
  ListDetectionsResponseSchema,
  type Detection,
  type DetectionGroup,
  type ListDetectionsResponse,
} from '$gen/turnstone/v1/detection_pb';
import { detections } from '$lib/api';
import { timestampOf } from '$lib/time/format';
import { Board } from './board.svelte';
import { parseFilter } from './filter';
import { keyOf } from './groups';

const NOW = Date.parse('2026-11-22T12:00:00Z');
let watched: { detection(detection: Detection): void; established(again: boolean): void };
vi.mock('$lib/api', async (original) => ({
  ...(await original<object>()),
  watchDetections: (_filter: unknown, handlers: typeof watched) => {
    watched = handlers;
    return () => {};
  },
}));
vi.mock('$lib/time/clock.svelte', () => ({ everySeconds: () => () => {} }));

const detection = (fingerprint: string, at: number): Detection =>
  create(DetectionSchema, { id: `${fingerprint} ${at}`, fingerprint, detectedAt: timestampOf(NOW + at) });
const group = (fingerprint: string, at: number, count = 1n): DetectionGroup =>
  create(DetectionGroupSchema, {
    fingerprint,
    detectionCount: count,
    openCount: count,
    lastSeenTime: timestampOf(NOW + at),
    newest: detection(fingerprint, at),
  });
const key = (fingerprint: string) => keyOf(group(fingerprint, 0));

/** Lists that are asked for, to be answered in the order of the test. */
let asked: { token: string; answer: (groups: DetectionGroup[], nextPageToken?: string) => Promise<void> }[] = [];
const settled = () => vi.advanceTimersByTimeAsync(0);

beforeEach(() => {
  vi.useFakeTimers();
  asked = [];
  vi.spyOn(detections, 'listDetections').mockImplementation(
    ({ pageToken }) =>
      new Promise<ListDetectionsResponse>((resolve) =>
        asked.push({
          token: pageToken ?? '',
          answer: (groups, nextPageToken = '') => {
            resolve(create(ListDetectionsResponseSchema, { groups, nextPageToken }));
            return settled().then(() => {});
          },
        }),
      ),
  );
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** A board that shows these, with the watch in place. */
async function boardWith(groups: DetectionGroup[], nextPageToken = ''): Promise<Board> {
  const board = new Board(parseFilter({}));
  void board.start();
  await asked.shift()!.answer(groups, nextPageToken);
  return board;
}
async function comes(...some: Detection[]): Promise<void> {
  for (const one of some) watched.detection(one);
  await vi.advanceTimersByTimeAsync(300);
}

describe('what comes', () => {
  it('is kept up to a limit, and read anew beyond', async () => {
    const board = await boardWith([group('old', 0)]);
    await comes(...Array.from({ length: 2_500 }, (_, index) => detection(`new ${index}`, index + 1)));
    expect([board.pending.size, board.pendingCount, board.isPendingCut]).toEqual([2_000, 2_000, true]);
    board.showPending();
    expect([asked.length, board.order]).toEqual([1, [key('old')]]);
    await comes(detection('meanwhile', 5_000));
    await asked.shift()!.answer([group('new 2499', 2_500), group('new 2498', 2_499)], 'more');
    expect(board.order).toEqual([key('new 2499'), key('new 2498')]);
    expect([...board.pending.keys()].filter((one) => board.groups.has(one))).toEqual([]);
    expect([board.groups.size, board.isPendingCut]).toEqual([2, false]);
  });

  it('during the read of the newest is kept, and nothing that waited before', async () => {
    const board = await boardWith([group('old', 0)]);
    await comes(...Array.from({ length: 1_999 }, (_, index) => detection(`new ${index}`, index + 1)));
    await comes(detection('again', 3_000), detection('cut', 3_001));
    board.showPending();
    await comes(detection('again', 3_002));
    await asked.shift()!.answer([group('new 7', 8)]);
    expect([...board.pending.keys()]).toEqual([key('again')]);
  });

  it('does not let shown groups grow without end', async () => {
    const board = await boardWith(Array.from({ length: 9_999 }, (_, index) => group(`old ${index}`, -index)));
    await comes(detection('a', 1), detection('b', 2));
    board.showPending();
    await asked.shift()!.answer([group('b', 2)]);
    expect([board.order.length, board.groups.size, board.pending.size]).toEqual([1, 1, 0]);
  });
});

describe('reading from the front again', () => {
  it('does not undo what came during the read', async () => {
    const board = await boardWith([group('a', 0, 5n)]);
    void board.freshen();
    await comes(detection('a', 1));
    await asked.shift()!.answer([group('a', 0, 7n)]);
    expect(board.groups.get(key('a'))).toMatchObject({ detectionCount: 8n, newest: { id: 'a 1' } });
  });

  it('counts once what both know', async () => {
    const board = await boardWith([group('a', 0, 5n)]);
    void board.freshen();
    await comes(detection('a', 1));
    await asked.shift()!.answer([group('a', 1, 6n)]);
    expect(board.groups.get(key('a'))?.detectionCount).toBe(6n);
  });

  it('does not bring back what was taken away during the read', async () => {
    const board = await boardWith([group('a', 1), group('b', 0)]);
    void board.freshen();
    board.remove(new Set([key('a')]));
    await asked.shift()!.answer([group('a', 1), group('b', 0)]);
    expect([board.pending.size, asked.length]).toEqual([0, 1]);
    await asked.shift()!.answer([group('b', 0, 3n)]);
    expect([board.order, board.groups.get(key('b'))?.detectionCount]).toEqual([[key('b')], 3n]);
  });

  it('is done once more where it is wanted while it runs, not side by side', async () => {
    const board = await boardWith([group('a', 0)]);
    void board.freshen();
    void board.freshen();
    expect(asked.length).toBe(1);
    await asked.shift()!.answer([group('a', 0, 2n)]);
    expect([board.groups.get(key('a'))?.openCount, asked.length]).toEqual([1n, 1]);
    await asked.shift()!.answer([group('a', 0, 3n)]);
    expect([board.groups.get(key('a'))?.openCount, asked.length]).toEqual([3n, 0]);
  });

  it('does not call new what the next page has', async () => {
    const board = await boardWith([group('a', 10), group('b', 9)], 'page 2');
    board.remove(new Set([key('a')]));
    void board.freshen();
    await asked.shift()!.answer([group('new', 11), group('b', 9), group('old', 1)], 'other');
    expect([...board.pending.keys()]).toEqual([key('new')]);
  });
});

describe('the list', () => {
  it('is read once where several want it', async () => {
    const board = new Board(parseFilter({}));
    void board.start();
    void board.freshen();
    board.retry();
    expect(asked.length).toBe(1);
    await asked.shift()!.answer([group('a', 0)], 'page 2');
    expect([board.order, board.hasMore, board.isEmptyHanded]).toEqual([[key('a')], true, false]);
  });

  it('says why it cannot be read until somebody tries again', async () => {
    vi.spyOn(detections, 'listDetections').mockRejectedValueOnce(new ConnectError('no', Code.DeadlineExceeded));
    const board = new Board(parseFilter({}));
    void board.start();
    await settled();
    watched.established(false);
    await settled();
    expect([asked.length, board.problem?.code]).toEqual([0, Code.DeadlineExceeded]);
    void board.freshen();
    expect([asked.length, board.problem?.code]).toEqual([1, Code.DeadlineExceeded]);
    board.retry();
    expect([asked.length, board.problem]).toEqual([1, undefined]);
    await asked.shift()!.answer([group('a', 0)]);
    expect(board.order).toEqual([key('a')]);
  });

  it('goes on where all that was shown has been taken away', async () => {
    const board = await boardWith([group('a', 1)], 'page 2');
    board.remove(new Set([key('a')]));
    expect(asked.map(({ token }) => token)).toEqual(['page 2']);
    await asked.shift()!.answer([group('b', 0)]);
    expect(board.order).toEqual([key('b')]);
  });
});
