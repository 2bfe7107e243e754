import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { emptySettings, frameTypes, http2Frame, preface } from '../support/clients/http2-frames.ts';

/** Opens a connection that reads and forgets what comes, unless it is paused. */
export async function openAttack(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  // A reset is one way for the server to close.
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket.resume();
}

export const http2Start = Buffer.concat([Buffer.from(preface), emptySettings]);

/** HPACK of a call of GetPaymentStatus, without the static table's indexes for what has none. */
function callHeaders(contentType: string): Buffer {
  return Buffer.concat([
    Buffer.from([0x83, 0x86]),
    literal([0x04], '/payment.v1.PaymentService/GetPaymentStatus'),
    literal([0x01], 'localhost'),
    literal([0x0f, 0x10], contentType),
  ]);
}

function literal(nameIndex: readonly number[], value: string): Buffer {
  return Buffer.concat([Buffer.from([...nameIndex, value.length]), Buffer.from(value)]);
}

/** HEADERS with END_HEADERS that open the nth call of a connection and leave its body open. */
export function openCall(n: number, contentType = 'application/grpc'): Buffer {
  return http2Frame(frameTypes.headers, 0x04, 2 * n + 1, callHeaders(contentType));
}

/**
 * Sends `count` pieces in batches, each as soon as the one before has left, until they are all sent,
 * the server has closed the connection, or it takes no more for `stuckMs`.
 */
export async function flood(socket: Socket, count: number, piece: (n: number) => Buffer): Promise<void> {
  const batch = 200;
  const stuckMs = 500;
  for (let n = 0; n < count && !socket.closed && socket.writable; n += batch) {
    const pieces = Array.from({ length: Math.min(batch, count - n) }, (_, i) => piece(n + i));
    if (!socket.write(Buffer.concat(pieces)) && !(await drained(socket, stuckMs))) {
      return;
    }
  }
}

async function drained(socket: Socket, timeoutMs: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), timeoutMs);
    for (const event of ['drain', 'close'] as const) {
      socket.once(event, () => {
        clearTimeout(timer);
        resolve(true);
      });
    }
  });
}
