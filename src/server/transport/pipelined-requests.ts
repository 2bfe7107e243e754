import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { ignoreExchangeErrors } from './ignore-errors.ts';

/**
 * Bounds how many requests of an HTTP/1.1 connection wait for the end of answers before theirs. Node carries
 * out what a caller sends without waiting for answers (pipelining) and keeps the answers; it reads no more
 * once they are many bytes, but not before they are there, and not within the 64 KiB that it has read.
 *
 * @param maxWaiting beyond so many the connection is closed at once.
 * @returns to be asked with every request; false: its connection is closed, and nobody may answer.
 */
export function createPipelineLimit(
  maxWaiting: number,
): (request: IncomingMessage, response: ServerResponse) => boolean {
  const waiting = new WeakMap<Socket, number>();
  return (request, response) => {
    // A response has its socket when its turn has come: at once, unless requests are pipelined.
    if (response.socket !== null) {
      return true;
    }
    const { socket } = request;
    const count = (waiting.get(socket) ?? 0) + 1;
    if (count > maxWaiting || socket.destroyed) {
      ignoreExchangeErrors(request, response);
      socket.destroy();
      return false;
    }
    waiting.set(socket, count);
    response.once('socket', () => void waiting.set(socket, (waiting.get(socket) ?? 1) - 1));
    return true;
  };
}
