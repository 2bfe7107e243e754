import type { ConnectError } from '@connectrpc/connect';
import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { noRoomForBody } from '../transport/body-budget.ts';
import type { AwaitedBody } from '../transport/body-deadline.ts';
import { closeWhenAnswered } from '../transport/close-when-answered.ts';
import { ignoreErrors } from '../transport/ignore-errors.ts';
import { type BodyConsumer, collectBody } from '../transport/collect-body.ts';
import { callUrl } from '../transport/request-target.ts';
import { answerHttp2WithConnect } from './connect-fallback.ts';
import { bodyOf, failingBody } from '../transport/body-iterables.ts';
import { okTrailers, plainHeaders } from './grpc-protocol.ts';
import type { LaneExchange, LaneReply, LaneRoute } from './lane-types.ts';
import { createPlainHead } from './plain-head.ts';
import { resetReason } from './reset-reason.ts';
import type { UnaryLane } from './unary-lane.ts';

/**
 * Offers an HTTP/2 stream to the lane.
 *
 * @param awaitedBody `end` is called when the body has come in whole, or the stream closes.
 * @returns false when the lane does not take it; nothing has been read then.
 */
export function serveHttp2Stream(
  lane: UnaryLane,
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  awaitedBody: AwaitedBody,
): boolean {
  const route = lane.admit({ method: headers[':method'], path: headers[':path'], headers, http2: true });
  if (route === undefined) {
    return false;
  }
  collectBody(stream, lane.maxBodyBytes, new Http2Exchange(lane, route, stream, headers, awaitedBody));
  stream.on('close', () => awaitedBody.end());
  ignoreErrors(stream);
  return true;
}

/** One function for all streams: Node keeps a stream, and a closure with it, until the next full collection. */
function sendOkTrailers(this: ServerHttp2Stream): void {
  this.sendTrailers(okTrailers);
}

class Http2Exchange implements LaneExchange, BodyConsumer {
  readonly headers: IncomingHttpHeaders;
  readonly #lane: UnaryLane;
  readonly #route: LaneRoute;
  readonly #stream: ServerHttp2Stream;
  readonly held: AwaitedBody;

  constructor(
    lane: UnaryLane,
    route: LaneRoute,
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    awaitedBody: AwaitedBody,
  ) {
    this.#lane = lane;
    this.#route = route;
    this.#stream = stream;
    this.headers = headers;
    this.held = awaitedBody;
  }

  onWhole(body: Buffer): void {
    this.held.end();
    // Node emits `end` on RST_STREAM as well. The handler does not run for a caller that can no longer
    // be answered, so that a flood of opened and reset streams costs a tenth of as many calls.
    if (this.#stream.closed) {
      return;
    }
    if (!this.#lane.answer(this.#route, this, body)) {
      this.#handToConnect(bodyOf([body], this.#stream));
    }
  }

  onTooLarge(received: readonly Buffer[]): void {
    this.#handToConnect(bodyOf(received, this.#stream));
  }

  onNoRoom(): void {
    this.held.end();
    this.#handToConnect(failingBody(noRoomForBody()));
  }

  #handToConnect(body: AsyncIterable<Uint8Array>): void {
    closeWhenAnswered(this.#stream);
    void answerHttp2WithConnect(this.#route.connectHandler, this.#stream, this.headers, body);
  }

  url(): string {
    return callUrl(this.headers, this.headers[':path']);
  }

  onAbandoned(cancel: (reason: ConnectError) => void): void {
    this.#stream.once('close', () => cancel(resetReason(this.#stream.rstCode)));
  }

  write({ status, headers, body, trailers }: LaneReply): void {
    const stream = this.#stream;
    if (stream.destroyed || stream.closed) {
      return;
    }
    // The two shared objects stand for a plain answer: no metadata of the handler's, no compression.
    if (headers === plainHeaders.binary && trailers === okTrailers) {
      stream.on('wantTrailers', sendOkTrailers);
      stream.respond(plainHead(), waitForTrailers);
      stream.end(body);
      return;
    }
    // Node sends 200 when the head has no status, and the head need not be copied then.
    const head = status === 200 ? headers : { ...headers, [constants.HTTP2_HEADER_STATUS]: status };
    if (trailers === undefined) {
      if (body === undefined) {
        stream.respond(head, headAlone);
        return;
      }
      stream.respond(head);
    } else {
      stream.on('wantTrailers', () => stream.sendTrailers(trailers));
      stream.respond(head, waitForTrailers);
    }
    stream.end(body);
  }

  destroy(): void {
    this.#stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  }
}

const waitForTrailers = { waitForTrailers: true };
const headAlone = { endStream: true };

const plainHead = createPlainHead(plainHeaders.binary, Date.now);
