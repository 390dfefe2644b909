import { create } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { describe, expect, it, vi } from 'vitest';
import { ExplanationFrameSchema, type ExplanationFrame } from '$gen/turnstone/v1/explanation_pb';
import { Explanation, type Ask, type Open } from './explanation.svelte';
import { KeptExplanations } from './kept';
import { apply, IDLE, isEnded } from './machine';

type Init = Parameters<typeof create<typeof ExplanationFrameSchema>>[1];
const frame = (init: Init): ExplanationFrame => create(ExplanationFrameSchema, init);
const context = (id: string, ...entryIds: string[]) =>
  frame({
    id,
    frame: {
      case: 'context',
      value: { lines: entryIds.map((entryId, index) => ({ reference: `L${index + 1}`, entryId })) },
    },
  });
const token = (id: string, text: string) => frame({ id, frame: { case: 'token', value: { text } } });
const citation = (reference: string, entryId: string) =>
  frame({ frame: { case: 'citation', value: { reference, entryId } } });
const done = (whatHappened: string) => frame({ id: 'end', frame: { case: 'done', value: { whatHappened } } });
const error = (reason: string, retryable: boolean) => frame({ frame: { case: 'error', value: { reason, retryable } } });
const heartbeat = frame({ frame: { case: 'heartbeat', value: {} } });

describe('the state of an explanation', () => {
  const read = (...frames: ExplanationFrame[]) => frames.reduce(apply, IDLE);

  it('grows from context over tokens to the end', () => {
    const half = read(
      context('1', 'a', 'b'),
      token('2', 'The disk '),
      heartbeat,
      token('3', 'is full L1.'),
      citation('L1', 'a'),
    );
    expect(half.phase).toBe('answering');
    expect(half.text).toBe('The disk is full L1.');
    expect(half.citations.map(({ entryId }) => entryId)).toEqual(['a']);
    expect(half.lastId).toBe('3');
    const whole = apply(half, done('The disk is full.'));
    expect([whole.phase, whole.done?.whatHappened, isEnded(whole)]).toEqual(['done', 'The disk is full.', true]);
    expect(apply(whole, token('9', 'more'))).toBe(whole);
  });

  it('begins again with a second context', () => {
    const again = read(context('1', 'a'), token('2', 'wrong'), citation('L1', 'a'), context('7', 'b'));
    expect([again.text, again.citations.length, again.lastId, again.phase]).toEqual(['', 0, '7', 'reading']);
    expect(again.context?.lines[0]?.entryId).toBe('b');
  });

  it('ends with an error and keeps what had come', () => {
    const failed = read(context('1', 'a'), token('2', 'half'), error('the model stopped', true));
    expect([failed.phase, failed.text, failed.failure]).toEqual([
      'failed',
      'half',
      { reason: 'the model stopped', retryable: true },
    ]);
  });
});

describe('reading an explanation', () => {
  /** Streams that play one script after the other; an error in a script is thrown. */
  function scripted(...scripts: (ExplanationFrame | Error)[][]) {
    const asks: Ask[] = [];
    const open: Open = async function* (ask) {
      const script = scripts[asks.length] ?? [];
      asks.push(ask);
      for (const step of script) {
        await Promise.resolve();
        if (step instanceof Error) throw step;
        yield step;
      }
    };
    const explanation = new Explanation(open, { soon: (work) => work(), wait: () => Promise.resolve() });
    return { asks, explanation };
  }
  const ended = async (explanation: Explanation) => {
    for (let turn = 0; turn < 1_000 && !isEnded(explanation.state); turn += 1) await Promise.resolve();
    expect(isEnded(explanation.state)).toBe(true);
    return explanation.state;
  };

  it('goes on where it was interrupted', async () => {
    const cut = new TypeError('network error');
    const { asks, explanation } = scripted(
      [context('1', 'a'), token('2', 'one '), cut],
      [token('3', 'two'), done('one two')],
    );
    explanation.start();
    expect((await ended(explanation)).text).toBe('one two');
    expect(asks).toEqual([
      { resumeAfter: '', refresh: false },
      { resumeAfter: '2', refresh: false },
    ]);
  });

  it('takes an end without done or error for an interruption', async () => {
    const { asks, explanation } = scripted([context('1', 'a')], [], [context('5', 'a'), token('6', 'x'), done('x')]);
    explanation.start();
    expect((await ended(explanation)).phase).toBe('done');
    expect(asks.map((ask) => ask.resumeAfter)).toEqual(['', '1', '1']);
  });

  it('gives up after many interruptions, and tries again when asked to', async () => {
    const { asks, explanation } = scripted();
    explanation.start();
    const state = await ended(explanation);
    expect([state.phase, state.failure?.retryable]).toEqual(['failed', true]);
    const tries = asks.length;
    expect(tries).toBeGreaterThan(3);
    explanation.start();
    expect(asks.length).toBe(tries);
    explanation.retry();
    expect(asks.length).toBe(tries + 1);
  });

  it('does not ask again by itself for what would begin anew', async () => {
    const unnamed = [context('', 'a'), token('', 'The disk')];
    const { asks, explanation } = scripted([], [...unnamed, new TypeError('cut')], unnamed);
    explanation.start();
    const state = await ended(explanation);
    expect([state.phase, state.text, state.failure?.retryable]).toEqual(['failed', 'The disk', true]);
    expect(asks.length).toBe(2);
    explanation.retry();
    await ended(explanation);
    expect(asks.length).toBe(3);
  });

  it('takes silence for an interruption, and heartbeats for a sign of life', async () => {
    vi.useFakeTimers();
    try {
      let opened = 0;
      const explanation = new Explanation(
        async function* (_ask, signal) {
          opened += 1;
          yield context('1', 'a');
          for (let beats = 0; beats < 4; beats += 1) {
            await new Promise((resolve) => setTimeout(resolve, 15_000));
            yield heartbeat;
          }
          await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
        },
        { soon: (work) => work(), wait: () => Promise.resolve() },
      );
      explanation.start();
      await vi.advanceTimersByTimeAsync(60_000);
      expect(opened).toBe(1);
      await vi.advanceTimersByTimeAsync(45_000);
      expect(opened).toBe(1);
      await vi.advanceTimersByTimeAsync(6_000);
      expect(opened).toBe(2);
      explanation.stop();
      await vi.advanceTimersByTimeAsync(120_000);
      expect(opened).toBe(2);
    } finally {
      vi.useRealTimers();
    }
  });

  it('does not repeat what can never work', async () => {
    const { asks, explanation } = scripted([new ConnectError('no such entry', Code.NotFound)]);
    explanation.start();
    const state = await ended(explanation);
    expect(state.failure).toEqual({ reason: 'No such entry.', retryable: false });
    expect(asks.length).toBe(1);
  });

  it('orders a new answer once, not again after an interruption', async () => {
    const { asks, explanation } = scripted(
      [context('1', 'a'), done('old')],
      [context('4', 'a'), new TypeError('cut')],
      [done('new')],
    );
    explanation.start();
    await ended(explanation);
    explanation.refresh();
    expect((await ended(explanation)).done?.whatHappened).toBe('new');
    expect(asks.map((ask) => ask.refresh)).toEqual([false, true, false]);
  });
});

