import { Code, ConnectError } from '@connectrpc/connect';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { type ConnectionBodies, HeldBody, noRoomForBody } from '../transport/body-budget.ts';
import { type BodyConsumer, collectBody } from '../transport/collect-body.ts';
import { callUrl } from '../transport/request-target.ts';
import { answerHttp1WithConnect } from './connect-fallback.ts';
import { bodyOf, failingBody } from '../transport/body-iterables.ts';
import type { LaneExchange, LaneReply, LaneRoute } from './lane-types.ts';
import type { UnaryLane } from './unary-lane.ts';

/**
 * Offers an HTTP/1.1 request to the lane.
 *
 * @param connection counts the body until it is complete.
 * @returns false when the lane does not take it; nothing has been read then.
 */
export function serveHttp1Request(
  lane: UnaryLane,
  request: IncomingMessage,
  response: ServerResponse,
  connection: ConnectionBodies,
): boolean {
  const { method, url: path, headers } = request;
  const route = lane.admit({ method, path, headers, http2: false });
  if (route === undefined) {
    return false;
  }
  collectBody(request, lane.maxBodyBytes, new Http1Exchange(lane, route, request, response, connection));
  return true;
}

/** Up to this size, in bytes, copying a body costs less than the system call that it saves. */
const maxMergedBytes = 16_384;

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

class Http1Exchange implements LaneExchange, BodyConsumer {
  readonly #lane: UnaryLane;
  readonly #route: LaneRoute;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly held: HeldBody;

  constructor(
    lane: UnaryLane,
    route: LaneRoute,
    request: IncomingMessage,
    response: ServerResponse,
    connection: ConnectionBodies,
  ) {
    this.#lane = lane;
    this.#route = route;
    this.#request = request;
    this.#response = response;
    this.held = new HeldBody(connection);
  }

  get headers(): IncomingHttpHeaders {
    return this.#request.headers;
  }

  onWhole(body: Buffer): void {
    this.held.release();
    if (!this.#lane.answer(this.#route, this, body)) {
      this.#handToConnect(bodyOf([body], this.#request));
    }
  }

  onTooLarge(received: readonly Buffer[]): void {
    this.held.release();
    this.#handToConnect(bodyOf(received, this.#request));
  }

  onNoRoom(): void {
    this.held.release();
    this.#handToConnect(failingBody(noRoomForBody()));
  }

  #handToConnect(body: AsyncIterable<Uint8Array>): void {
    void answerHttp1WithConnect(this.#route.connectHandler, this.#request, this.#response, body);
  }

  url(): string {
    return callUrl(this.headers, this.#request.url);
  }

  onAbandoned(cancel: (reason: ConnectError) => void): void {
    this.#response.once('close', () => cancel(new ConnectError('the call was cancelled', Code.Canceled)));
  }

  write({ status, headers, body }: LaneReply): void {
    const response = this.#response;
    if (response.destroyed) {
      return;
    }
    response.writeHead(status, headers);
    if (body === undefined || body.byteLength > maxMergedBytes) {
      response.end(body);
    } else {
      // Node sends a string body in one write with the head, but a buffer in a write of its own.
      // Latin-1 maps every byte to one character and back.
      response.end(asBuffer(body).toString('latin1'), 'latin1');
    }
  }

  destroy(): void {
    this.#response.destroy();
  }
}
