// Reads the descriptors that generated code carries. In the built pages it stands in for the runtime's general reader (see
// vite.config.ts), which brings along a description of all that a .proto file may hold; those of this API hold less.
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import type { FileDescriptorProto } from '@bufbuild/protobuf/wkt';

type Kind = 'text' | 'number' | 'flag' | Shape;
/** By number of the field in google/protobuf/descriptor.proto: its name here, what it is, and whether there are many. */
interface Shape {
  type: string;
  defaults?: Readonly<Record<string, unknown>>;
  fields: Readonly<Record<number, readonly [name: string, kind: Kind, isMany?: true]>>;
}

const oneof: Shape = { type: 'OneofDescriptorProto', fields: { 1: ['name', 'text'] } };
const field: Shape = {
  type: 'FieldDescriptorProto',
  defaults: { label: 1, typeName: '', oneofIndex: 0, jsonName: '', proto3Optional: false },
  fields: {
    1: ['name', 'text'],
    3: ['number', 'number'],
    4: ['label', 'number'],
    5: ['type', 'number'],
    6: ['typeName', 'text'],
    8: [
      'options',
      { type: 'FieldOptions', defaults: { jstype: 0 }, fields: { 2: ['packed', 'flag'], 3: ['deprecated', 'flag'] } },
    ],
    9: ['oneofIndex', 'number'],
    10: ['jsonName', 'text'],
    17: ['proto3Optional', 'flag'],
  },
};
const enumeration: Shape = {
  type: 'EnumDescriptorProto',
  fields: {
    1: ['name', 'text'],
    2: ['value', { type: 'EnumValueDescriptorProto', fields: { 1: ['name', 'text'], 2: ['number', 'number'] } }, true],
  },
};
const message: { -readonly [Key in keyof Shape]: Shape[Key] } = { type: 'DescriptorProto', fields: {} };
message.fields = {
  1: ['name', 'text'],
  2: ['field', field, true],
  3: ['nestedType', message, true],
  4: ['enumType', enumeration, true],
  6: ['extension', field, true],
  7: ['options', { type: 'MessageOptions', fields: { 3: ['deprecated', 'flag'], 7: ['mapEntry', 'flag'] } }],
  8: ['oneofDecl', oneof, true],
};
const method: Shape = {
  type: 'MethodDescriptorProto',
  fields: {
    1: ['name', 'text'],
    2: ['inputType', 'text'],
    3: ['outputType', 'text'],
    5: ['clientStreaming', 'flag'],
    6: ['serverStreaming', 'flag'],
  },
};
const file: Shape = {
  type: 'FileDescriptorProto',
  defaults: { syntax: '', package: '', edition: 0 },
  fields: {
    1: ['name', 'text'],
    2: ['package', 'text'],
    4: ['messageType', message, true],
    5: ['enumType', enumeration, true],
    6: [
      'service',
      { type: 'ServiceDescriptorProto', fields: { 1: ['name', 'text'], 2: ['method', method, true] } },
      true,
    ],
    7: ['extension', field, true],
    12: ['syntax', 'text'],
  },
};

/** The values that are set, over their defaults: what is set and what is not is told apart by it. */
function read(reader: BinaryReader, end: number, { type, defaults, fields }: Shape): Record<string, unknown> {
  const found: Record<string, unknown> = Object.create(defaults ?? {});
  found['$typeName'] = `google.protobuf.${type}`;
  for (const [name, , isMany] of Object.values(fields)) if (isMany) found[name] = [];
  while (reader.pos < end) {
    const [number, wireType] = reader.tag();
    const known = fields[number];
    if (known === undefined) {
      reader.skip(wireType, number);
      continue;
    }
    const [name, kind, isMany] = known;
    const value =
      wireType === WireType.LengthDelimited
        ? delimited(reader, kind)
        : kind === 'flag'
          ? reader.bool()
          : reader.int32();
    if (isMany) (found[name] as unknown[]).push(value);
    else found[name] = value;
  }
  return found;
}

function delimited(reader: BinaryReader, kind: Kind): unknown {
  if (typeof kind === 'string') return reader.string();
  const length = reader.uint32();
  return read(reader, reader.pos + length, kind);
}

/** In the place of a decoder of Base64: in the built pages each character is a byte. */
export function base64Decode(bytes: string): Uint8Array {
  return Uint8Array.from(bytes, (character) => character.charCodeAt(0));
}

/** In the place of the description that the general reader wants. */
export const FileDescriptorProtoSchema = undefined;

/** What a google.protobuf.FileDescriptorProto says, as far as the runtime asks for it. */
export function fromBinary(_schema: typeof FileDescriptorProtoSchema, bytes: Uint8Array): FileDescriptorProto {
  return read(new BinaryReader(bytes), bytes.length, file) as unknown as FileDescriptorProto;
}
