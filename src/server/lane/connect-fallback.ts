import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  Http2ServerRequest,
  Http2ServerResponse,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import { answerWithConnect } from '../connect/connect-adapter.ts';
import type { SettledHandler } from '../connect/settled-answers.ts';

/** Answers an HTTP/2 call with Connect's own handler after its body was read in part or whole. */
export async function answerHttp2WithConnect(
  handler: SettledHandler,
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  received: readonly Buffer[],
): Promise<void> {
  const request = new Http2ServerRequest(stream, headers, {}, []);
  await answerWithConnect(handler, request, new Http2ServerResponse(stream), bodyOf(received, stream));
}

/** Answers an HTTP/1.1 call with Connect's own handler after its body was read in part or whole. */
export async function answerHttp1WithConnect(
  handler: SettledHandler,
  request: IncomingMessage,
  response: ServerResponse,
  received: readonly Buffer[],
): Promise<void> {
  await answerWithConnect(handler, request, response, bodyOf(received, request));
}

async function* bodyOf(
  received: readonly Buffer[],
  rest: ServerHttp2Stream | IncomingMessage,
): AsyncGenerator<Uint8Array> {
  yield* received;
  if (!rest.readableEnded) {
    yield* rest;
  }
}
