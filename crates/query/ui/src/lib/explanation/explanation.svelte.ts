// One explanation as it comes: asks, reads, goes on after an interruption, and keeps what it got. Streams go on when nobody looks, so
// that what was asked for is there when one comes back.
import { Code, ConnectError } from '@connectrpc/connect';
import type { ExplanationFrame } from '$gen/turnstone/v1/explanation_pb';
import { pause, waitMs } from '$lib/api/backoff';
import { isAbort, problemOf } from '$lib/api/problem';
import { apply, fail, IDLE, isEnded, type ExplanationState } from './machine';

export interface Ask {
  /** `id` of the last frame read; empty to begin. */
  resumeAfter: string;
  /** Wants a new answer even where one is kept. */
  refresh: boolean;
}

/** Opens a stream of frames. */
export type Open = (ask: Ask, signal: AbortSignal) => AsyncIterable<ExplanationFrame>;

export interface ExplanationHooks {
  /** Told of errors of the connection and the session. */
  noteFailure?: (error: unknown) => void;
  /** Runs `work` soon, once for many frames; the next animation frame as a rule. */
  soon?: (work: () => void) => void;
  wait?: (attempt: number, signal: AbortSignal) => Promise<void>;
  /** Waits until a stream may be opened; answers what to call when it has ended. */
  turn?: (signal: AbortSignal) => Promise<() => void>;
}

const BACKOFF = { firstMs: 500, mostMs: 8_000 };
/** Interruptions in a row, without a frame between them, before it is given up. */
const INTERRUPTIONS_MAX = 6;
/** Heartbeats come every 15 seconds: a stream without any is dead, whatever the network says. */
const SILENCE_MAX_MS = 50_000;

function nextFrame(work: () => void): void {
  if (typeof requestAnimationFrame === 'undefined' || document.visibilityState === 'hidden') setTimeout(work, 30);
  else requestAnimationFrame(work);
}

export class Explanation {
  state = $state.raw<ExplanationState>(IDLE);
  /** When it was asked for, in milliseconds since 1970. */
  askedAt = $state(0);

  readonly #open: Open;
  readonly #hooks: Required<Omit<ExplanationHooks, 'turn'>>;
  readonly #turn: ExplanationHooks['turn'];
  #aborter: AbortController | undefined;
  #waiting: ExplanationFrame[] = [];
  #isFlushPlanned = false;

  constructor(open: Open, hooks: ExplanationHooks = {}) {
    this.#open = open;
    this.#turn = hooks.turn;
    this.#hooks = {
      noteFailure: hooks.noteFailure ?? (() => {}),
      soon: hooks.soon ?? nextFrame,
      wait: hooks.wait ?? ((attempt, signal) => pause(waitMs(attempt, BACKOFF), signal)),
    };
  }

  /** Asks, unless that has been done. */
  start(): void {
    if (this.state.phase === 'idle') this.#run(false);
  }

  /** Asks again after a failure, or after it was halted. */
  retry(): void {
    if (this.state.phase === 'failed' || this.state.phase === 'stopped') this.#run(false);
  }

  /** Asks for a new answer. */
  refresh(): void {
    this.#run(true);
  }

  /** Gives up; a later `start` begins anew. */
  stop(): void {
    this.#aborter?.abort();
    this.#waiting = [];
    if (!isEnded(this.state)) this.state = IDLE;
  }

  /** Breaks it off and keeps what has come. */
  halt(): void {
    if (this.state.phase === 'idle' || isEnded(this.state)) return;
    this.#aborter?.abort();
    this.#flush();
    if (!isEnded(this.state)) this.state = { ...this.state, phase: 'stopped' };
  }

  #run(refresh: boolean): void {
    this.#aborter?.abort();
    const aborter = new AbortController();
    this.#aborter = aborter;
    this.#waiting = [];
    this.askedAt = Date.now();
    this.state = { ...IDLE, phase: 'asking' };
    void this.#read(refresh, aborter.signal);
  }

  async #read(refresh: boolean, signal: AbortSignal): Promise<void> {
    for (let attempt = 0; ; attempt += 1) {
      let reason = 'The answer broke off.';
      try {
        const resumeAfter = this.state.lastId;
        // Once frames have come, the new answer is under way: go on with it, do not order another one.
        for await (const frame of this.#listen({ resumeAfter, refresh: refresh && resumeAfter === '' }, signal)) {
          if (signal.aborted) return;
          attempt = 0;
          this.#take(frame);
        }
        if (signal.aborted) return;
      } catch (error) {
        if (signal.aborted) return;
        const problem = problemOf(error);
        this.#hooks.noteFailure(error);
        if (!problem.retryable || isAbort(error)) {
          this.#flush();
          this.state = fail(this.state, problem.reason, problem.retryable);
          return;
        }
        reason = problem.reason;
      }
      this.#flush();
      if (isEnded(this.state)) return;
      // What cannot be gone on with would be written anew from its first word, by a model that takes its time and may be cut again.
      const isLost = this.state.phase !== 'asking' && this.state.lastId === '';
      if (isLost || attempt >= INTERRUPTIONS_MAX) {
        this.state = fail(this.state, reason, true);
        return;
      }
      if (this.state.phase !== 'asking') this.state = { ...this.state, phase: 'resuming' };
      try {
        await this.#hooks.wait(attempt, signal);
      } catch {
        return;
      }
    }
  }

  /** The frames of one stream, which ends with an error when nothing comes for too long. */
  async *#listen(ask: Ask, signal: AbortSignal): AsyncGenerator<ExplanationFrame> {
    const silence = new AbortController();
    const give = () => silence.abort();
    signal.addEventListener('abort', give);
    const end = this.#turn && (await this.#turn(signal));
    let timer = setTimeout(give, SILENCE_MAX_MS);
    try {
      for await (const frame of this.#open(ask, silence.signal)) {
        clearTimeout(timer);
        timer = setTimeout(give, SILENCE_MAX_MS);
        yield frame;
      }
    } catch (error) {
      if (silence.signal.aborted && !signal.aborted) throw new ConnectError('the answer fell silent', Code.Unavailable);
      throw error;
    } finally {
      end?.();
      clearTimeout(timer);
      signal.removeEventListener('abort', give);
    }
  }

  #take(frame: ExplanationFrame): void {
    this.#waiting.push(frame);
    if (this.#isFlushPlanned) return;
    this.#isFlushPlanned = true;
    this.#hooks.soon(() => this.#flush());
  }

  #flush(): void {
    this.#isFlushPlanned = false;
    if (this.#waiting.length === 0) return;
    const frames = this.#waiting;
    this.#waiting = [];
    this.state = frames.reduce(apply, this.state);
  }
}
