import { Code, ConnectError } from '@connectrpc/connect';
import { describe, expect, it } from 'vitest';
import { isAbort, problemOf, Unreachable } from './problem';

describe('problems', () => {
  it('of the network are told from answers, however they come through the transport', () => {
    const cut = new TypeError('network error');
    for (const error of [
      new Unreachable(cut),
      ConnectError.from(new Unreachable(cut), Code.Internal),
      cut,
      ConnectError.from(cut),
    ]) {
      expect(problemOf(error)).toEqual({
        reason: 'The server cannot be reached.',
        code: Code.Unavailable,
        retryable: true,
        offline: true,
      });
    }
    expect(problemOf(new ConnectError('the store cannot be reached', Code.Unavailable)).offline).toBe(false);
  });

  it('are sentences', () => {
    expect(problemOf(new ConnectError('severity: is malformed; write ERROR', Code.InvalidArgument))).toMatchObject({
      reason: 'Severity: is malformed; write ERROR.',
      retryable: false,
    });
    expect(problemOf(new ConnectError('', Code.Internal)).reason).toBe('The server gave no reason.');
  });

  it('are none where the caller gave up', () => {
    expect(isAbort(new ConnectError('canceled', Code.Canceled))).toBe(true);
    expect(isAbort(new DOMException('gone', 'AbortError'))).toBe(true);
    expect(isAbort(new ConnectError('x', Code.Unavailable))).toBe(false);
  });
});
