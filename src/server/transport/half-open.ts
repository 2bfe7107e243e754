import type { Socket } from 'node:net';

/** How often a half-open connection is looked at, in milliseconds. */
const checkMs = 200;

/**
 * Limits how long an HTTP/1.1 connection stays whose caller has ended its side (`nc -N`) and waits for
 * answers: until they are sent, and not longer when the caller reads nothing of them for two checks.
 * Node closes it after the last answer.
 *
 * @param maxMs for calls in flight, in milliseconds.
 */
export function limitHalfOpen(socket: Socket, maxMs: number): void {
  socket.once('end', () => {
    const endsAtMs = performance.now() + maxMs;
    let unsentBytes = 0;
    const timer = setInterval(() => {
      const isStuck = socket.writableLength > 0 && socket.writableLength === unsentBytes;
      unsentBytes = socket.writableLength;
      if (isStuck || performance.now() >= endsAtMs) {
        socket.destroy();
      }
    }, checkMs);
    socket.once('close', () => clearInterval(timer));
  });
}

/**
 * Closes the connection of a streaming call soon after its caller has ended its side: over HTTP/1.1
 * nothing else tells that the caller has gone, and the next message may never come.
 */
export function endWithCaller(socket: Socket): void {
  socket.once('end', () => {
    const timer = setTimeout(() => socket.destroy(), checkMs);
    socket.once('close', () => clearTimeout(timer));
  });
}
