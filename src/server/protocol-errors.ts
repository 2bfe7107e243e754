import { Code, ConnectError } from '@connectrpc/connect';
import { codeToHttpStatus, errorToJson } from '@connectrpc/connect/protocol-connect';
import { setTrailerStatus } from '@connectrpc/connect/protocol-grpc';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';

const acceptedContentTypes =
  'application/json or application/proto (Connect), application/grpc (gRPC), application/grpc-web (gRPC-Web)';

/** Answers a call to a method or service that does not exist, in the caller's protocol. */
export function answerUnknownMethod(request: FastifyRequest, reply: FastifyReply): void {
  answer(
    request,
    reply,
    new ConnectError(`${request.method} ${pathOf(request)} is not implemented here`, Code.Unimplemented),
  );
}

/** Answers what Fastify itself refuses before a handler of Connect is reached. */
export function answerUnsupportedMediaType(
  error: FastifyError,
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  if (error.code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
    const given = request.headers['content-type'] ?? 'none';
    const message = `content-type ${given} is not supported; send ${acceptedContentTypes}`;
    void reply.code(415).send(errorToJson(new ConnectError(message, Code.InvalidArgument), undefined));
    return;
  }
  const statusCode = error.statusCode ?? 500;
  if (statusCode >= 500) {
    request.log.error({ err: error, path: pathOf(request) }, 'Request failed');
    answer(request, reply, new ConnectError('internal error', Code.Internal));
    return;
  }
  void reply
    .code(statusCode)
    .send(errorToJson(new ConnectError(error.message, Code.InvalidArgument), undefined));
}

function answer(request: FastifyRequest, reply: FastifyReply, error: ConnectError): void {
  const contentType = request.headers['content-type'] ?? '';
  if (contentType.startsWith('application/grpc')) {
    // Trailers-only: the status travels in the headers of an HTTP 200 without a body. gRPC clients
    // read nothing from a plain 404.
    const status = new Headers();
    setTrailerStatus(status, error);
    void reply
      .code(200)
      .headers({ ...Object.fromEntries(status), 'content-type': contentType })
      .send();
    return;
  }
  void reply.code(codeToHttpStatus(error.code)).send(errorToJson(error, undefined));
}

function pathOf(request: FastifyRequest): string {
  return request.url.split('?', 1)[0] ?? request.url;
}
