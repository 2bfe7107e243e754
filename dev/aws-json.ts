import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import { fastify, type FastifyInstance, type FastifyReply } from 'fastify';
import { isJsonObject, type JsonObject } from '../src/base/json.ts';
import { guardHttp1Server } from '../src/server/transport/guard-http1.ts';

/** One operation of a service; what it throws as `AwsError` is answered as AWS would. */
type AwsOperation = (input: JsonObject, socket: Socket) => Promise<object> | object;

/** An error answer of the AWS JSON protocol. */
export class AwsError extends Error {
  readonly code: string;
  /** 400 to 599. */
  readonly httpStatus: number;

  constructor(code: string, message: string, httpStatus = 400) {
    super(message);
    this.name = 'AwsError';
    this.code = code;
    this.httpStatus = httpStatus;
  }
}

/** Larger than any request that passes the checks behind it, in bytes. */
const bodyLimitBytes = 16 * 1024 * 1024;

/**
 * A server for one service that speaks the AWS JSON 1.1 protocol: every call is `POST /`, the
 * operation is named in `X-Amz-Target` as `<prefix>.<operation>`.
 * https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html
 *
 * Signatures are not verified: any credentials are accepted.
 */
export function createAwsJsonServer(
  prefix: string,
  operations: Readonly<Record<string, AwsOperation>>,
): FastifyInstance {
  const app: FastifyInstance = fastify({ bodyLimit: bodyLimitBytes, forceCloseConnections: true });
  guardHttp1Server(app.server);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));

  app.post('/', async (request, reply) => {
    const target = request.headers['x-amz-target'];
    const operation = findOperation(prefix, operations, typeof target === 'string' ? target : '');
    return await send(reply, 200, await operation(parseInput(request.body), request.raw.socket));
  });
  app.setNotFoundHandler((_request, reply) => sendError(reply, unknownOperation()));
  app.setErrorHandler((error, _request, reply) => sendError(reply, error));
  return app;
}

function findOperation(
  prefix: string,
  operations: Readonly<Record<string, AwsOperation>>,
  target: string,
): AwsOperation {
  const name = target.startsWith(`${prefix}.`) ? target.slice(prefix.length + 1) : '';
  const operation = Object.hasOwn(operations, name) ? operations[name] : undefined;
  if (operation === undefined) {
    throw unknownOperation();
  }
  return operation;
}

function unknownOperation(): AwsError {
  return new AwsError('UnknownOperationException', 'The requested operation is not known here.');
}

function parseInput(body: unknown): JsonObject {
  let input: unknown;
  try {
    input = typeof body === 'string' && body !== '' ? JSON.parse(body) : {};
  } catch {
    input = undefined;
  }
  if (!isJsonObject(input)) {
    throw new AwsError('SerializationException', 'The request body is not a JSON object.');
  }
  return input;
}

function sendError(reply: FastifyReply, error: unknown): FastifyReply {
  if (error instanceof AwsError) {
    return send(reply, error.httpStatus, { __type: error.code, message: error.message });
  }
  const status = isJsonObject(error) && error['statusCode'] === 413 ? 413 : 500;
  return status === 413
    ? send(reply, status, { __type: 'RequestEntityTooLargeException', message: 'Request too large.' })
    : send(reply, status, { __type: 'InternalException', message: String(error) });
}

function send(reply: FastifyReply, status: number, body: object): FastifyReply {
  return reply
    .code(status)
    .header('content-type', 'application/x-amz-json-1.1')
    .header('x-amzn-requestid', randomUUID())
    .send(JSON.stringify(body));
}
