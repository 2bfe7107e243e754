import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { answerWithConnect } from '../connect/connect-adapter.ts';
import type { SettledHandler } from '../connect/settled-answers.ts';
import { Http2Request } from '../http2/compat-request.ts';
import { Http2Response } from '../http2/compat-response.ts';
import type { Http2Stream } from '../http2/stream.ts';
import { guardExchange } from '../transport/guard-http1.ts';
import { ignoreExchangeErrors } from '../transport/ignore-errors.ts';

/** The request of a stream as Connect's adapter takes it. */
export function requestOf(stream: Http2Stream, socket: Socket): Http2Request {
  return new Http2Request(stream, socket);
}

/** Answers an HTTP/2 call with Connect's own handler after its body was read in part or whole. */
export async function answerHttp2WithConnect(
  handler: SettledHandler,
  request: Http2Request,
  body: AsyncIterable<Uint8Array>,
): Promise<void> {
  const response = new Http2Response(request.stream, request.socket);
  ignoreExchangeErrors(request, response);
  await answerWithConnect(handler, request, response, body);
}

/** Answers an HTTP/1.1 call with Connect's own handler after its body was read in part or whole. */
export async function answerHttp1WithConnect(
  handler: SettledHandler,
  request: IncomingMessage,
  response: ServerResponse,
  body: AsyncIterable<Uint8Array>,
): Promise<void> {
  guardExchange(request, response);
  await answerWithConnect(handler, request, response, body);
}
