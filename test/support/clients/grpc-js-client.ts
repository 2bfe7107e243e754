import { Client, credentials, type Metadata, type ServiceError, status } from '@grpc/grpc-js';
import type { ClientFactory, Outcome } from './payment-client.ts';
import { servicePath } from './payment-client.ts';
import { decodeResponse, decodeStatusViolations, encodeRequest } from './proto-codec.ts';

/** Native gRPC through @grpc/grpc-js; `gzip` compresses what it sends. */
export function createGrpcJsClient(options: { readonly gzip: boolean }): ClientFactory {
  return (apiUrl) => {
    const client = new Client(new URL(apiUrl).host, credentials.createInsecure(), {
      'grpc.default_compression_algorithm': options.gzip ? 2 : 0,
    });
    return {
      call: (method, request) =>
        new Promise<Outcome>((resolve) => {
          client.makeUnaryRequest(
            `${servicePath}/${method}`,
            (message: typeof request) => encodeRequest(method, message),
            (bytes: Buffer) => decodeResponse(method, bytes),
            request,
            { deadline: Date.now() + 10_000 },
            (error, message) => {
              resolve(
                error === null && message !== undefined ? { ok: true, message } : failureOf(error, message),
              );
            },
          );
        }),
      close: () => client.close(),
    };
  };
}

function failureOf(error: ServiceError | null, message: unknown): Outcome {
  if (error === null) {
    throw new Error(`grpc-js answered neither an error nor a message: ${String(message)}`);
  }
  return {
    ok: false,
    code: status[error.code],
    message: error.details,
    violations: violationsOf(error.metadata),
  };
}

function violationsOf(metadata: Metadata) {
  return metadata
    .get('grpc-status-details-bin')
    .flatMap((value) => decodeStatusViolations(Buffer.isBuffer(value) ? value : Buffer.from(value)));
}
