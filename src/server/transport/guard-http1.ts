import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { drainWhenAnswered } from './early-answer.ts';
import { limitHalfOpen } from './half-open.ts';
import { ignoreErrors, ignoreExchangeErrors } from './ignore-errors.ts';
import { createUnreadLimit } from './unread-answers.ts';

/** What Node's types leave out: whether callers are answered that have ended their side. */
const answersHalfOpen = { httpAllowHalfOpen: true };

/**
 * Makes an HTTP/1.1 server answer callers that have ended their side, and outlive every error of its
 * connections and requests. For a server that hands out connections or requests itself there are
 * `allowHalfOpen`, `createConnectionGuard` and `guardExchange`.
 *
 * @param callMs see `createConnectionGuard`.
 */
export function guardHttp1Server(server: Server, callMs = 30_000): Server {
  return allowHalfOpen(server).on('connection', createConnectionGuard(callMs)).on('request', guardExchange);
}

/** Lets callers end their side of the connection before they are answered. */
export function allowHalfOpen(server: Server): Server {
  return Object.assign(server, answersHalfOpen);
}

/**
 * What to call with every connection of such a server.
 *
 * @param callMs longest time for the calls in flight of a caller that has ended its side, and that
 * answers may stay unread, in milliseconds.
 */
export function createConnectionGuard(callMs: number): (socket: Socket) => void {
  const limitUnread = createUnreadLimit(callMs);
  return (socket) => {
    ignoreErrors(socket);
    limitHalfOpen(socket, callMs);
    limitUnread(socket);
  };
}

/** For every request whose answer may fail, or come before its body is complete. */
export function guardExchange(request: IncomingMessage, response: ServerResponse): void {
  ignoreExchangeErrors(request, response);
  drainWhenAnswered(request, response);
}
