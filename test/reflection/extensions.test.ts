import { create, createFileRegistry } from '@bufbuild/protobuf';
import {
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
  FileDescriptorProtoSchema,
} from '@bufbuild/protobuf/wkt';
import { expect, test } from 'vitest';
import { createDescriptorIndex } from '../../src/server/grpc/descriptor-index.ts';
import { createReflectionAnswers } from '../../src/server/grpc/reflection-answers.ts';

/** No service here has extensions, so these are made by hand: one at the top, one within a message. */
const base = create(FileDescriptorProtoSchema, {
  name: 'base.proto',
  syntax: 'proto2',
  messageType: [{ name: 'Base', extensionRange: [{ start: 100, end: 200 }] }],
});
const extension = (name: string, number: number) => ({
  name,
  number,
  label: Label.OPTIONAL,
  type: Type.STRING,
  extendee: '.Base',
});
const extending = create(FileDescriptorProtoSchema, {
  name: 'extending.proto',
  syntax: 'proto2',
  package: 'ext',
  dependency: ['base.proto'],
  extension: [extension('top', 120)],
  messageType: [{ name: 'Holder', extension: [extension('inner', 110)] }],
});
const registry = createFileRegistry(extending, (name) => (name === 'base.proto' ? base : undefined));
const index = createDescriptorIndex([...registry.files]);

test('extensions are found by type and number, and by name', () => {
  expect(index.fileByExtension('Base', 120)?.proto.name).toBe('extending.proto');
  expect(index.fileByExtension('Base', 110)?.proto.name).toBe('extending.proto');
  expect(index.fileByExtension('Base', 111)).toBeUndefined();
  expect(index.fileBySymbol('ext.top')?.proto.name).toBe('extending.proto');
  expect(index.fileBySymbol('ext.Holder.inner')?.proto.name).toBe('extending.proto');
});

test('all numbers of a type, also when the index met the extensions first', () => {
  expect(index.extensionNumbers('Base')).toEqual([110, 120]);
  const reversed = createDescriptorIndex([...registry.files].toReversed());
  expect(reversed.extensionNumbers('Base')).toEqual([110, 120]);
  const answer = createReflectionAnswers(index, [])();
  expect(answer({ case: 'allExtensionNumbersOfType', value: 'Base' })).toEqual({
    case: 'allExtensionNumbersResponse',
    value: { baseTypeName: 'Base', extensionNumber: [110, 120] },
  });
  const file = answer({
    case: 'fileContainingExtension',
    value: { containingType: 'Base', extensionNumber: 110 },
  });
  expect(file).toMatchObject({
    case: 'fileDescriptorResponse',
    value: { fileDescriptorProto: { length: 2 } },
  });
});
