import { Code, ConnectError } from '@connectrpc/connect';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { callUrl } from '../transport/request-target.ts';
import { type BodyConsumer, collectBody } from './collect-body.ts';
import { answerHttp1WithConnect } from './connect-fallback.ts';
import type { LaneExchange, LaneReply, LaneRoute } from './lane-types.ts';
import type { UnaryLane } from './unary-lane.ts';

/**
 * Offers an HTTP/1.1 request to the lane.
 *
 * @returns false when the lane does not take it; nothing has been read then.
 */
export function serveHttp1Request(
  lane: UnaryLane,
  request: IncomingMessage,
  response: ServerResponse,
): boolean {
  const { method, url: path, headers } = request;
  const route = lane.admit({ method, path, headers, http2: false });
  if (route === undefined) {
    return false;
  }
  collectBody(request, lane.maxBodyBytes, new Http1Exchange(lane, route, request, response));
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

  constructor(lane: UnaryLane, route: LaneRoute, request: IncomingMessage, response: ServerResponse) {
    this.#lane = lane;
    this.#route = route;
    this.#request = request;
    this.#response = response;
  }

  get headers(): IncomingHttpHeaders {
    return this.#request.headers;
  }

  onWhole(body: Buffer): void {
    if (!this.#lane.answer(this.#route, this, body)) {
      this.onTooLarge([body]);
    }
  }

  onTooLarge(received: readonly Buffer[]): void {
    void answerHttp1WithConnect(this.#route.connectHandler, this.#request, this.#response, received);
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
