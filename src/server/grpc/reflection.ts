import type { DescFile } from '@bufbuild/protobuf';
import { ServerReflection as ServerReflectionV1 } from '../../../gen/grpc/reflection/v1/reflection_pb.js';
import { ServerReflection as ServerReflectionV1Alpha } from '../../../gen/grpc/reflection/v1alpha/reflection_pb.js';
import { registerService, type ServiceRegistration } from '../connect/service-registration.ts';
import { createDescriptorIndex } from './descriptor-index.ts';
import { createReflectionAnswers, type ReflectionQuestion } from './reflection-answers.ts';
import { untilStopping } from './until-stopping.ts';

/**
 * gRPC server reflection, in both versions that clients ask for, about the given services and itself.
 *
 * @param alsoKnown files of messages that no service imports, such as those of error details.
 * @param stopping ends the open streams.
 */
export function createReflection(
  services: readonly ServiceRegistration[],
  alsoKnown: readonly DescFile[],
  stopping: AbortSignal,
): ServiceRegistration[] {
  const known = [...services.map(({ service }) => service), ServerReflectionV1, ServerReflectionV1Alpha];
  const index = createDescriptorIndex([...known.map(({ file }) => file), ...alsoKnown]);
  const startStream = createReflectionAnswers(index, known.map(({ typeName }) => typeName).toSorted());

  async function* answerAll<T extends { host: string; messageRequest: ReflectionQuestion }>(
    requests: AsyncIterable<T>,
  ) {
    const answer = startStream();
    for await (const request of untilStopping(requests, stopping)) {
      yield {
        validHost: request.host,
        originalRequest: request,
        messageResponse: answer(request.messageRequest),
      };
    }
  }

  return [
    registerService(ServerReflectionV1, { serverReflectionInfo: answerAll }),
    registerService(ServerReflectionV1Alpha, { serverReflectionInfo: answerAll }),
  ];
}
