import type { Socket } from 'node:net';

/** How long a caller may go on sending after the last answer of an HTTP/1.1 connection, in milliseconds. */
export const lingerMs = 5_000;

/**
 * Ends an HTTP/1.1 connection so that its caller can still read the answer: sends FIN, drops what
 * comes, and closes once the caller ends its side or `lingerMs` have passed. A socket that is closed
 * with unread bytes sends RST, upon which callers drop an answer that they have not read yet
 * (RFC 9112, 9.6).
 */
export function closeLingering(socket: Socket): void {
  if (socket.destroyed) {
    return;
  }
  const timer = setTimeout(() => socket.destroy(), lingerMs);
  socket.once('close', () => clearTimeout(timer));
  // Takes the connection from Node's parser, so that a further request is not carried out unanswered.
  socket.removeAllListeners('data').on('data', discard);
  socket.once('end', () => socket.destroy());
  socket.end();
  socket.resume();
}

function discard(): void {}
