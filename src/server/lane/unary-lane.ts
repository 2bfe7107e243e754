import { Code, ConnectError, type ConnectRouterOptions } from '@connectrpc/connect';
import {
  type Compression,
  compressionNegotiate,
  type UniversalHandlerOptions,
  validateUniversalHandlerOptions,
} from '@connectrpc/connect/protocol';
import type { IncomingHttpHeaders } from 'node:http';
import type { ServiceRegistration } from '../connect/service-registration.ts';
import type { SettledHandler } from '../connect/settled-answers.ts';
import { type RecordRefusal, requestIdHeader } from '../transport/refusals.ts';
import { envelopeHeadBytes } from '../transport/envelope.ts';
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
  readonly record: RecordRefusal;
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
 *
 * @param record told of what cannot be decoded, which no interceptor sees.
 */
export function createUnaryLane(
  services: readonly ServiceRegistration[],
  routerOptions: ConnectRouterOptions,
  connectHandlers: readonly SettledHandler[],
  record: RecordRefusal,
): UnaryLane {
  const options = validateUniversalHandlerOptions(routerOptions);
  const lane: Lane = { routes: createLaneRoutes(services, options, connectHandlers), options, record };
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

function answerCall(lane: Lane, route: LaneRoute, exchange: LaneExchange, body: Buffer): boolean {
  const { options } = lane;
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
    void runCall(lane, call, exchange, message);
  } catch (error) {
    void replyWithError(lane, call, exchange, error);
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
function runCall(lane: Lane, call: LaneCall, exchange: LaneExchange, message: Uint8Array): Promise<void> {
  return call.invoke(call.route.input.parse(message), lane.options.interceptors).then(
    (response) => replyWithMessage(lane, call, exchange, response),
    (error: unknown) => replyWithError(lane, call, exchange, error),
  );
}

function replyWithMessage(
  lane: Lane,
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
        .catch((error: unknown) => replyWithError(lane, call, exchange, error));
    }
    finishWith(call, exchange, reply);
    return undefined;
  } catch (error) {
    return replyWithError(lane, call, exchange, error);
  }
}

function finishWith(call: LaneCall, exchange: LaneExchange, reply: LaneReply): void {
  call.finish();
  exchange.write(reply);
}

async function replyWithError(
  lane: Lane,
  call: LaneCall,
  exchange: LaneExchange,
  error: unknown,
): Promise<void> {
  call.finish(error);
  const failure = error instanceof ConnectError ? error : internalError(error);
  // The interceptor of every call gives its errors a request id, so this one has not come from there.
  const isRecorded = failure.metadata.has(requestIdHeader);
  try {
    const answer = isRecorded ? failure : recordUnseen(lane, call, failure);
    exchange.write(await call.route.protocol.failure(call, answer));
  } catch (unwritable) {
    // For example Node refuses a header that the handler set: no reply can be written at all.
    recordUnseen(lane, call, internalError(unwritable));
    exchange.destroy();
  }
}

function recordUnseen({ record }: Lane, call: LaneCall, failure: ConnectError): ConnectError {
  const { method } = call;
  const path = `/${method.parent.typeName}/${method.name}`;
  const readHeader = (name: string) => call.headerValue(name);
  return record({ method, path, startedAtMs: performance.now(), readHeader }, failure);
}

function internalError(cause: unknown): ConnectError {
  return new ConnectError('internal error', Code.Internal, undefined, undefined, cause);
}
