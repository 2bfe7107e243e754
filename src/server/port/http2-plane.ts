import { EventEmitter } from 'node:events';
import type { RequestListener } from 'node:http';
import type { Socket } from 'node:net';
import { Http2Request } from '../http2/compat-request.ts';
import { Http2Response } from '../http2/compat-response.ts';
import { createHttp2Sessions, type Http2Sessions } from '../http2/sessions.ts';
import type { Http2Stream } from '../http2/stream.ts';
import { serveHttp2Stream } from '../lane/lane-http2.ts';
import type { UnaryLane } from '../lane/unary-lane.ts';
import type { BodyBudget } from '../transport/body-budget.ts';
import { prepareCallHeaders } from '../transport/call-headers.ts';
import { ignoreExchangeErrors } from '../transport/ignore-errors.ts';
import type { ConnectionLimits } from './connection-limits.ts';

/** The HTTP/2 side of the port: streams go to the lane first, and what it leaves to Fastify's handler. */
export function createHttp2Plane(
  handler: RequestListener,
  limits: ConnectionLimits,
  lane: UnaryLane | undefined,
  streamingPaths: ReadonlySet<string>,
  bodyBudget: BodyBudget,
  onDefect: (error: unknown) => void,
): Http2Sessions {
  // Fastify's handler takes requests of both versions, but is typed for HTTP/1.1; an event has no type.
  const requests = new EventEmitter().on('request', handler);
  return createHttp2Sessions(
    limits,
    (stream, socket) => {
      const { headers } = stream;
      if (headers.expect !== undefined) {
        letContinue(stream);
      }
      prepareCallHeaders(headers);
      if (lane !== undefined && serveHttp2Stream(lane, stream, socket, bodyBudget.of(stream.connection))) {
        return;
      }
      stream.isLasting = streamingPaths.has(headers[':path'] ?? '');
      // After the other frames of the same read: when a reset of the stream is among them, Fastify need
      // not handle the request at all.
      setImmediate(() => {
        if (!stream.closed) {
          passOn(requests, stream, socket);
        }
      });
    },
    onDefect,
  );
}

function passOn(requests: EventEmitter, stream: Http2Stream, socket: Socket): void {
  const request = new Http2Request(stream, socket);
  const response = new Http2Response(stream, socket);
  ignoreExchangeErrors(request, response);
  requests.emit('request', request, response);
}

/** Sends the interim 100 for which a caller waits before it sends the body (RFC 9110, 10.1.1). */
function letContinue(stream: Http2Stream): void {
  if (stream.headers.expect?.toLowerCase() === '100-continue') {
    stream.inform([':status', '100']);
    delete stream.headers.expect;
  }
}
