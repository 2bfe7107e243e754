import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  Http2ServerRequest,
  Http2ServerResponse,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import { answerWithConnect } from '../connect/connect-adapter.ts';
import type { SettledHandler } from '../connect/settled-answers.ts';
import { guardExchange } from '../transport/guard-http1.ts';
import { ignoreExchangeErrors } from '../transport/ignore-errors.ts';

/** Answers an HTTP/2 call with Connect's own handler after its body was read in part or whole. */
export async function answerHttp2WithConnect(
  handler: SettledHandler,
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  body: AsyncIterable<Uint8Array>,
): Promise<void> {
  const request = new Http2ServerRequest(stream, headers, {}, []);
  const response = new Http2ServerResponse(stream);
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
