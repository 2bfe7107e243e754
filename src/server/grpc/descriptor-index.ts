import type { DescFile } from '@bufbuild/protobuf';
import type {
  DescriptorProto,
  EnumDescriptorProto,
  FieldDescriptorProto,
  ServiceDescriptorProto,
} from '@bufbuild/protobuf/wkt';

/** Finds files by what they declare. Names are fully qualified, without a leading dot. */
export interface DescriptorIndex {
  fileByName(name: string): DescFile | undefined;
  /** The file that declares a service, method, message, field, oneof, enum, enum value or extension. */
  fileBySymbol(fullName: string): DescFile | undefined;
  fileByExtension(containingType: string, number: number): DescFile | undefined;
  /** Numbers of all extensions of a message, ascending; undefined when there is no such message. */
  extensionNumbers(containingType: string): readonly number[] | undefined;
}

/** What has been indexed; extensions by the message that they extend, then by number. */
interface IndexedFiles {
  readonly files: Map<string, DescFile>;
  readonly symbols: Map<string, DescFile>;
  readonly extensions: Map<string, Map<number, DescFile>>;
}

/** Indexes the files and all that they import. */
export function createDescriptorIndex(roots: Iterable<DescFile>): DescriptorIndex {
  const index: IndexedFiles = { files: new Map(), symbols: new Map(), extensions: new Map() };
  for (const root of roots) {
    addFile(index, root);
  }
  const { files, symbols, extensions } = index;
  return {
    fileByName: (name) => files.get(name),
    fileBySymbol: (fullName) => symbols.get(fullName),
    fileByExtension: (containingType, number) => extensions.get(containingType)?.get(number),
    extensionNumbers(containingType) {
      const ofType = extensions.get(containingType);
      return ofType === undefined ? undefined : [...ofType.keys()].toSorted((a, b) => a - b);
    },
  };
}

function addFile(index: IndexedFiles, file: DescFile): void {
  if (index.files.has(file.proto.name)) {
    return;
  }
  index.files.set(file.proto.name, file);
  const { package: scope, messageType, enumType, service, extension } = file.proto;
  messageType.forEach((message) => addMessage(index, file, scope, message));
  enumType.forEach((enumeration) => addEnum(index, file, scope, enumeration));
  service.forEach((entry) => addService(index, file, scope, entry));
  extension.forEach((field) => addExtension(index, file, scope, field));
  file.dependencies.forEach((dependency) => addFile(index, dependency));
}

function addMessage(index: IndexedFiles, file: DescFile, scope: string, message: DescriptorProto): void {
  const { extensions } = index;
  const fullName = addSymbol(index, file, scope, message.name);
  extensions.set(fullName, extensions.get(fullName) ?? new Map());
  message.field.forEach((field) => addSymbol(index, file, fullName, field.name));
  message.oneofDecl.forEach((oneof) => addSymbol(index, file, fullName, oneof.name));
  message.nestedType.forEach((nested) => addMessage(index, file, fullName, nested));
  message.enumType.forEach((enumeration) => addEnum(index, file, fullName, enumeration));
  message.extension.forEach((field) => addExtension(index, file, fullName, field));
}

function addEnum(index: IndexedFiles, file: DescFile, scope: string, enumeration: EnumDescriptorProto): void {
  addSymbol(index, file, scope, enumeration.name);
  // Protobuf scopes enum values as C++ does: as siblings of their enum, not inside it.
  enumeration.value.forEach((value) => addSymbol(index, file, scope, value.name));
}

function addService(
  index: IndexedFiles,
  file: DescFile,
  scope: string,
  service: ServiceDescriptorProto,
): void {
  const fullName = addSymbol(index, file, scope, service.name);
  service.method.forEach((method) => addSymbol(index, file, fullName, method.name));
}

function addExtension(index: IndexedFiles, file: DescFile, scope: string, field: FieldDescriptorProto): void {
  addSymbol(index, file, scope, field.name);
  const containingType = field.extendee.replace(/^\./, '');
  const ofType = index.extensions.get(containingType) ?? new Map<number, DescFile>();
  index.extensions.set(containingType, ofType.set(field.number, file));
}

/** @returns the symbol's fully qualified name. */
function addSymbol({ symbols }: IndexedFiles, file: DescFile, scope: string, name: string): string {
  const fullName = scope === '' ? name : `${scope}.${name}`;
  symbols.set(fullName, file);
  return fullName;
}
