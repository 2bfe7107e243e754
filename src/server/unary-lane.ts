import {
  Code,
  ConnectError,
  type ConnectRouterOptions,
  createServiceImplSpec,
  type Interceptor,
} from '@connectrpc/connect';
import {
  type Compression,
  compressionNegotiate,
  createMethodSerializationLookup,
  createMethodUrl,
  type UniversalHandler,
  validateUniversalHandlerOptions,
} from '@connectrpc/connect/protocol';
import type { IncomingHttpHeaders } from 'node:http';
import type { ServiceRegistration } from './service-registration.ts';
import { createConnectLane } from './lane/connect.ts';
import { grpcWebLane } from './lane/grpc-web.ts';
import { grpcLane } from './lane/grpc.ts';
import { LaneCall, type UnarySpec } from './lane/lane-call.ts';
import type { LaneProtocol, LaneReply, ResponseCompression } from './lane/lane-protocol.ts';

/** A call that the lane takes, known by its headers alone. */
export interface LaneTicket {
  /** Largest body that can be a plain message; a larger one is Connect's to refuse. In bytes. */
  readonly maxBodyBytes: number;
  /** Connect's own handler, for a body that turns out to be anything but one plain message. */
  readonly connectHandler: UniversalHandler;
  /** Answers the call; undefined when the body is not for the lane. Never throws. */
  answer(
    body: Buffer,
    onAbandoned: (cancel: (reason: ConnectError) => void) => void,
  ): Promise<LaneReply> | undefined;
}

/** The headers that decide whether the lane takes a call. */
export interface LaneRequestHead {
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly authority: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly http2: boolean;
}

/** The fast path for unary calls. */
export interface UnaryLane {
  /** A ticket for a call the lane takes, undefined for one that it leaves to Connect. */
  admit(head: LaneRequestHead): LaneTicket | undefined;
}

interface LaneMethod {
  readonly spec: UnarySpec;
  readonly serialization: ReturnType<typeof createMethodSerializationLookup>;
  readonly connectHandler: UniversalHandler;
}

/** Envelope head of gRPC and gRPC-Web, in bytes. */
const envelopeHeadBytes = 5;

/**
 * Serves unary calls in all three protocols past Fastify's routing and Connect's universal handlers,
 * through the same implementations and interceptors, with Connect's own serialization, error, status
 * and timeout functions. Streaming, GET, compressed requests, cross-origin requests and unusual
 * content types are not admitted, and a body that is not one plain message goes to Connect's handler
 * after all: so the lane needs no errors of its own. `test/server/lane-differential.test.ts` holds
 * both paths to the same bytes.
 */
export function createUnaryLane(
  services: readonly ServiceRegistration[],
  options: ConnectRouterOptions,
  connectHandlers: readonly UniversalHandler[],
): UnaryLane {
  const limits = validateUniversalHandlerOptions(options);
  const { readMaxBytes, maxTimeoutMs, acceptCompression, compressMinBytes } = limits;
  const interceptors: readonly Interceptor[] = limits.interceptors;
  const methods = new Map<string, LaneMethod>();
  for (const { service, handlers } of services) {
    for (const spec of Object.values(createServiceImplSpec(service, handlers).methods)) {
      const path = createMethodUrl('/', spec.method);
      const connectHandler = connectHandlers.find((handler) => handler.requestPath === path);
      if (spec.kind === 'unary' && connectHandler !== undefined) {
        const serialization = createMethodSerializationLookup(
          spec.method,
          limits.binaryOptions,
          limits.jsonOptions,
          limits,
        );
        methods.set(path, { spec, serialization, connectHandler });
      }
    }
  }

  const connectLane = createConnectLane(limits.jsonOptions ?? {});
  /** Exactly these content types; any other spelling is Connect's to understand. */
  const contentTypes = new Map<string, { readonly protocol: LaneProtocol; readonly binary: boolean }>([
    ['application/grpc', { protocol: grpcLane, binary: true }],
    ['application/grpc+proto', { protocol: grpcLane, binary: true }],
    ['application/grpc-web', { protocol: grpcWebLane, binary: true }],
    ['application/grpc-web+proto', { protocol: grpcWebLane, binary: true }],
    ['application/proto', { protocol: connectLane, binary: true }],
    ['application/json', { protocol: connectLane, binary: false }],
  ]);

  function responseCompressionFor(protocol: LaneProtocol, headers: IncomingHttpHeaders): Compression | null {
    const accepted = headers[protocol.acceptEncodingHeader];
    return typeof accepted === 'string'
      ? compressionNegotiate(acceptCompression, null, accepted, protocol.acceptEncodingHeader).response
      : null;
  }

  async function answer(
    call: LaneCall,
    protocol: LaneProtocol,
    binary: boolean,
    method: LaneMethod,
    message: Uint8Array,
    response: ResponseCompression,
  ): Promise<LaneReply> {
    try {
      const input = method.serialization.getI(binary).parse(message);
      const output = await call.invoke(input, interceptors);
      const bytes = method.serialization.getO(binary).serialize(output);
      call.finish();
      return await protocol.success(call, bytes, binary, response);
    } catch (error) {
      call.finish(error);
      const failure =
        error instanceof ConnectError
          ? error
          : new ConnectError('internal error', Code.Internal, undefined, undefined, error);
      return await protocol.failure(call, failure, binary, response);
    }
  }

  return {
    admit({ method: httpMethod, path, authority, headers, http2 }) {
      const method = path === undefined ? undefined : methods.get(path);
      const kind = contentTypes.get(headers['content-type'] ?? '');
      if (httpMethod !== 'POST' || path === undefined || method === undefined || kind === undefined) {
        return undefined;
      }
      const { protocol, binary } = kind;
      if (headers[protocol.encodingHeader] !== undefined || headers.origin !== undefined) {
        return undefined;
      }
      if (protocol === grpcLane && !http2) {
        return undefined;
      }
      const timeoutHeader = headers[protocol.timeoutHeader];
      const timeout =
        typeof timeoutHeader === 'string' ? protocol.parseTimeout(timeoutHeader, maxTimeoutMs) : {};
      if (timeout.error !== undefined || authority === undefined) {
        return undefined;
      }
      return {
        maxBodyBytes: readMaxBytes + envelopeHeadBytes,
        connectHandler: method.connectHandler,
        answer(body, onAbandoned) {
          const compression = responseCompressionFor(protocol, headers);
          const response = { compression, minBytes: compressMinBytes };
          const call = new LaneCall({
            spec: method.spec,
            protocolName: protocol.name,
            url: () => new URL(path, `http://${authority}`).toString(),
            headers,
            timeoutMs: timeout.timeoutMs,
            initialHeader: protocol.initialHeader(binary, compression),
            initialTrailer: protocol.initialTrailer,
            onAbandoned,
          });
          try {
            const message = protocol.unwrap(body, readMaxBytes);
            return message === undefined
              ? undefined
              : answer(call, protocol, binary, method, message, response);
          } catch (error) {
            return Promise.resolve(protocol.failure(call, ConnectError.from(error), binary, response));
          }
        },
      };
    },
  };
}