describe('an explanation that is halted', () => {
  const endless = () => {
    let opened = 0;
    let send: ((frame: ExplanationFrame) => void) | undefined;
    const explanation = new Explanation(
      async function* (_ask, signal) {
        opened += 1;
        yield context('1', 'a');
        yield token('2', 'The disk');
        while (!signal.aborted) yield await new Promise<ExplanationFrame>((resolve) => (send = resolve));
      },
      { soon: (work) => work() },
    );
    return { explanation, opened: () => opened, send: (next: ExplanationFrame) => send?.(next) };
  };

  it('keeps what has come, takes nothing more, and can be asked again', async () => {
    const { explanation, opened, send } = endless();
    explanation.halt();
    expect(explanation.state.phase).toBe('idle');
    explanation.start();
    await expect.poll(() => explanation.state.text).toBe('The disk');
    explanation.halt();
    send(token('3', ' is full'));
    await new Promise((resolve) => setTimeout(resolve));
    expect([explanation.state.phase, explanation.state.text]).toEqual(['stopped', 'The disk']);
    explanation.start();
    expect(opened()).toBe(1);
    explanation.retry();
    await expect.poll(() => explanation.state.phase).toBe('answering');
    expect(opened()).toBe(2);
  });
});

describe('kept explanations', () => {
  it('are fetched once for each entry', () => {
    let opened = 0;
    const kept = new KeptExplanations(
      () =>
        new Explanation(async function* () {
          opened += 1;
          yield await new Promise<ExplanationFrame>(() => {});
        }),
    );
    for (let round = 0; round < 3; round += 1) for (const id of ['a', 'b']) kept.of(id).start();
    expect(opened).toBe(2);
    expect(kept.of('a')).toBe(kept.of('a'));
  });

  it('are given up where nobody waits for them, unless they are complete', async () => {
    const signals: AbortSignal[] = [];
    const kept = new KeptExplanations(
      (id) =>
        new Explanation(
          async function* (_ask, signal) {
            signals.push(signal);
            if (id === 'whole') yield done('all of it');
            else yield await new Promise<ExplanationFrame>(() => {});
          },
          { soon: (work) => work() },
        ),
    );
    kept.leave('never seen');
    for (const id of ['whole', 'half']) kept.of(id).start();
    await expect.poll(() => kept.of('whole').state.phase).toBe('done');
    for (const id of ['whole', 'half']) kept.leave(id);
    expect([kept.of('whole').state.phase, kept.of('half').state.phase]).toEqual(['done', 'idle']);
    expect(signals[1]?.aborted).toBe(true);
  });

  it('are those of one person', () => {
    let who = 'one';
    const kept = new KeptExplanations(
      () => new Explanation(async function* () {}),
      () => who,
    );
    const first = kept.of('a');
    who = 'two';
    expect(kept.of('a')).not.toBe(first);
  });

  it('do not grow without a limit', () => {
    const kept = new KeptExplanations(() => new Explanation(async function* () {}));
    const first = kept.of('0');
    for (let index = 1; index <= 250; index += 1) kept.of(String(index));
    expect(kept.of('0')).not.toBe(first);
  });
});
