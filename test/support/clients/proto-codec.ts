import { fileURLToPath } from 'node:url';
import { loadSync, type MethodDefinition, type PackageDefinition } from '@grpc/proto-loader';
import { canonicalMessage, type JsonObject, type Method, type Violation } from './payment-client.ts';

/** Encodes and decodes with the proto files as they are, not with the server's generated code. */
const definitions: PackageDefinition = loadSync(
  ['payment/v1/payment.proto', fileURLToPath(new URL('status-details.proto', import.meta.url))],
  {
    includeDirs: [fileURLToPath(new URL('../../../proto', import.meta.url))],
    keepCase: true,
    longs: String,
    enums: String,
  },
);

type Codec = MethodDefinition<JsonObject, JsonObject, JsonObject, JsonObject>;

function codecOf(service: string, method: string): Codec {
  const definition = definitions[service];
  const codec = (definition as Record<string, Codec> | undefined)?.[method];
  if (codec === undefined) {
    throw new Error(`${service}/${method} is not in the proto files`);
  }
  return codec;
}

export function encodeRequest(method: Method, request: JsonObject): Buffer {
  return codecOf('payment.v1.PaymentService', method).requestSerialize(request);
}

export function decodeResponse(method: Method, bytes: Buffer): JsonObject {
  return canonicalMessage(codecOf('payment.v1.PaymentService', method).responseDeserialize(bytes));
}

interface DecodedStatus {
  readonly code: number;
  readonly message?: string;
  readonly details?: readonly { readonly type_url: string; readonly value: Buffer }[];
}

/** Reads the bad fields from the bytes of a `google.rpc.Status` (grpc-status-details-bin). */
export function decodeStatusViolations(status: Buffer): readonly Violation[] {
  const codec = codecOf('payment.v1.testing.StatusDetails', 'Decode');
  const { details = [] } = codec.requestDeserialize(status) as unknown as DecodedStatus;
  return details
    .filter((detail) => detail.type_url === 'type.googleapis.com/google.rpc.BadRequest')
    .flatMap((detail) => decodeBadRequest(detail.value));
}

/** Reads the bad fields from the bytes of a `google.rpc.BadRequest`. */
export function decodeBadRequest(bytes: Buffer): readonly Violation[] {
  const codec = codecOf('payment.v1.testing.StatusDetails', 'Decode');
  const badRequest = codec.responseDeserialize(bytes) as { field_violations?: Violation[] };
  return badRequest.field_violations ?? [];
}

/** Reads when to try again from the bytes of a `google.rpc.Status`, in milliseconds; undefined when it does not say. */
export function decodeStatusRetryMs(status: Buffer): number | undefined {
  const codec = codecOf('payment.v1.testing.StatusDetails', 'DecodeRetry');
  const { details = [] } = codec.requestDeserialize(status) as unknown as DecodedStatus;
  const info = details.find((detail) => detail.type_url === 'type.googleapis.com/google.rpc.RetryInfo');
  return info && decodeRetryMs(info.value);
}

/** Reads when to try again from the bytes of a `google.rpc.RetryInfo`, in milliseconds. */
export function decodeRetryMs(bytes: Buffer): number {
  const codec = codecOf('payment.v1.testing.StatusDetails', 'DecodeRetry');
  const { retry_delay: delay } = codec.responseDeserialize(bytes) as {
    retry_delay?: { seconds?: string; nanos?: number };
  };
  return Number(delay?.seconds ?? 0) * 1_000 + (delay?.nanos ?? 0) / 1e6;
}
