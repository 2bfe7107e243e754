import type { Socket } from 'node:net';

/**
 * Closes HTTP/1.1 connections whose caller reads nothing of its answers for one to two times
 * `timeoutMs`. Node has no limit for that: it reads no more requests of such a connection and waits.
 * One timer looks at all connections.
 *
 * @returns watches a connection until it closes.
 */
export function createUnreadLimit(timeoutMs: number): (socket: Socket) => void {
  /** What was left to send of each when last looked at, in bytes. */
  const unsentBytes = new Map<Socket, number>();
  let timer: NodeJS.Timeout | undefined;

  function sweep(): void {
    for (const [socket, before] of unsentBytes) {
      const { writableLength } = socket;
      if (writableLength > 0 && writableLength === before) {
        socket.destroy();
      } else {
        unsentBytes.set(socket, writableLength);
      }
    }
    setTimer();
  }

  function setTimer(): void {
    timer = unsentBytes.size === 0 ? undefined : setTimeout(sweep, timeoutMs).unref();
  }

  return (socket) => {
    unsentBytes.set(socket, 0);
    socket.once('close', () => unsentBytes.delete(socket));
    if (timer === undefined) {
      setTimer();
    }
  };
}
