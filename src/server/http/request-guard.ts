import { Code, ConnectError } from '@connectrpc/connect';
import type { UniversalHandler } from '@connectrpc/connect/protocol';
import { errorToJson } from '@connectrpc/connect/protocol-connect';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { answerError, discardBody } from './protocol-errors.ts';

const acceptedContentTypes =
  'application/json or application/proto (Connect), application/grpc (gRPC), application/grpc-web (gRPC-Web)';

/** The base64 form of gRPC-Web, which Connect recognizes but does not implement. */
const grpcWebText = /^application\/grpc-web-text\b/i;
const grpcWebBinary = 'application/grpc-web+proto (mode=grpcweb of protoc-gen-grpc-web)';

/** Standard or URL-safe alphabet, padded or not: what Connect GET may carry as `message`. */
const base64Text = /^[A-Za-z0-9+/_-]*={0,2}$/;

/**
 * A Fastify hook that refuses, with a message, what Connect's handlers refuse with a bare status: HTTP
 * methods and content types that an RPC does not take. It refuses a Connect GET with a malformed
 * message too, which they would answer as an internal error.
 */
export function createRequestGuard(handlers: readonly UniversalHandler[]) {
  const byPath = new Map(handlers.map((handler) => [handler.requestPath, handler]));

  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    const url = new URL(request.url, 'http://localhost');
    const handler = byPath.get(url.pathname);
    if (handler === undefined) {
      return undefined;
    }
    if (!handler.allowedMethods.includes(request.method)) {
      const allowed = handler.allowedMethods.filter((method, i, all) => all.indexOf(method) === i).join(', ');
      return await refuse(
        request,
        reply.header('allow', allowed),
        405,
        `${request.method} is not allowed; use ${allowed}`,
      );
    }
    if (request.method === 'GET') {
      if (url.searchParams.get('base64') === '1' && !base64Text.test(url.searchParams.get('message') ?? '')) {
        return await answerError(
          request,
          reply,
          new ConnectError('message is not base64', Code.InvalidArgument),
        );
      }
      return undefined;
    }
    const contentType = request.headers['content-type'];
    if (handler.method.methodKind === 'bidi_streaming' && request.raw.httpVersionMajor === 1) {
      return await refuseHttp1(request, reply);
    }
    const isText = grpcWebText.test(contentType ?? '');
    if (contentType !== undefined && !isText && handler.supportedContentType(contentType)) {
      return undefined;
    }
    const accepted = isText ? grpcWebBinary : acceptedContentTypes;
    const problem = `content-type ${contentType ?? '(none)'} is not supported; send ${accepted}`;
    return await refuse(request, reply, 415, problem);
  };
}

/** Refuses bidirectional streaming over HTTP/1.1, which answers a request only once it is complete. */
async function refuseHttp1(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  // Clients that expect both directions to be open at once wait until the connection closes.
  reply.header('connection', 'close');
  const message = 'bidirectional streaming needs HTTP/2';
  return request.headers['content-type']?.startsWith('application/grpc') === true
    ? await answerError(request, reply, new ConnectError(message, Code.Unimplemented))
    : await refuse(request, reply, 505, message);
}

async function refuse(
  request: FastifyRequest,
  reply: FastifyReply,
  status: number,
  message: string,
): Promise<FastifyReply> {
  discardBody(request);
  return await reply
    .code(status)
    .send(errorToJson(new ConnectError(message, Code.InvalidArgument), undefined));
}
