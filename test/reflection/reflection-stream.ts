import { type DescFile, fromBinary } from '@bufbuild/protobuf';
import { type FileDescriptorProto, FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { createClient, type Transport } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import {
  ServerReflection as V1,
  type ServerReflectionResponse,
} from '../../gen/grpc/reflection/v1/reflection_pb.js';
import { ServerReflection as V1Alpha } from '../../gen/grpc/reflection/v1alpha/reflection_pb.js';
import type { ReflectionQuestion } from '../../src/server/grpc/reflection-answers.ts';

/** Both versions, by name. */
export const versions = ['v1', 'v1alpha'] as const;
export type Version = (typeof versions)[number];

export function grpcTransport(apiUrl: string): Transport {
  return createGrpcTransport({ baseUrl: apiUrl });
}

/** Puts questions to one stream, waiting for each answer before the next. */
export async function ask(
  transport: Transport,
  version: Version,
  questions: readonly ReflectionQuestion[],
): Promise<ServerReflectionResponse[]> {
  const answers: ServerReflectionResponse[] = [];
  const turns = questions.map(() => Promise.withResolvers<void>());
  async function* requests() {
    for (const [index, messageRequest] of questions.entries()) {
      await turns[index - 1]?.promise;
      yield { host: 'asked-host', messageRequest };
    }
  }
  const stream =
    version === 'v1'
      ? createClient(V1, transport).serverReflectionInfo(requests())
      : createClient(V1Alpha, transport).serverReflectionInfo(requests());
  for await (const answer of stream) {
    turns[answers.length]?.resolve();
    answers.push(answer as ServerReflectionResponse);
  }
  return answers;
}

/** The file descriptors of an answer, decoded. */
export function filesOf(answer: ServerReflectionResponse | undefined): FileDescriptorProto[] {
  if (answer?.messageResponse.case !== 'fileDescriptorResponse') {
    throw new Error(`no file but ${JSON.stringify(answer?.messageResponse)}`);
  }
  return answer.messageResponse.value.fileDescriptorProto.map((bytes) =>
    fromBinary(FileDescriptorProtoSchema, bytes),
  );
}

/** A file and all that it imports. */
export function withImports(file: DescFile): Set<DescFile> {
  return new Set([file, ...file.dependencies.flatMap((dependency) => [...withImports(dependency)])]);
}
