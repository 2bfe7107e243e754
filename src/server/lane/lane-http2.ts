import { Code, ConnectError } from '@connectrpc/connect';
import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { BodyDeadline } from '../body-deadline.ts';
import { closeWhenAnswered } from '../close-when-answered.ts';
import type { UnaryLane } from '../unary-lane.ts';
import { collectBody } from './collect-body.ts';
import { answerHttp2WithConnect } from './connect-fallback.ts';
import type { LaneReply } from './lane-protocol.ts';

/**
 * Offers an HTTP/2 stream to the lane.
 *
 * @param bodyDeadline is told when the body has come in whole, or will never come.
 * @returns false when the lane does not take it; nothing has been read then.
 */
export function serveHttp2Stream(
  lane: UnaryLane,
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  bodyDeadline: BodyDeadline,
): boolean {
  const ticket = lane.admit({
    method: headers[':method'],
    path: headers[':path'],
    authority: headers[':authority'] ?? headers.host,
    headers,
    http2: true,
  });
  if (ticket === undefined) {
    return false;
  }

  function handToConnect(received: readonly Buffer[]): void {
    if (ticket !== undefined) {
      closeWhenAnswered(stream);
      void answerHttp2WithConnect(ticket.connectHandler, stream, headers, received);
    }
  }

  collectBody(stream, ticket.maxBodyBytes, {
    onWhole(body, chunks) {
      bodyDeadline.end(stream);
      const reply = ticket.answer(body, (cancel) => {
        stream.once('close', () => cancel(new ConnectError('the call was cancelled', Code.Canceled)));
      });
      if (reply === undefined) {
        handToConnect(chunks);
      } else {
        void writeWhenReady(stream, reply);
      }
    },
    onTooLarge: handToConnect,
  });
  stream.on('close', () => bodyDeadline.end(stream));
  // A stream that breaks is the caller's loss; without a listener it would end the process.
  stream.on('error', () => undefined);
  return true;
}

async function writeWhenReady(stream: ServerHttp2Stream, reply: Promise<LaneReply>): Promise<void> {
  try {
    const { status, headers, body, trailers } = await reply;
    if (stream.destroyed || stream.closed) {
      return;
    }
    const head = { ...headers, [constants.HTTP2_HEADER_STATUS]: status };
    if (trailers === undefined) {
      stream.respond(head);
    } else {
      stream.on('wantTrailers', () => stream.sendTrailers(trailers));
      stream.respond(head, { waitForTrailers: true });
    }
    stream.end(body);
  } catch {
    // Headers that cannot be written, say: there is no way left to tell the caller.
    stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  }
}
