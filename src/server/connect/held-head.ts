import { Code, ConnectError } from '@connectrpc/connect';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { answerDefect, sendHeadAlone } from './connect-adapter.ts';
import type { SettledHandler } from './settled-answers.ts';

interface HeldHead {
  readonly handler: SettledHandler;
  readonly request: IncomingMessage;
  /** Of either HTTP version; Fastify's types know HTTP/1.1. */
  readonly response: ServerResponse;
  status: number;
  headers: OutgoingHttpHeaders;
}

const held = ['writeHead', 'write', 'addTrailers', 'end'] as const;

/**
 * A Fastify hook, for `preHandler`, that holds back the head of an answer of connect-fastify until it is known
 * whether anything follows. An answer without a body is sent as headers that end the stream (see
 * `sendHeadAlone`), and one whose head cannot be sent is INTERNAL, where connect-fastify writes to standard
 * error and leaves the call to Fastify, which answers 200.
 */
export function createHeadHolder(byPath: ReadonlyMap<string, SettledHandler>) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const handler = byPath.get(request.routeOptions.url ?? '');
    if (handler !== undefined) {
      holdHead({ handler, request: request.raw, response: reply.raw, status: 200, headers: {} });
    }
  };
}

/** Puts methods in front of the response's own, which the first piece of the answer takes away again. */
function holdHead(head: HeldHead): void {
  const { response } = head;
  Object.assign(response, {
    writeHead(status: number, headers: OutgoingHttpHeaders) {
      Object.assign(head, { status, headers });
      return response;
    },
    write(...chunk: Parameters<ServerResponse['write']>) {
      release(head, () => void response.writeHead(head.status, head.headers));
      return response.write(...chunk);
    },
    addTrailers(trailers: OutgoingHttpHeaders) {
      release(head, () => void response.writeHead(head.status, head.headers));
      response.addTrailers(trailers);
    },
    end() {
      release(head, () => sendHeadAlone(response, head.status, head.headers));
      return response;
    },
  });
}

/** @throws ConnectError ABORTED, of which connect-fastify makes nothing, when the head could not be sent. */
function release({ handler, request, response }: HeldHead, send: () => void): void {
  held.forEach((name) => Reflect.deleteProperty(response, name));
  try {
    send();
  } catch (error) {
    if (response.headersSent || response.destroyed) {
      throw error;
    }
    answerDefect(handler, request, response, error);
    throw new ConnectError('the answer could not be sent', Code.Aborted, undefined, undefined, error);
  }
}
