import type { ConnectError } from '@connectrpc/connect';
import type { IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import { errorCodes } from '../http2/constants.ts';
import { headFields, toFields } from '../http2/response-fields.ts';
import type { Http2Stream } from '../http2/stream.ts';
import { type ConnectionBodies, HeldBody, noRoomForBody } from '../transport/body-budget.ts';
import { bodyOf, failingBody } from '../transport/body-iterables.ts';
import { type BodyConsumer, createCollector } from '../transport/collect-body.ts';
import { callUrl } from '../transport/request-target.ts';
import { answerHttp2WithConnect, requestOf } from './connect-fallback.ts';
import { okTrailers, plainHeaders } from './grpc-protocol.ts';
import type { LaneExchange, LaneReply, LaneRoute } from './lane-types.ts';
import { createPlainHead } from './plain-head.ts';
import { resetReason } from './reset-reason.ts';
import type { UnaryLane } from './unary-lane.ts';

/**
 * Offers an HTTP/2 stream to the lane.
 *
 * @param socket of its connection.
 * @param connection counts the body until it is complete.
 * @returns false when the lane does not take it; nothing has been read then.
 */
export function serveHttp2Stream(
  lane: UnaryLane,
  stream: Http2Stream,
  socket: Socket,
  connection: ConnectionBodies,
): boolean {
  const { headers } = stream;
  const route = lane.admit({ method: headers[':method'], path: headers[':path'], headers, http2: true });
  if (route === undefined) {
    return false;
  }
  const exchange = new Http2Exchange(lane, route, stream, socket, connection);
  stream.onClose(() => exchange.held.release());
  stream.read(createCollector(stream, lane.maxBodyBytes, exchange));
  return true;
}

class Http2Exchange implements LaneExchange, BodyConsumer {
  readonly #lane: UnaryLane;
  readonly #route: LaneRoute;
  readonly #stream: Http2Stream;
  readonly #socket: Socket;
  readonly held: HeldBody;

  constructor(
    lane: UnaryLane,
    route: LaneRoute,
    stream: Http2Stream,
    socket: Socket,
    connection: ConnectionBodies,
  ) {
    this.#lane = lane;
    this.#route = route;
    this.#stream = stream;
    this.#socket = socket;
    this.held = new HeldBody(connection);
  }

  get headers(): IncomingHttpHeaders {
    return this.#stream.headers;
  }

  onWhole(body: Buffer): void {
    this.held.release();
    if (!this.#lane.answer(this.#route, this, body)) {
      this.#handToConnect((rest) => bodyOf([body], rest));
    }
  }

  onTooLarge(received: readonly Buffer[]): void {
    this.#handToConnect((rest) => bodyOf(received, rest));
  }

  onNoRoom(): void {
    this.held.release();
    this.#handToConnect(() => failingBody(noRoomForBody()));
  }

  #handToConnect(bodyWith: (rest: ReturnType<typeof requestOf>) => AsyncIterable<Uint8Array>): void {
    const request = requestOf(this.#stream, this.#socket);
    void answerHttp2WithConnect(this.#route.connectHandler, request, bodyWith(request));
  }

  url(): string {
    return callUrl(this.headers, this.#stream.headers[':path']);
  }

  onAbandoned(cancel: (reason: ConnectError) => void): void {
    this.#stream.onClose(() => cancel(resetReason(this.#stream.rstCode)));
  }

  /** @throws TypeError for headers that there cannot be. */
  write({ status, headers, body, trailers }: LaneReply): void {
    const stream = this.#stream;
    if (stream.closed) {
      return;
    }
    // The two shared objects stand for a plain answer: no metadata of the handler's, no compression.
    if (headers === plainHeaders.binary && trailers === okTrailers) {
      stream.respond(plainHead(), false);
      stream.end(plainTrailers, body);
      return;
    }
    const trailerFields = trailers && toFields(trailers);
    const isHeadAlone = body === undefined && trailers === undefined;
    stream.respond(headFields(status, headers), isHeadAlone);
    if (!isHeadAlone) {
      stream.end(trailerFields, body);
    }
  }

  destroy(): void {
    this.#stream.close(errorCodes.internalError);
  }
}

const plainTrailers = toFields(okTrailers);
const plainHead = createPlainHead(plainHeaders.binary, Date.now);
