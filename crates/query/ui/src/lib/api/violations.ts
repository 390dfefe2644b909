// Which fields of a request the server refused: `google.rpc.BadRequest` in the details of an error, read by hand, since these few
// bytes do not need the generated code of all of google.rpc.
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import type { ConnectError } from '@connectrpc/connect';

export interface Violation {
  /** As the request names it: `query`, `time_until`. */
  field: string;
  reason: string;
}

const BAD_REQUEST = 'google.rpc.BadRequest';

export function violationsOf(error: Pick<ConnectError, 'details'>): Violation[] {
  const found: Violation[] = [];
  for (const detail of error.details) {
    if (!('type' in detail) || detail.type !== BAD_REQUEST) continue;
    try {
      eachField(detail.value, (number, bytes) => {
        // repeated FieldViolation field_violations = 1
        if (number === 1) found.push(violation(bytes));
      });
    } catch {
      // Details that cannot be read say nothing; the message of the error is still there.
    }
  }
  return found;
}

function violation(bytes: Uint8Array): Violation {
  const text = new TextDecoder();
  const read: Violation = { field: '', reason: '' };
  eachField(bytes, (number, value) => {
    if (number === 1) read.field = text.decode(value);
    else if (number === 2) read.reason = text.decode(value);
  });
  return read;
}

function eachField(bytes: Uint8Array, visit: (number: number, value: Uint8Array) => void): void {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    if (type === WireType.LengthDelimited) visit(number, reader.bytes());
    else reader.skip(type, number);
  }
}
