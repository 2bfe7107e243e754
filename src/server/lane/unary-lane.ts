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
import type { ServiceRegistration } from '../service-registration.ts';
import { createConnectLane } from './connect.ts';
import { grpcWebLane } from './grpc-web.ts';
import { grpcLane } from './grpc.ts';
import { type AnyResponse, LaneCall } from './lane-call.ts';
import type { LaneExchange } from './lane-exchange.ts';
import type { LaneProtocol, LaneReply } from './lane-protocol.ts';
import type { LaneRoute } from './lane-route.ts';

/** The headers that decide whether the lane takes a call. */
export interface LaneRequestHead {
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly http2: boolean;
}

/** The fast path for unary calls. */
export interface UnaryLane {
  /** Largest body that can be a plain message; a larger one is Connect's to refuse. In bytes. */
  readonly maxBodyBytes: number;
  /** The route of a call that the lane takes, undefined for one that it leaves to Connect. */
  admit(head: LaneRequestHead): LaneRoute | undefined;
  /**
   * Answers a call with its whole body. Never throws.
   *
   * @returns false when the call turns out to be for Connect's own handler.
   */
  answer(route: LaneRoute, exchange: LaneExchange, body: Buffer): boolean;
}

/** Envelope head of gRPC and gRPC-Web, in bytes. */
const envelopeHeadBytes = 5;

/**
 * Serves unary calls in all three protocols past Fastify's routing and Connect's universal handlers,
 * through the same implementations and interceptors, with Connect's own serialization, error, status
 * and timeout functions. Streaming, GET, compressed requests, cross-origin requests and unusual
 * content types are not admitted, and a body that is not one plain message goes to Connect's handler
 * after all: so the lane needs hardly any errors of its own. `test/protocol/lane-differential.test.ts`
 * holds both paths to the same bytes.
 *
 * It is written for few allocations: garbage is what most of the time goes to (docs/adr/0013).
 */
export function createUnaryLane(
  services: readonly ServiceRegistration[],
  options: ConnectRouterOptions,
  connectHandlers: readonly UniversalHandler[],
): UnaryLane {
  const limits = validateUniversalHandlerOptions(options);
  const { readMaxBytes, maxTimeoutMs, acceptCompression, compressMinBytes } = limits;
  const interceptors: readonly Interceptor[] = limits.interceptors;
  const connectLane = createConnectLane(limits.jsonOptions ?? {});
  /** Exactly these content types; any other spelling is Connect's to understand. */
  const contentTypes: readonly (readonly [string, LaneProtocol, boolean])[] = [
    ['application/grpc', grpcLane, true],
    ['application/grpc+proto', grpcLane, true],
    ['application/grpc-web', grpcWebLane, true],
    ['application/grpc-web+proto', grpcWebLane, true],
    ['application/proto', connectLane, true],
    ['application/json', connectLane, false],
  ];
  /** By path, then by content type. */
  const routes = new Map<string, ReadonlyMap<string, LaneRoute>>();
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
        const routeOf = (protocol: LaneProtocol, binary: boolean): LaneRoute => ({
          spec,
          protocol,
          binary,
          input: serialization.getI(binary),
          output: serialization.getO(binary),
          connectHandler,
        });
        routes.set(path, new Map(contentTypes.map(([type, ...kind]) => [type, routeOf(...kind)])));
      }
    }
  }

  function compressionFor(protocol: LaneProtocol, headers: IncomingHttpHeaders): Compression | null {
    const accepted = headers[protocol.acceptEncodingHeader];
    return typeof accepted === 'string'
      ? compressionNegotiate(acceptCompression, null, accepted, protocol.acceptEncodingHeader).response
      : null;
  }

  function execute(call: LaneCall, exchange: LaneExchange, message: Uint8Array): Promise<void> {
    return call.invoke(call.route.input.parse(message), interceptors).then(
      (response) => succeed(call, exchange, response),
      (error: unknown) => fail(call, exchange, error),
    );
  }

  return {
    maxBodyBytes: readMaxBytes + envelopeHeadBytes,

    admit({ method, path, headers, http2 }) {
      if (method !== 'POST' || path === undefined || headers.origin !== undefined) {
        return undefined;
      }
      const route = routes.get(path)?.get(headers['content-type'] ?? '');
      if (route === undefined || headers[route.protocol.encodingHeader] !== undefined) {
        return undefined;
      }
      return route.protocol === grpcLane && !http2 ? undefined : route;
    },

    answer(route, exchange, body) {
      const { protocol } = route;
      const { headers } = exchange;
      const timeoutHeader = headers[protocol.timeoutHeader];
      const timeout =
        typeof timeoutHeader === 'string' ? protocol.parseTimeout(timeoutHeader, maxTimeoutMs) : undefined;
      if (timeout?.error !== undefined) {
        return false;
      }
      const compression = compressionFor(protocol, headers);
      const call = new LaneCall(route, exchange, timeout?.timeoutMs, compression, compressMinBytes);
      try {
        const message = protocol.unwrap(body, readMaxBytes);
        if (message === undefined) {
          return false;
        }
        void execute(call, exchange, message);
      } catch (error) {
        void fail(call, exchange, error);
      }
      return true;
    },
  };
}

function succeed(call: LaneCall, exchange: LaneExchange, response: AnyResponse): Promise<void> | undefined {
  try {
    const { protocol, output } = call.route;
    const reply = protocol.success(call, output.serialize(call.messageOf(response)));
    if (reply instanceof Promise) {
      return reply
        .then((compressed) => send(call, exchange, compressed))
        .catch((error: unknown) => fail(call, exchange, error));
    }
    send(call, exchange, reply);
    return undefined;
  } catch (error) {
    return fail(call, exchange, error);
  }
}

function send(call: LaneCall, exchange: LaneExchange, reply: LaneReply): void {
  call.finish();
  exchange.write(reply);
}

async function fail(call: LaneCall, exchange: LaneExchange, error: unknown): Promise<void> {
  call.finish(error);
  const failure =
    error instanceof ConnectError
      ? error
      : new ConnectError('internal error', Code.Internal, undefined, undefined, error);
  try {
    exchange.write(await call.route.protocol.failure(call, failure));
  } catch {
    // Headers that cannot be written, say: there is no way left to tell the caller.
    exchange.destroy();
  }
}
