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

/** Indexes the files and all that they import. */
export function createDescriptorIndex(roots: Iterable<DescFile>): DescriptorIndex {
  const files = new Map<string, DescFile>();
  const symbols = new Map<string, DescFile>();
  const extensions = new Map<string, Map<number, DescFile>>();

  function addFile(file: DescFile): void {
    if (files.has(file.proto.name)) {
      return;
    }
    files.set(file.proto.name, file);
    const { package: scope, messageType, enumType, service, extension } = file.proto;
    messageType.forEach((message) => addMessage(file, scope, message));
    enumType.forEach((enumeration) => addEnum(file, scope, enumeration));
    service.forEach((entry) => addService(file, scope, entry));
    extension.forEach((field) => addExtension(file, scope, field));
    file.dependencies.forEach(addFile);
  }

  function addMessage(file: DescFile, scope: string, message: DescriptorProto): void {
    const fullName = addSymbol(file, scope, message.name);
    extensions.set(fullName, extensions.get(fullName) ?? new Map());
    message.field.forEach((field) => addSymbol(file, fullName, field.name));
    message.oneofDecl.forEach((oneof) => addSymbol(file, fullName, oneof.name));
    message.nestedType.forEach((nested) => addMessage(file, fullName, nested));
    message.enumType.forEach((enumeration) => addEnum(file, fullName, enumeration));
    message.extension.forEach((field) => addExtension(file, fullName, field));
  }

  function addEnum(file: DescFile, scope: string, enumeration: EnumDescriptorProto): void {
    addSymbol(file, scope, enumeration.name);
    // Values are siblings of their enum, as in C++.
    enumeration.value.forEach((value) => addSymbol(file, scope, value.name));
  }

  function addService(file: DescFile, scope: string, service: ServiceDescriptorProto): void {
    const fullName = addSymbol(file, scope, service.name);
    service.method.forEach((method) => addSymbol(file, fullName, method.name));
  }

  function addExtension(file: DescFile, scope: string, field: FieldDescriptorProto): void {
    addSymbol(file, scope, field.name);
    const containingType = field.extendee.replace(/^\./, '');
    const ofType = extensions.get(containingType) ?? new Map<number, DescFile>();
    extensions.set(containingType, ofType.set(field.number, file));
  }

  function addSymbol(file: DescFile, scope: string, name: string): string {
    const fullName = scope === '' ? name : `${scope}.${name}`;
    symbols.set(fullName, file);
    return fullName;
  }

  for (const root of roots) {
    addFile(root);
  }
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
