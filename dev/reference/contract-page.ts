import {
  createFileRegistry,
  type DescEnum,
  type DescField,
  type DescFile,
  type DescMessage,
  type DescService,
  fromBinary,
} from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { table } from './markdown.ts';

/* docs/reference/contract.md: every service, message and enum of the contracts, with the comments of the proto files. */

const root = fileURLToPath(new URL('../../', import.meta.url));
const packages = ['payment.v1', 'simulator.v1', 'common.v1'];

/** The page, in Markdown. */
export function describeContract(): string {
  const bytes = execFileSync('node_modules/.bin/buf', ['build', '-o', '-'], {
    cwd: root,
    maxBuffer: 2 ** 26,
  });
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, bytes));
  const files = [...registry.files].filter(({ proto }) => packages.includes(proto.package));
  const parts = packages.map((name) =>
    [`## ${name}`, ...files.filter(({ proto }) => proto.package === name).map(describeFile)].join('\n\n'),
  );
  return `# The contract

What \`GRPC_PORT\` serves, from the files in [proto](../../proto). JSON takes field names in both spellings, \`reservation_id\` and \`reservationId\`, and answers the first. [platform](../platform.md) has the platform's contract, whose numbers are others.

${parts.join('\n\n')}
`;
}

function describeFile(file: DescFile): string {
  return [
    ...file.services.map((service, index) => describeService(file, service, [6, index])),
    ...file.messages.flatMap((message, index) => describeMessage(file, message, [4, index])),
    ...file.enums.map((each, index) => describeEnum(file, each, [5, index])),
  ].join('\n\n');
}

function describeService(file: DescFile, service: DescService, path: readonly number[]): string {
  const rows = service.methods.map(({ name, input, output, methodKind }, index) => {
    const answer = `${methodKind === 'server_streaming' ? 'stream of ' : ''}${linkTo(output)}`;
    return [`\`${name}\``, linkTo(input), answer, commentAt(file, [...path, 2, index])];
  });
  return [
    `### ${service.name}`,
    commentAt(file, path),
    table(['Method', 'Takes', 'Answers', 'Does'], rows),
  ].join('\n\n');
}

function describeMessage(file: DescFile, message: DescMessage, path: readonly number[]): readonly string[] {
  const rows = message.fields.map((field, index) => [
    `\`${field.name}\``,
    String(field.number),
    typeOf(field),
    [commentAt(file, [...path, 2, index]), field.oneof === undefined ? '' : `One of \`${field.oneof.name}\`.`]
      .filter(Boolean)
      .join(' '),
  ]);
  const fields = rows.length === 0 ? 'No fields.' : table(['Field', 'Number', 'Type', 'Is'], rows);
  return [
    [`### ${nameOf(message)}`, commentAt(file, path), fields].filter(Boolean).join('\n\n'),
    ...message.nestedEnums.map((each, index) => describeEnum(file, each, [...path, 4, index])),
    ...message.nestedMessages
      .filter(({ proto }) => proto.options?.mapEntry !== true)
      .flatMap((nested) =>
        describeMessage(file, nested, [...path, 3, message.nestedMessages.indexOf(nested)]),
      ),
  ];
}

function describeEnum(file: DescFile, each: DescEnum, path: readonly number[]): string {
  const rows = each.values.map(({ name, number }, index) => [
    `\`${name}\``,
    String(number),
    commentAt(file, [...path, 2, index]),
  ]);
  return [`### ${nameOf(each)}`, commentAt(file, path), table(['Value', 'Number', 'Is'], rows)]
    .filter(Boolean)
    .join('\n\n');
}

function typeOf(field: DescField): string {
  switch (field.fieldKind) {
    case 'message':
      return linkTo(field.message);
    case 'enum':
      return linkTo(field.enum);
    case 'list':
      return `repeated ${field.listKind === 'message' ? linkTo(field.message) : field.listKind === 'enum' ? linkTo(field.enum) : scalarName(field)}`;
    case 'map':
      return 'map';
    case 'scalar':
      return `${field.proto.proto3Optional ? 'optional ' : ''}${scalarName(field)}`;
  }
}

const scalars: Readonly<Record<number, string>> = {
  1: 'double',
  3: 'int64',
  4: 'uint64',
  5: 'int32',
  8: 'bool',
  9: 'string',
  12: 'bytes',
  13: 'uint32',
};

function scalarName({ proto }: DescField): string {
  return scalars[proto.type] ?? String(proto.type);
}

/** With that of the message that it stands in. */
function nameOf(desc: DescMessage | DescEnum): string {
  return desc.parent === undefined ? desc.name : `${nameOf(desc.parent)}.${desc.name}`;
}

function linkTo(desc: DescMessage | DescEnum): string {
  const isOurs = packages.includes(desc.file.proto.package);
  return isOurs
    ? `[${nameOf(desc)}](#${nameOf(desc).toLowerCase().replaceAll('.', '')})`
    : `\`${desc.typeName}\``;
}

/** The comment in front of what has this path in the file, in one line. */
function commentAt({ proto }: DescFile, path: readonly number[]): string {
  const found = proto.sourceCodeInfo?.location.find((each) => each.path.join() === path.join());
  const text = [found?.leadingComments, found?.trailingComments].join('').trim();
  return text
    .split(/\n\s*\n/)
    .map((part) => part.replaceAll(/\s*\n\s*/g, ' '))
    .join(' ');
}
