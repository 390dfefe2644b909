// What went wrong, for people: one shape for every failure of the API.
import { Code, ConnectError } from '@connectrpc/connect';
import { violationsOf, type Violation } from './violations';

export interface Problem {
  /** For a person: what went wrong and, where the server said so, what to do. */
  reason: string;
  code: Code;
  /** Whether asking again may help. */
  retryable: boolean;
  /** Nobody answered, or the answer broke off: the connection is in doubt. */
  offline: boolean;
  /** Which fields of the request the server refused, and why. */
  violations?: readonly Violation[];
}

/** Marks an error of the network, as opposed to an answer of the server. */
export class Unreachable extends ConnectError {
  // `instanceof` cannot tell: every ConnectError passes for one of any subclass, and one of another name for none.
  readonly isUnreachable = true;

  constructor(cause: unknown) {
    super('The server cannot be reached.', Code.Unavailable, undefined, undefined, cause);
  }
}

const RETRYABLE = new Set([
  Code.Unavailable,
  Code.ResourceExhausted,
  Code.DeadlineExceeded,
  Code.Aborted,
  Code.Internal,
  Code.Unknown,
]);

/** Whether the caller itself gave up, so that there is nothing to tell anybody. */
export function isAbort(error: unknown): boolean {
  if (error instanceof DOMException && error.name === 'AbortError') return true;
  return error instanceof ConnectError && (error.code === Code.Canceled || isAbort(error.cause));
}

export function problemOf(error: unknown): Problem {
  const connect = ConnectError.from(error);
  // A body that breaks off is a TypeError in every browser.
  const offline = 'isUnreachable' in connect || connect.cause instanceof TypeError || error instanceof TypeError;
  if (offline) {
    return { reason: 'The server cannot be reached.', code: Code.Unavailable, retryable: true, offline };
  }
  const violations = violationsOf(connect).map(({ field, reason }) => ({ field, reason: sentence(reason) }));
  return {
    reason:
      connect.code === Code.DeadlineExceeded
        ? 'The server did not answer in time. It may be busy, or have done it all the same.'
        : sentence(connect.rawMessage) || 'The server gave no reason.',
    code: connect.code,
    retryable: RETRYABLE.has(connect.code),
    offline,
    ...(violations.length > 0 && { violations }),
  };
}

/** The server's messages are lower case without a full stop. */
function sentence(text: string): string {
  const trimmed = text.trim();
  if (trimmed === '') return '';
  const first = trimmed.charAt(0).toUpperCase() + trimmed.slice(1);
  return /[.!?]$/.test(first) ? first : `${first}.`;
}
