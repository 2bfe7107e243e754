import { Code, ConnectError } from '@connectrpc/connect';
import type { UniversalHandler } from '@connectrpc/connect/protocol';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { splitTarget } from '../transport/request-target.ts';
import type { ProtocolErrors } from './protocol-errors.ts';

const acceptedContentTypes =
  'application/json or application/proto (Connect), application/grpc (gRPC), application/grpc-web (gRPC-Web)';

const acceptedForStreams =
  'application/connect+json or application/connect+proto (Connect), application/grpc (gRPC), application/grpc-web (gRPC-Web)';

/** The base64 form of gRPC-Web, which Connect recognizes but does not implement. */
const grpcWebText = /^application\/grpc-web-text\b/i;
const grpcWebBinary = 'application/grpc-web+proto (mode=grpcweb of protoc-gen-grpc-web)';

/** Standard or URL-safe alphabet, padded or not: what Connect GET may carry as `message`. */
const base64Text = /^[A-Za-z0-9+/_-]*={0,2}$/;

/** Why a call is refused; `status` as in `Refusal`. */
interface Objection {
  readonly message: string;
  readonly code: Code;
  readonly status?: number;
  readonly header?: readonly [name: string, value: string];
}

/**
 * A Fastify hook that refuses, with a message, what Connect's handlers refuse with a bare status: HTTP
 * methods and content types that an RPC does not take. It refuses a Connect GET with a malformed
 * message too, which they would answer as an internal error. A call to a method that does not exist ends
 * here as well, before Fastify has an opinion about its body.
 */
export function createRequestGuard(byPath: ReadonlyMap<string, UniversalHandler>, errors: ProtocolErrors) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    const { path, query } = splitTarget(request.url);
    const handler = byPath.get(path);
    if (handler === undefined) {
      return await errors.answerUnknownMethod(request, reply);
    }
    const objection = findObjection(handler, request, query);
    if (objection === undefined) {
      return undefined;
    }
    const { message, code, status, header } = objection;
    if (header !== undefined) {
      reply.header(...header);
    }
    return await errors.refuse(request, reply, new ConnectError(message, code), {
      method: handler.method,
      ...(status !== undefined && { status }),
    });
  };
}

function findObjection(
  handler: UniversalHandler,
  request: FastifyRequest,
  query: string,
): Objection | undefined {
  const code = Code.InvalidArgument;
  if (!handler.allowedMethods.includes(request.method)) {
    const allowed = handler.allowedMethods.filter((method, i, all) => all.indexOf(method) === i).join(', ');
    const message = `${request.method} is not allowed; use ${allowed}`;
    return { message, code, status: 405, header: ['allow', allowed] };
  }
  if (request.method === 'GET') {
    const parameters = new URLSearchParams(query);
    return parameters.get('base64') === '1' && !base64Text.test(parameters.get('message') ?? '')
      ? { message: 'message is not base64', code }
      : undefined;
  }
  const contentType = request.headers['content-type'];
  if (handler.method.methodKind === 'bidi_streaming' && request.raw.httpVersionMajor === 1) {
    // An HTTP/1.1 request is answered only once it is complete, and clients that expect both directions to
    // be open at once wait until the connection closes.
    const message = 'bidirectional streaming needs HTTP/2';
    const header = ['connection', 'close'] as const;
    return contentType?.startsWith('application/grpc') === true
      ? { message, code: Code.Unimplemented, header }
      : { message, code, header, status: 505 };
  }
  const isText = grpcWebText.test(contentType ?? '');
  if (contentType !== undefined && !isText && handler.supportedContentType(contentType)) {
    return undefined;
  }
  const isUnary = handler.method.methodKind === 'unary';
  const accepted = isText ? grpcWebBinary : isUnary ? acceptedContentTypes : acceptedForStreams;
  const message = `content-type ${contentType ?? '(none)'} is not supported; send ${accepted}`;
  // As an answer of gRPC-Web: of any other, Google's library tells a page no more than that it does not know its type.
  return isText ? { message, code: Code.Unimplemented } : { message, code, status: 415 };
}
