import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { Code, ConnectError } from '@connectrpc/connect';
import { describe, expect, it } from 'vitest';
import { problemOf } from './problem';
import { violationsOf } from './violations';

/** With a field that this reader does not know between the two. */
function badRequest(...violations: [field: string, reason: string][]): Uint8Array {
  const writer = new BinaryWriter();
  for (const [field, reason] of violations) {
    writer.tag(1, WireType.LengthDelimited).fork();
    writer.tag(1, WireType.LengthDelimited).string(field);
    writer.tag(9, WireType.Varint).uint32(7);
    writer.tag(2, WireType.LengthDelimited).string(reason);
    writer.join();
  }
  return writer.finish();
}

function refused(type: string, value: Uint8Array): ConnectError {
  const error = new ConnectError('query: the quote at character 1 is not closed', Code.InvalidArgument);
  error.details = [{ type, value }];
  return error;
}

describe('refused fields', () => {
  it('are named by the details of the error', () => {
    const error = refused('google.rpc.BadRequest', badRequest(['query', 'größer'], ['time_until', 'is before it']));
    expect(violationsOf(error)).toEqual([
      { field: 'query', reason: 'größer' },
      { field: 'time_until', reason: 'is before it' },
    ]);
    expect(problemOf(error).violations?.[1]).toEqual({ field: 'time_until', reason: 'Is before it.' });
  });

  it('are none where the details are of another kind or broken', () => {
    expect(violationsOf(refused('google.rpc.ErrorInfo', badRequest(['query', 'x'])))).toEqual([]);
    expect(violationsOf(refused('google.rpc.BadRequest', new Uint8Array([10, 200, 1])))).toEqual([]);
    expect(problemOf(new ConnectError('no', Code.NotFound)).violations).toBeUndefined();
  });
});
