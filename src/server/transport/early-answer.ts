import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { closeLingering, lingerMs } from './lingering-close.ts';

/** How much of a body is read after its answer so that the connection can be kept, in bytes. */
const maxDrainBytes = 1_048_576;

/**
 * Reads the rest of an HTTP/1.1 request that is answered before its body has come in whole. Otherwise
 * the connection would stay as it was left, paused, and the next request on it would never be read.
 * When there is too much left, or it takes too long, the connection is closed.
 */
export function drainWhenAnswered(request: IncomingMessage, response: ServerResponse): void {
  // Before Node's own listener, which closes the connection or goes on with the next request.
  response.prependListener('finish', () => {
    const { socket } = response;
    if (socket !== null && !request.readableEnded) {
      drain(request, socket);
    }
  });
}

function drain(request: IncomingMessage, socket: Socket): void {
  if (!request.complete) {
    // Node calls it after an answer with `connection: close`.
    socket.destroySoon = () => closeLingering(socket);
    let remainingBytes = maxDrainBytes;
    request.on('data', function count(chunk: Buffer) {
      remainingBytes -= chunk.length;
      if (remainingBytes < 0) {
        request.off('data', count);
        // Not within the parser, from which it takes the connection.
        setImmediate(() => closeLingering(socket));
      }
    });
    const timer = setTimeout(() => socket.destroy(), lingerMs);
    for (const event of ['end', 'close']) {
      request.once(event, () => clearTimeout(timer));
    }
  }
  request.resume();
}
