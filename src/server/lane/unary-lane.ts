import { Code, ConnectError, type ConnectRouterOptions } from '@connectrpc/connect';
import {
  type Compression,
  compressionNegotiate,
  type UniversalHandler,
  type UniversalHandlerOptions,
  validateUniversalHandlerOptions,
} from '@connectrpc/connect/protocol';
import type { IncomingHttpHeaders } from 'node:http';
import type { ServiceRegistration } from '../connect/service-registration.ts';
import { envelopeHeadBytes } from './envelope.ts';
import { grpcProtocol } from './grpc-protocol.ts';
import { type AnyResponse, LaneCall } from './lane-call.ts';
import { createLaneRoutes } from './lane-routes.ts';
import type { LaneExchange, LaneReply, LaneRoute } from './lane-types.ts';

/** The headers that decide whether the lane takes a call. */
interface LaneRequestHead {
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly http2: boolean;
}

/** The fast path for unary calls. */
export interface UnaryLane {
  /** Largest body that can be a plain message, in bytes; Connect's handler refuses a larger one. */
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

/** What is the same for all calls. */
interface Lane {
  readonly routes: ReturnType<typeof createLaneRoutes>;
  readonly options: UniversalHandlerOptions;
}

/**
 * Serves unary calls in all three protocols past Fastify's routing and Connect's universal handlers,
 * through the same implementations and interceptors, with Connect's own serialization, error, status
 * and timeout functions. Streaming, GET, compressed requests, cross-origin requests and unusual
 * content types are not admitted, and a body that is not one plain message goes to Connect's handler
 * after all: so the lane needs hardly any errors of its own. `test/protocol/lane-differential.test.ts`
 * holds both paths to the same bytes.
 *
 * It is written for few allocations, because collecting garbage is a quarter of a call's CPU time
 * (docs/adr/0013).
 */
export function createUnaryLane(
  services: readonly ServiceRegistration[],
  routerOptions: ConnectRouterOptions,
  connectHandlers: readonly UniversalHandler[],
): UnaryLane {
  const options = validateUniversalHandlerOptions(routerOptions);
  const lane: Lane = { routes: createLaneRoutes(services, options, connectHandlers), options };
  return {
    maxBodyBytes: options.readMaxBytes + envelopeHeadBytes,
    admit: (head) => findRoute(lane, head),
    answer: (route, exchange, body) => answerCall(lane, route, exchange, body),
  };
}

function findRoute(
  { routes }: Lane,
  { method, path, headers, http2 }: LaneRequestHead,
): LaneRoute | undefined {
  if (method !== 'POST' || path === undefined || headers.origin !== undefined) {
    return undefined;
  }
  const route = routes.get(path)?.get(headers['content-type'] ?? '');
  if (route === undefined || headers[route.protocol.encodingHeader] !== undefined) {
    return undefined;
  }
  return route.protocol === grpcProtocol && !http2 ? undefined : route;
}

function answerCall({ options }: Lane, route: LaneRoute, exchange: LaneExchange, body: Buffer): boolean {
  const { protocol } = route;
  const { headers } = exchange;
  const timeoutHeader = headers[protocol.timeoutHeader];
  const timeout =
    typeof timeoutHeader === 'string'
      ? protocol.parseTimeout(timeoutHeader, options.maxTimeoutMs)
      : undefined;
  if (timeout?.error !== undefined) {
    return false;
  }
  const compression = negotiateCompression(headers[protocol.acceptEncodingHeader], route, options);
  const call = new LaneCall(route, exchange, timeout?.timeoutMs, compression, options.compressMinBytes);
  try {
    const message = protocol.unwrap(body, options.readMaxBytes);
    if (message === undefined) {
      return false;
    }
    void runCall(call, exchange, message, options);
  } catch (error) {
    void replyWithError(call, exchange, error);
  }
  return true;
}

function negotiateCompression(
  accepted: string | string[] | undefined,
  { protocol }: LaneRoute,
  { acceptCompression }: UniversalHandlerOptions,
): Compression | null {
  return typeof accepted === 'string'
    ? compressionNegotiate(acceptCompression, null, accepted, protocol.acceptEncodingHeader).response
    : null;
}

/**
 * Runs the call and replies with its outcome.
 *
 * @throws what parsing the message throws.
 */
function runCall(
  call: LaneCall,
  exchange: LaneExchange,
  message: Uint8Array,
  { interceptors }: UniversalHandlerOptions,
): Promise<void> {
  return call.invoke(call.route.input.parse(message), interceptors).then(
    (response) => replyWithMessage(call, exchange, response),
    (error: unknown) => replyWithError(call, exchange, error),
  );
}

function replyWithMessage(
  call: LaneCall,
  exchange: LaneExchange,
  response: AnyResponse,
): Promise<void> | undefined {
  try {
    const { protocol, output } = call.route;
    const reply = protocol.success(call, output.serialize(call.messageOf(response)));
    if (reply instanceof Promise) {
      return reply
        .then((compressed) => finishWith(call, exchange, compressed))
        .catch((error: unknown) => replyWithError(call, exchange, error));
    }
    finishWith(call, exchange, reply);
    return undefined;
  } catch (error) {
    return replyWithError(call, exchange, error);
  }
}

function finishWith(call: LaneCall, exchange: LaneExchange, reply: LaneReply): void {
  call.finish();
  exchange.write(reply);
}

async function replyWithError(call: LaneCall, exchange: LaneExchange, error: unknown): Promise<void> {
  call.finish(error);
  const failure =
    error instanceof ConnectError
      ? error
      : new ConnectError('internal error', Code.Internal, undefined, undefined, error);
  try {
    exchange.write(await call.route.protocol.failure(call, failure));
  } catch {
    // For example Node refuses a header that the handler set: no reply can be written at all.
    exchange.destroy();
  }
}
