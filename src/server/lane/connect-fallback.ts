import { Code, ConnectError } from '@connectrpc/connect';
import type { UniversalHandler } from '@connectrpc/connect/protocol';
import { universalRequestFromNodeRequest, universalResponseToNodeResponse } from '@connectrpc/connect-node';
import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  Http2ServerRequest,
  Http2ServerResponse,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import { guardExchange } from '../transport/guard-http1.ts';
import { ignoreExchangeErrors } from '../transport/ignore-errors.ts';

/** Answers an HTTP/2 call with Connect's own handler after its body was read in part or whole. */
export async function answerHttp2WithConnect(
  handler: UniversalHandler,
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  body: AsyncIterable<Uint8Array>,
): Promise<void> {
  const request = new Http2ServerRequest(stream, headers, {}, []);
  const response = new Http2ServerResponse(stream);
  ignoreExchangeErrors(request, response);
  await respond(handler, request, response, body);
}

/** Answers an HTTP/1.1 call with Connect's own handler after its body was read in part or whole. */
export async function answerHttp1WithConnect(
  handler: UniversalHandler,
  request: IncomingMessage,
  response: ServerResponse,
  body: AsyncIterable<Uint8Array>,
): Promise<void> {
  guardExchange(request, response);
  await respond(handler, request, response, body);
}

async function respond(
  handler: UniversalHandler,
  request: IncomingMessage | Http2ServerRequest,
  response: ServerResponse | Http2ServerResponse,
  body: AsyncIterable<Uint8Array>,
): Promise<void> {
  try {
    const universalRequest = universalRequestFromNodeRequest(request, response, undefined, undefined);
    await universalResponseToNodeResponse(await handler({ ...universalRequest, body }), response);
  } catch (error) {
    // ABORTED: the caller went away while it was answered. Connect's adapters ignore it as well.
    if (ConnectError.from(error).code !== Code.Aborted) {
      response.destroy();
    }
  }
}
