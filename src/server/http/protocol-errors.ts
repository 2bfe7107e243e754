import type { DescMethod } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { type NodeRequest, type NodeResponse, sendErrorAnswer } from '../connect/connect-adapter.ts';
import { createErrorAnswer } from '../connect/error-answer.ts';
import type { RecordRefusal } from '../transport/refusals.ts';
import { splitTarget } from '../transport/request-target.ts';
import { nearMethod } from './near-method.ts';

/** How a call is refused beyond its error. */
interface Refusal {
  /** The method that was called; without one the path is of no method. */
  readonly method?: DescMethod;
  /** Answers in Connect's form with this HTTP status, whatever the content type is. */
  readonly status?: number;
}

/** Answers what reaches no handler of Connect's, in the caller's protocol, after recording it. */
export interface ProtocolErrors {
  /** A call to a method or service that does not exist. */
  answerUnknownMethod(request: FastifyRequest, reply: FastifyReply): FastifyReply;
  /** The same of a request that Fastify cannot route: over HTTP/2 its method may be any word. */
  answerUnroutable(request: NodeRequest, response: NodeResponse): void;
  /** What Fastify itself refuses. */
  answerFastifyError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): FastifyReply;
  refuse(request: FastifyRequest, reply: FastifyReply, error: ConnectError, refusal?: Refusal): FastifyReply;
}

/** @param paths of all methods that there are. */
export function createProtocolErrors(record: RecordRefusal, paths: readonly string[]): ProtocolErrors {
  return {
    answerUnknownMethod: (request, reply) =>
      refuse(record, request, reply, unknownMethod(request.raw, paths)),
    answerUnroutable: (request, response) => answer(record, request, response, unknownMethod(request, paths)),
    answerFastifyError: (error, request, reply) =>
      refuse(record, request, reply, readFastifyError(error, request, paths)),
    refuse: (request, reply, error, refusal) => refuse(record, request, reply, error, refusal),
  };
}

function unknownMethod({ method, url }: NodeRequest, paths: readonly string[]): ConnectError {
  const { path } = splitTarget(url);
  const near = nearMethod(path, paths);
  const hint = near === undefined ? '' : `; did you mean ${near}?`;
  return new ConnectError(`${method} ${path} is not implemented here${hint}`, Code.Unimplemented);
}

/** An address that cannot be read is of no method. What is not a caller's mistake is a defect. */
function readFastifyError(
  error: FastifyError,
  request: FastifyRequest,
  paths: readonly string[],
): ConnectError {
  if (error.code === 'FST_ERR_BAD_URL') {
    return unknownMethod(request.raw, paths);
  }
  return (error.statusCode ?? 500) < 500
    ? new ConnectError(error.message, Code.InvalidArgument)
    : new ConnectError('internal error', Code.Internal, undefined, undefined, error);
}

function refuse(
  record: RecordRefusal,
  request: FastifyRequest,
  reply: FastifyReply,
  error: ConnectError,
  refusal?: Refusal,
): FastifyReply {
  takeOver(reply);
  answer(record, request.raw, reply.raw, error, refusal);
  return reply;
}

function answer(
  record: RecordRefusal,
  request: NodeRequest,
  response: NodeResponse,
  error: ConnectError,
  { method, status }: Refusal = {},
): void {
  const { headers, url } = request;
  // Reads the rest of the body and drops it, as far as it comes soon: an HTTP/2 stream that is reset with it unread
  // lets curl 7.88 discard the answer.
  request.resume();
  const { path } = splitTarget(url);
  const readHeader = (name: string) => headers[name]?.toString();
  const failure = record({ method, path, startedAtMs: performance.now(), readHeader }, error);
  const contentType = status === undefined ? headers['content-type'] : undefined;
  sendErrorAnswer(response, createErrorAnswer(contentType, failure, status), request.method);
}

/** Takes the response from Fastify, with the headers that hooks have given to it. */
function takeOver(reply: FastifyReply): void {
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value !== undefined) {
      reply.raw.setHeader(name, value);
    }
  }
  reply.hijack();
}
