// What becomes of a stream of explanation frames. Pure: frames in, state out.
import type {
  ExplanationCitation,
  ExplanationContext,
  ExplanationDone,
  ExplanationFrame,
} from '$gen/turnstone/v1/explanation_pb';

export type Phase =
  /** Nobody has asked yet. */
  | 'idle'
  /** Asked; nothing has come. */
  | 'asking'
  /** The context is here, the answer is not. */
  | 'reading'
  /** The answer is coming. */
  | 'answering'
  /** It broke off and is being asked for again; what has come stays. */
  | 'resuming'
  | 'done'
  /** The person did not want to wait for the rest; what has come stays. */
  | 'stopped'
  | 'failed';

export interface ExplanationState {
  readonly phase: Phase;
  readonly context: ExplanationContext | undefined;
  /** The answer so far, as the model writes it. */
  readonly text: string;
  readonly citations: readonly ExplanationCitation[];
  readonly done: ExplanationDone | undefined;
  readonly failure: { readonly reason: string; readonly retryable: boolean } | undefined;
  /** To go on behind. */
  readonly lastId: string;
}

export const IDLE: ExplanationState = {
  phase: 'idle',
  context: undefined,
  text: '',
  citations: [],
  done: undefined,
  failure: undefined,
  lastId: '',
};

export function isEnded(state: ExplanationState): boolean {
  return state.phase === 'done' || state.phase === 'stopped' || state.phase === 'failed';
}

/** The state after one more frame. Frames behind the end change nothing. */
export function apply(state: ExplanationState, { frame, id }: ExplanationFrame): ExplanationState {
  if (isEnded(state)) return state;
  const lastId = id === '' ? state.lastId : id;
  switch (frame.case) {
    case 'context':
      // A second one takes the place of the first and drops what came behind it.
      return { ...IDLE, phase: 'reading', context: frame.value, lastId };
    case 'token':
      return { ...state, phase: 'answering', text: state.text + frame.value.text, lastId };
    case 'citation':
      return { ...state, phase: 'answering', citations: [...state.citations, frame.value], lastId };
    case 'done':
      return { ...state, phase: 'done', done: frame.value, lastId };
    case 'error':
      return {
        ...state,
        phase: 'failed',
        failure: { reason: frame.value.reason, retryable: frame.value.retryable },
        lastId,
      };
    case 'heartbeat':
    case undefined:
      return state;
  }
}

export function fail(state: ExplanationState, reason: string, retryable: boolean): ExplanationState {
  return { ...state, phase: 'failed', failure: { reason, retryable } };
}
