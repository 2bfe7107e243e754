import { Code, ConnectError, type ContextValues, createContextValues } from '@connectrpc/connect';
import type { UniversalServerRequest, UniversalServerResponse } from '@connectrpc/connect/protocol';
import { universalRequestFromNodeRequest, universalResponseToNodeResponse } from '@connectrpc/connect-node';
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { Http2Request } from '../http2/compat-request.ts';
import { Http2Response } from '../http2/compat-response.ts';
import { errorCodes } from '../http2/constants.ts';
import { dropCallKey } from '../transport/drop-call.ts';
import { toNodeHeaders } from '../transport/header-conversion.ts';
import { originForm, replaceUnusableHost } from '../transport/request-target.ts';
import { createErrorAnswer, type ErrorAnswer } from './error-answer.ts';
import type { SettledHandler } from './settled-answers.ts';

/** A request of either HTTP version, as Node's servers give it. */
export type NodeRequest = IncomingMessage | Http2Request;
/** Its response. */
export type NodeResponse = ServerResponse | Http2Response;

/**
 * Has one of Connect's handlers answer a request. Headers that are set on the response already are sent
 * as well. Never throws: a call whose answer cannot be made or sent is answered as INTERNAL and logged.
 *
 * @param body what the handler reads in place of the request, which has been read in part or whole.
 */
export async function answerWithConnect(
  handler: SettledHandler,
  request: NodeRequest,
  response: NodeResponse,
  body: AsyncIterable<Uint8Array>,
): Promise<void> {
  try {
    const universalRequest = readRequest(request, response);
    await sendAnswer(response, await handler({ ...universalRequest, body }));
  } catch (error) {
    // ABORTED: the caller went away while it was answered.
    if (ConnectError.from(error).code === Code.Aborted) {
      return;
    }
    if (response.headersSent || response.destroyed) {
      response.destroy();
      return;
    }
    answerDefect(handler, request, response, error);
  }
}

/** Records that an answer could not be made or sent, and answers INTERNAL instead. */
export function answerDefect(
  handler: SettledHandler,
  { headers, method }: Pick<NodeRequest, 'headers' | 'method'>,
  response: NodeResponse,
  cause: unknown,
): void {
  const failure = handler.recordDefect(cause, (name) => headers[name]?.toString());
  sendErrorAnswer(response, createErrorAnswer(headers['content-type'], failure), method);
}

function readRequest(request: NodeRequest, response: NodeResponse): UniversalServerRequest {
  replaceUnusableHost(request.headers);
  request.url = originForm(request.url);
  const values = contextValuesOf(request);
  assumeNodes(request);
  assumeNodes(response);
  return universalRequestFromNodeRequest(request, response, undefined, values);
}

/** Ours have what Connect's adapter uses of Node's, which its types do not know. */
function assumeNodes(request: NodeRequest): asserts request is IncomingMessage;
function assumeNodes(response: NodeResponse): asserts response is ServerResponse;
function assumeNodes(): void {}

/** What handlers that Connect runs get to know of their call beside Connect's own. */
export function contextValuesOf(request: NodeRequest): ContextValues {
  return createContextValues().set(dropCallKey, () => drop(request));
}

function drop(request: NodeRequest): void {
  if (request instanceof Http2Request) {
    request.stream.close(errorCodes.internalError);
  } else {
    request.socket.destroy();
  }
}

/** Sends an answer on top of the headers that are set on the response already. */
async function sendAnswer(response: NodeResponse, answer: UniversalServerResponse): Promise<void> {
  if (answer.body === undefined && answer.trailer === undefined) {
    sendHeadAlone(response, answer.status, toNodeHeaders(answer.header ?? new Headers()));
  } else {
    assumeNodes(response);
    await universalResponseToNodeResponse(answer, response);
  }
}

/**
 * Sends an error. Never throws: there is nobody left to tell when the caller has gone.
 *
 * @param method HTTP method of the request; the answer to a HEAD has no body.
 */
export function sendErrorAnswer(
  response: NodeResponse,
  { status, header, body }: ErrorAnswer,
  method: string | undefined,
): void {
  try {
    if (body === undefined || method === 'HEAD') {
      sendHeadAlone(response, status, toNodeHeaders(header));
    } else {
      response.statusCode = status;
      header.forEach((value, name) => void response.setHeader(name, value));
      response.end(body);
    }
  } catch {
    response.destroy();
  }
}

/**
 * Sends an answer that is headers and nothing else. Over HTTP/2 they carry END_STREAM, which is what
 * makes a gRPC answer "Trailers-Only". When an empty DATA frame ends the stream, callers of gRPC's C core
 * report `UNKNOWN: Stream removed`.
 * https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#responses
 */
export function sendHeadAlone(response: NodeResponse, status: number, headers: OutgoingHttpHeaders): void {
  if (!(response instanceof Http2Response)) {
    response.writeHead(status, headers).end();
    return;
  }
  response.sendHeadAlone(status, headers);
}
