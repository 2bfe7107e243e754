import type { Readable } from 'node:stream';
import type { UniversalHandler } from '@connectrpc/connect/protocol';
import type { FastifyRequest } from 'fastify';
import { type BodyBudget, type ConnectionBodies, HeldBody, noRoomForBody } from '../transport/body-budget.ts';
import { bodyOf, failingBody, piecesOf } from '../transport/body-iterables.ts';
import { Http2Request } from '../http2/compat-request.ts';
import { collectBody } from '../transport/collect-body.ts';
import { createUnfinishedMessage } from './unfinished-message.ts';

/**
 * A Fastify hook, for `preHandler`, that hands Connect's handlers the body of a POST, counted until it
 * is complete. Read by connect-node it would not be counted, and be destroyed when the handler reads no
 * further: then Node neither reads what is left nor the next request of the connection.
 *
 * @param maxBytes largest body of a unary call, in bytes, that is collected before the handler gets it.
 */
export function createBodyReader(
  byPath: ReadonlyMap<string, UniversalHandler>,
  budget: BodyBudget,
  maxBytes: number,
) {
  return async (request: FastifyRequest): Promise<void> => {
    const handler = byPath.get(request.routeOptions.url ?? '');
    if (handler === undefined || request.method !== 'POST') {
      return;
    }
    const { raw } = request;
    const connection = budget.of(isHttp2(raw) ? raw.stream.connection : raw.socket);
    request.body =
      handler.method.methodKind === 'unary'
        ? await collectUnary(raw, connection, maxBytes)
        : readMessages(raw, connection);
  };
}

/** Fastify's types know HTTP/1.1. */
function isHttp2(raw: Readable): raw is Http2Request {
  return raw instanceof Http2Request;
}

/** The body once it is complete or refused; never settles when the caller goes away before. */
async function collectUnary(
  source: Readable,
  connection: ConnectionBodies,
  maxBytes: number,
): Promise<AsyncIterable<Uint8Array>> {
  const held = new HeldBody(connection);
  source.once('close', () => held.release());
  return await new Promise((resolve) => {
    function finish(body: AsyncIterable<Uint8Array>): void {
      held.release();
      resolve(body);
    }
    collectBody(source, maxBytes, {
      held,
      onWhole: (body) => finish(bodyOf([body], source)),
      onTooLarge: (received) => finish(bodyOf(received, source)),
      onNoRoom: () => finish(failingBody(noRoomForBody())),
    });
  });
}

/** The pieces of a stream's messages as the handler asks for them; what is counted is the unfinished one. */
async function* readMessages(source: Readable, connection: ConnectionBodies): AsyncGenerator<Uint8Array> {
  const countUnfinished = createUnfinishedMessage();
  const held = new HeldBody(connection);
  source.once('close', () => held.release());
  try {
    for await (const piece of piecesOf(source)) {
      const unfinishedBytes = countUnfinished(piece);
      held.release();
      if (!held.hold(unfinishedBytes)) {
        throw noRoomForBody();
      }
      yield piece;
    }
  } finally {
    held.release();
  }
}
