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
    // Trailers-Only: the status is among the headers of an HTTP 200 without a body. From a plain 404
    // gRPC clients would read neither code nor message.
    const status = Object.fromEntries(setGrpcStatus(new Headers(), error));
    return reply
      .code(200)
      .headers({ ...status, 'content-type': contentType })
      .send();
  }
  return reply.code(codeToHttpStatus(error.code)).send(errorToJson(error, undefined));
}

/**
 * Reads the rest of the body and drops it. Node resets an HTTP/2 stream whose body is unread when the
 * answer ends, and curl 7.88 then discards the answer.
 */
export function discardBody(request: FastifyRequest): void {
  request.raw.resume();
}
