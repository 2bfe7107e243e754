import {
  create,
  type DescMessage,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import { Code, ConnectError, type Transport } from '@connectrpc/connect';
import { findTrailerError } from '@connectrpc/connect/protocol-grpc';
import { createConnectTransport, createGrpcWebTransport } from '@connectrpc/connect-web';
import { GrpcWebClientBase, MethodDescriptor, MethodType, type RpcError } from 'grpc-web';
import { BadRequestSchema } from '../../gen/google/rpc/error_details_pb.js';

/* The client libraries that pages use, each behind the same interface. Runs in the browser. */

export interface CallOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

/** How a call ended that was not carried out. */
export interface Failure {
  /** As gRPC spells it, `INVALID_ARGUMENT`. */
  readonly code: string;
  readonly message: string;
  /** The bad fields that its details name. */
  readonly fields: readonly string[];
}

/** Makes a call. @throws CallFailed */
export type WebCaller = <I extends DescMessage, O extends DescMessage>(
  method: DescMethodUnary<I, O>,
  request: MessageInitShape<I>,
  options?: CallOptions,
) => Promise<MessageShape<O>>;

/** What a caller throws, whichever library it uses. */
export class CallFailed extends Error {
  readonly failure: Failure;
  constructor(failure: Failure) {
    super(`${failure.code}: ${failure.message}`);
    this.failure = failure;
  }
}

/** By the name that tests give them. */
export const webCallers = {
  'connect-web, Connect': (baseUrl) => connectWeb(createConnectTransport({ baseUrl })),
  'connect-web, gRPC-Web': (baseUrl) => connectWeb(createGrpcWebTransport({ baseUrl })),
  'grpc-web, binary': (baseUrl) => grpcWeb(baseUrl, 'binary'),
  'grpc-web, text': (baseUrl) => grpcWeb(baseUrl, 'text'),
} as const satisfies Readonly<Record<string, (baseUrl: string) => WebCaller>>;

export type WebCallerName = keyof typeof webCallers;

function connectWeb(transport: Transport): WebCaller {
  return async (method, request, { headers, timeoutMs } = {}) => {
    try {
      return (await transport.unary(method, undefined, timeoutMs, headers, request)).message;
    } catch (error) {
      const failure = ConnectError.from(error);
      throw new CallFailed({
        code: nameOf(failure.code),
        message: failure.rawMessage,
        fields: fieldsOf(failure.findDetails(BadRequestSchema)),
      });
    }
  };
}

/** Google's library, with what protoc-gen-grpc-web would generate made of the descriptors of protobuf-es. */
function grpcWeb(baseUrl: string, format: 'binary' | 'text'): WebCaller {
  const client = new GrpcWebClientBase({ format });
  return async (method, request, { headers = {}, timeoutMs } = {}) => {
    const path = `/${method.parent.typeName}/${method.name}`;
    // The library keeps the classes of the messages and makes nothing of them.
    const descriptor = new MethodDescriptor<
      MessageShape<typeof method.input>,
      MessageShape<typeof method.output>
    >(
      path,
      MethodType.UNARY,
      Object as never,
      Object as never,
      (message: MessageShape<typeof method.input>) => toBinary(method.input, message),
      (bytes: Uint8Array) => fromBinary(method.output, bytes),
    );
    const deadline = timeoutMs === undefined ? {} : { deadline: String(Date.now() + timeoutMs) };
    const metadata = { ...headers, ...deadline };
    try {
      return await client.unaryCall(baseUrl + path, create(method.input, request), metadata, descriptor);
    } catch (error) {
      throw new CallFailed(failureOf(error as RpcError));
    }
  };
}

/** @param error what the library rejects with, which is without metadata where the answer was cut off. */
function failureOf({ code, message, metadata }: Omit<RpcError, 'metadata'> & Partial<RpcError>): Failure {
  // The library hands the details on as they came; Connect has the message that they are.
  const details = metadata?.['grpc-status-details-bin'] ?? '';
  const trailers = new Headers({ 'grpc-status': String(code), 'grpc-status-details-bin': details });
  const badRequests = findTrailerError(trailers)?.findDetails(BadRequestSchema) ?? [];
  return { code: nameOf(code), message, fields: fieldsOf(badRequests) };
}

/** The numbers are the same with both libraries, but Google's has no names for them at run time. */
function nameOf(code: number): string {
  return (Code[code] ?? String(code)).replaceAll(/(?<=[a-z])[A-Z]/g, '_$&').toUpperCase();
}

function fieldsOf(badRequests: readonly MessageShape<typeof BadRequestSchema>[]): readonly string[] {
  return badRequests.flatMap(({ fieldViolations }) => fieldViolations).map(({ field }) => field);
}
