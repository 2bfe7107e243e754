import { fileURLToPath } from 'node:url';
import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { loadSync, type MethodDefinition, type PackageDefinition } from '@grpc/proto-loader';
import { canonicalCode, type JsonObject, type Violation } from './payment-client.ts';
import {
  decodeBadRequest,
  decodeRetryMs,
  decodeStatusRetryMs,
  decodeStatusViolations,
} from './proto-codec.ts';

/** What came back of a call, whether or not it was carried out. */
export interface SteeredAnswer {
  /** The name of the gRPC code; `OK` when it was carried out. */
  readonly code: string;
  /** Empty when it was carried out. */
  readonly text: string;
  /** The message; empty when it was not carried out. */
  readonly message: JsonObject;
  /** The values of the header `payment-sim-rule`, or of the metadata. */
  readonly rule: string | undefined;
  readonly violations: readonly Violation[];
  /** Of google.rpc.RetryInfo, in milliseconds; undefined without it. */
  readonly retryMs: number | undefined;
}

/** Calls methods of both services on port 8030, with headers; the messages are proto JSON with proto names. */
export interface SteeringClient {
  readonly call: (
    method: string,
    request?: JsonObject,
    headers?: Readonly<Record<string, string>>,
  ) => Promise<SteeredAnswer>;
  close(): void;
}

const services = ['payment.v1.PaymentService', 'simulator.v1.SimulatorService'];
type Codec = MethodDefinition<JsonObject, JsonObject, JsonObject, JsonObject>;

const definitions: PackageDefinition = loadSync('simulator/v1/simulator.proto', {
  includeDirs: [fileURLToPath(new URL('../../../proto', import.meta.url))],
  keepCase: true,
  longs: String,
  enums: String,
});

/** A method of either service, by its name. */
export function find(method: string): { readonly path: string; readonly codec: Codec } {
  for (const service of services) {
    const codec = (definitions[service] as Record<string, Codec> | undefined)?.[method];
    if (codec !== undefined) {
      return { path: `/${service}/${method}`, codec };
    }
  }
  throw new Error(`${method} is not in the proto files`);
}

/** By @grpc/grpc-js. Further options are the channel's. */
export function createGrpcSteeringClient(
  apiUrl: string,
  options: Readonly<Record<string, string | number>> = {},
): SteeringClient {
  const client = new Client(new URL(apiUrl).host, credentials.createInsecure(), options);
  return {
    call: (method, request = {}, headers = {}) =>
      new Promise((resolve) => {
        const { path, codec } = find(method);
        const metadata = new Metadata();
        Object.entries(headers).forEach(([name, value]) => metadata.set(name, value));
        let rule: string | undefined;
        const call = client.makeUnaryRequest(
          path,
          codec.requestSerialize,
          codec.responseDeserialize,
          request,
          metadata,
          { deadline: Date.now() + 20_000 },
          (error, message) =>
            resolve(
              error === null
                ? { code: 'OK', text: '', message: message ?? {}, rule, violations: [], retryMs: undefined }
                : failureOf(error),
            ),
        );
        call.on('metadata', (received: Metadata) => (rule = received.get('payment-sim-rule')[0]?.toString()));
      }),
    close: () => client.close(),
  };
}

function failureOf({ code, details, metadata }: ServiceError): SteeredAnswer {
  const bytes = metadata.get('grpc-status-details-bin').map((value) => Buffer.from(value));
  return {
    code: status[code],
    text: details,
    message: {},
    rule: metadata.get('payment-sim-rule')[0]?.toString(),
    violations: bytes.flatMap(decodeStatusViolations),
    retryMs: bytes.map(decodeStatusRetryMs).find((each) => each !== undefined),
  };
}

interface ConnectFailure {
  readonly code: string;
  readonly message?: string;
  readonly details?: readonly { readonly type: string; readonly value: string }[];
}

/** In Connect's JSON, by fetch. */
export function createJsonSteeringClient(apiUrl: string): SteeringClient {
  return {
    async call(method, request = {}, headers = {}) {
      const response = await fetch(`${apiUrl}${find(method).path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(request),
      });
      const body = (await response.json()) as JsonObject;
      const rule = response.headers.get('payment-sim-rule') ?? undefined;
      return response.status === 200
        ? { code: 'OK', text: '', message: body, rule, violations: [], retryMs: undefined }
        : { ...readFailure(body as unknown as ConnectFailure), rule };
    },
    close: () => undefined,
  };
}

/** Reads the error of a Connect call from its body. */
export function readFailure({ code, message = '', details = [] }: ConnectFailure): SteeredAnswer {
  const bytesOf = (type: string) =>
    details.filter((each) => each.type === type).map(({ value }) => Buffer.from(value, 'base64'));
  return {
    code: canonicalCode(code),
    text: message,
    message: {},
    rule: undefined,
    violations: bytesOf('google.rpc.BadRequest').flatMap(decodeBadRequest),
    retryMs: bytesOf('google.rpc.RetryInfo').map(decodeRetryMs)[0],
  };
}
