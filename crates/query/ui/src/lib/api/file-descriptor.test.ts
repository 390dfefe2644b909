import { createFileRegistry, toBinary, type DescFile, type FileRegistry } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, file_google_protobuf_timestamp } from '@bufbuild/protobuf/wkt';
import { describe, expect, it } from 'vitest';
import { file_turnstone_v1_detection } from '$gen/turnstone/v1/detection_pb';
import { file_turnstone_v1_entry } from '$gen/turnstone/v1/entry_pb';
import { file_turnstone_v1_explanation } from '$gen/turnstone/v1/explanation_pb';
import { file_turnstone_v1_stats } from '$gen/turnstone/v1/stats_pb';
import * as small from './file-descriptor';

/** All that the codec and the clients ask a descriptor for. */
function told(registry: FileRegistry): unknown[] {
  return [...registry].map((type) => {
    if (type.kind === 'message') {
      const fields = type.fields.map((field) => [
        ...[field.name, field.localName, field.number, field.fieldKind, field.presence, field.toString()],
        ...[field.oneof?.localName, field.message?.typeName, field.enum?.typeName],
        ...('packed' in field ? [field.packed] : []),
        ...('delimitedEncoding' in field ? [field.delimitedEncoding] : []),
        ...('listKind' in field ? [field.listKind] : []),
        ...('mapKind' in field ? [field.mapKind, field.mapKey] : []),
        ...[field.scalar],
        ...('longAsString' in field ? [field.longAsString] : []),
        'getDefaultValue' in field ? field.getDefaultValue?.() : undefined,
      ]);
      return [type.typeName, type.oneofs.map(({ localName }) => localName), fields];
    }
    if (type.kind === 'enum') {
      const values = type.values.map(({ name, localName, number }) => [name, localName, number]);
      return [type.typeName, type.open, type.sharedPrefix, values];
    }
    if (type.kind === 'service') {
      const methods = type.methods.map((method) => [
        ...[method.name, method.localName, method.methodKind, method.idempotency],
        ...[method.input.typeName, method.output.typeName],
      ]);
      return [type.typeName, methods];
    }
    return type.toString();
  });
}

const FILES: readonly DescFile[] = [
  file_google_protobuf_timestamp,
  file_turnstone_v1_detection,
  file_turnstone_v1_entry,
  file_turnstone_v1_explanation,
  file_turnstone_v1_stats,
];

describe('the small reader of descriptors', () => {
  it.each(FILES.map((file) => [file.name, file] as const))('says of %s what the general one says', (_name, file) => {
    const read = small.fromBinary(undefined, toBinary(FileDescriptorProtoSchema, file.proto));
    read.dependency = [...file.proto.dependency];
    const resolve = (name: string) => FILES.find(({ proto }) => proto.name === name);
    const general = told(createFileRegistry(file.proto, resolve));
    expect(general.length).toBeGreaterThan(0);
    expect(told(createFileRegistry(read, resolve))).toEqual(general);
  });
});
