import { type DescFile, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { Code } from '@connectrpc/connect';
import type { DescriptorIndex } from './descriptor-index.ts';

/** The questions of the protocol; v1 and v1alpha differ in their package name alone. */
export type ReflectionQuestion =
  | { readonly case: 'fileByFilename' | 'fileContainingSymbol'; readonly value: string }
  | {
      readonly case: 'fileContainingExtension';
      readonly value: { readonly containingType: string; readonly extensionNumber: number };
    }
  | { readonly case: 'allExtensionNumbersOfType' | 'listServices'; readonly value: string }
  | { readonly case: undefined };

/** The answers of the protocol, for either version to put into its own messages. */
type ReflectionAnswer =
  | { case: 'fileDescriptorResponse'; value: { fileDescriptorProto: Uint8Array[] } }
  | {
      case: 'allExtensionNumbersResponse';
      value: { baseTypeName: string; extensionNumber: number[] };
    }
  | { case: 'listServicesResponse'; value: { service: { name: string }[] } }
  | { case: 'errorResponse'; value: { errorCode: number; errorMessage: string } };

/** Answers the questions of one stream. An unknown name gets an error as its answer; the stream goes on. */
type AnswerQuestion = (question: ReflectionQuestion) => ReflectionAnswer;

/** What is the same for all streams. */
interface ReflectionSource {
  readonly index: DescriptorIndex;
  /** All services, in the order to list them. */
  readonly serviceNames: readonly string[];
  /** Files that have been asked for, serialized once. */
  readonly encoded: Map<DescFile, Uint8Array>;
}

/**
 * Makes the answering function of streams. A stream gets the file that it asks for every time, and
 * what that file imports only once, as grpc-go does.
 *
 * @param serviceNames all services, in the order to list them.
 */
export function createReflectionAnswers(
  index: DescriptorIndex,
  serviceNames: readonly string[],
): () => AnswerQuestion {
  const source: ReflectionSource = { index, serviceNames, encoded: new Map() };
  return () => {
    const sent = new Set<DescFile>();
    return (question) => answerQuestion(source, sent, question);
  };
}

/** @param sent the files that the stream has had; those of the answer are added. */
function answerQuestion(
  source: ReflectionSource,
  sent: Set<DescFile>,
  question: ReflectionQuestion,
): ReflectionAnswer {
  const { index, serviceNames } = source;
  switch (question.case) {
    case 'listServices':
      return { case: 'listServicesResponse', value: { service: serviceNames.map((name) => ({ name })) } };
    case 'fileByFilename':
      return answerFile(source, sent, index.fileByName(question.value), `file ${question.value}`);
    case 'fileContainingSymbol':
      return answerFile(source, sent, index.fileBySymbol(question.value), `symbol ${question.value}`);
    case 'fileContainingExtension': {
      const { containingType, extensionNumber } = question.value;
      const file = index.fileByExtension(containingType, extensionNumber);
      return answerFile(source, sent, file, `extension ${extensionNumber} of ${containingType}`);
    }
    case 'allExtensionNumbersOfType':
      return answerExtensionNumbers(index, question.value);
    case undefined:
      return errorAnswer(Code.InvalidArgument, 'the request asks nothing that is known here');
  }
}

function answerFile(
  { encoded }: ReflectionSource,
  sent: Set<DescFile>,
  file: DescFile | undefined,
  askedFor: string,
): ReflectionAnswer {
  if (file === undefined) {
    return notFoundAnswer(askedFor);
  }
  sent.delete(file);
  const files: DescFile[] = [];
  collectUnsent(file, sent, files);
  const fileDescriptorProto = files.map((one) => encodeOnce(encoded, one));
  return { case: 'fileDescriptorResponse', value: { fileDescriptorProto } };
}

function answerExtensionNumbers(index: DescriptorIndex, message: string): ReflectionAnswer {
  const numbers = index.extensionNumbers(message);
  return numbers === undefined
    ? notFoundAnswer(`message ${message}`)
    : {
        case: 'allExtensionNumbersResponse',
        value: { baseTypeName: message, extensionNumber: [...numbers] },
      };
}

function encodeOnce(encoded: Map<DescFile, Uint8Array>, file: DescFile): Uint8Array {
  const bytes = encoded.get(file) ?? toBinary(FileDescriptorProtoSchema, file.proto);
  encoded.set(file, bytes);
  return bytes;
}

/** The file first, then those of its imports that the stream has not had. */
function collectUnsent(file: DescFile, sent: Set<DescFile>, found: DescFile[]): void {
  if (!sent.has(file)) {
    sent.add(file);
    found.push(file);
    for (const dependency of file.dependencies) {
      collectUnsent(dependency, sent, found);
    }
  }
}

function notFoundAnswer(askedFor: string): ReflectionAnswer {
  return errorAnswer(Code.NotFound, `${askedFor} is not known`);
}

function errorAnswer(errorCode: Code, errorMessage: string): ReflectionAnswer {
  return { case: 'errorResponse', value: { errorCode, errorMessage } };
}
