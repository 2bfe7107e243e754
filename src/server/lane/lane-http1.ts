import { Code, ConnectError } from '@connectrpc/connect';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { UnaryLane } from '../unary-lane.ts';
import { collectBody } from './collect-body.ts';
import { answerHttp1WithConnect } from './connect-fallback.ts';
import type { LaneReply } from './lane-protocol.ts';

/**
 * Offers an HTTP/1.1 request to the lane.
 *
 * @returns false when the lane does not take it; nothing has been read then.
 */
export function serveHttp1Request(
  lane: UnaryLane,
  request: IncomingMessage,
  response: ServerResponse,
): boolean {
  const ticket = lane.admit({
    method: request.method,
    path: request.url,
    authority: request.headers.host,
    headers: request.headers,
    http2: false,
  });
  if (ticket === undefined) {
    return false;
  }

  function handToConnect(received: readonly Buffer[]): void {
    if (ticket !== undefined) {
      void answerHttp1WithConnect(ticket.connectHandler, request, response, received);
    }
  }

  collectBody(request, ticket.maxBodyBytes, {
    onWhole(body, chunks) {
      const reply = ticket.answer(body, (cancel) => {
        response.once('close', () => cancel(new ConnectError('the call was cancelled', Code.Canceled)));
      });
      if (reply === undefined) {
        handToConnect(chunks);
        return;
      }
      void writeWhenReady(response, reply);
    },
    onTooLarge: handToConnect,
  });
  return true;
}

async function writeWhenReady(response: ServerResponse, reply: Promise<LaneReply>): Promise<void> {
  try {
    const { status, headers, body } = await reply;
    if (!response.destroyed) {
      response.writeHead(status, headers).end(body);
    }
  } catch {
    // Headers that cannot be written, say: there is no way left to tell the caller.
    response.destroy();
  }
}
