import { Code, ConnectError } from '@connectrpc/connect';
import { codeToHttpStatus, errorToJson } from '@connectrpc/connect/protocol-connect';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { setGrpcStatus } from '../transport/grpc-status.ts';

/** Answers a call to a method or service that does not exist, in the caller's protocol. */
export function answerUnknownMethod(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const path = request.url.split('?', 1)[0];
  const error = new ConnectError(`${request.method} ${path} is not implemented here`, Code.Unimplemented);
  return answerError(request, reply, error);
}

/** Answers what Fastify itself refuses before a handler of Connect is reached. */
export function answerFastifyError(
  error: FastifyError,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const statusCode = error.statusCode ?? 500;
  if (statusCode >= 500) {
    request.log.error({ err: error, url: request.url }, 'Request failed');
    return answerError(request, reply, new ConnectError('internal error', Code.Internal));
  }
  const refusal = new ConnectError(error.message, Code.InvalidArgument);
  discardBody(request);
  return reply.code(statusCode).send(errorToJson(refusal, undefined));
}

/** Answers with an error in the caller's protocol. */
export function answerError(request: FastifyRequest, reply: FastifyReply, error: ConnectError): FastifyReply {
  discardBody(request);
  const contentType = request.headers['content-type'] ?? '';
  if (contentType.startsWith('application/grpc')) {
    // Trailers-only: the status travels in the headers of an HTTP 200 without a body. gRPC clients
    // read nothing from a plain 404.
    const status = Object.fromEntries(setGrpcStatus(new Headers(), error));
    return reply
      .code(200)
      .headers({ ...status, 'content-type': contentType })
      .send();
  }
  return reply.code(codeToHttpStatus(error.code)).send(errorToJson(error, undefined));
}

/**
 * Lets the rest of the body come in and forgets it. An answer to a caller who still sends is otherwise
 * followed by a reset of the HTTP/2 stream, on which curl 7.88 throws the answer away.
 */
export function discardBody(request: FastifyRequest): void {
  request.raw.resume();
}
