import type { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readable, Writable } from 'node:stream';

/**
 * Keeps an `error` event from ending the process: Node throws it when nobody listens. It does not have
 * to be answered, because `close` follows.
 */
export function ignoreErrors(emitter: EventEmitter): void {
  emitter.on('error', ignoreError);
}

/**
 * The same for both halves of a request. Libraries listen only while they read or write: connect-node
 * until the response closes, one tick before Node emits `ECONNRESET` at a request of a closed connection
 * (https://github.com/nodejs/node/blob/v24.21.0/lib/_http_incoming.js, `_destroy`).
 */
export function ignoreExchangeErrors(
  request: IncomingMessage | Readable,
  response: ServerResponse | Writable,
): void {
  request.on('error', ignoreError);
  response.on('error', ignoreError);
}

function ignoreError(): void {}
