import { type DescFile, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { Code } from '@connectrpc/connect';
import type { DescriptorIndex } from './descriptor-index.ts';

/** What may be asked; v1 and v1alpha differ in their package name alone. */
export type ReflectionQuestion =
  | { readonly case: 'fileByFilename' | 'fileContainingSymbol'; readonly value: string }
  | {
      readonly case: 'fileContainingExtension';
      readonly value: { readonly containingType: string; readonly extensionNumber: number };
    }
  | { readonly case: 'allExtensionNumbersOfType' | 'listServices'; readonly value: string }
  | { readonly case: undefined };

/** What is answered, for either version to put into its own messages. */
export type ReflectionAnswer =
  | { case: 'fileDescriptorResponse'; value: { fileDescriptorProto: Uint8Array[] } }
  | {
      case: 'allExtensionNumbersResponse';
      value: { baseTypeName: string; extensionNumber: number[] };
    }
  | { case: 'listServicesResponse'; value: { service: { name: string }[] } }
  | { case: 'errorResponse'; value: { errorCode: number; errorMessage: string } };

/** Answers the questions of one stream; what is not known is answered too, and ends nothing. */
export type AnswerQuestion = (question: ReflectionQuestion) => ReflectionAnswer;

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
  const encoded = new Map<DescFile, Uint8Array>();

  function encode(file: DescFile): Uint8Array {
    let bytes = encoded.get(file);
    if (bytes === undefined) {
      bytes = toBinary(FileDescriptorProtoSchema, file.proto);
      encoded.set(file, bytes);
    }
    return bytes;
  }

  return () => {
    const sent = new Set<DescFile>();

    function answerFile(file: DescFile | undefined, asked: string): ReflectionAnswer {
      if (file === undefined) {
        return notFound(asked);
      }
      sent.delete(file);
      const files: DescFile[] = [];
      collectUnsent(file, sent, files);
      return { case: 'fileDescriptorResponse', value: { fileDescriptorProto: files.map(encode) } };
    }

    return (question) => {
      switch (question.case) {
        case 'listServices':
          return {
            case: 'listServicesResponse',
            value: { service: serviceNames.map((name) => ({ name })) },
          };
        case 'fileByFilename':
          return answerFile(index.fileByName(question.value), `file ${question.value}`);
        case 'fileContainingSymbol':
          return answerFile(index.fileBySymbol(question.value), `symbol ${question.value}`);
        case 'fileContainingExtension': {
          const { containingType, extensionNumber } = question.value;
          const file = index.fileByExtension(containingType, extensionNumber);
          return answerFile(file, `extension ${extensionNumber} of ${containingType}`);
        }
        case 'allExtensionNumbersOfType': {
          const numbers = index.extensionNumbers(question.value);
          return numbers === undefined
            ? notFound(`message ${question.value}`)
            : {
                case: 'allExtensionNumbersResponse',
                value: { baseTypeName: question.value, extensionNumber: [...numbers] },
              };
        }
        case undefined:
          return failure(Code.InvalidArgument, 'the request asks nothing that is known here');
      }
    };
  };
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

function notFound(asked: string): ReflectionAnswer {
  return failure(Code.NotFound, `${asked} is not known`);
}

function failure(errorCode: Code, errorMessage: string): ReflectionAnswer {
  return { case: 'errorResponse', value: { errorCode, errorMessage } };
}
