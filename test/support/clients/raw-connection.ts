import { connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** A TCP connection on which a test sends whatever bytes it likes. */
export interface RawConnection {
  readonly socket: Socket;
  send(bytes: string | Uint8Array): void;
  /** Everything that came so far. */
  received(): Buffer;
  /** Resolves as soon as what came contains this text; rejects when the server closes before. */
  waitFor(text: string): Promise<void>;
  /** Resolves as soon as what came satisfies this; rejects when the server closes before. */
  waitUntil(isEnough: (received: Buffer) => boolean): Promise<void>;
  /** Resolves when the server has closed the connection, by FIN or by RST. */
  closed(): Promise<void>;
}

/** Connects to the port; the connection ends with the test. */
export async function openRawConnection(port: number): Promise<RawConnection> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  let received: Buffer = Buffer.alloc(0);
  const waiters = new Set<() => void>();
  const wake = () => {
    for (const waiter of waiters) {
      waiter();
    }
  };
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    wake();
  });
  // A reset is one way for the server to close.
  socket.on('error', () => undefined);
  socket.on('close', wake);
  onTestFinished(() => void socket.destroy());
  await new Promise((resolve) => {
    socket.once('connect', resolve);
  });

  async function until(isReached: () => boolean): Promise<void> {
    if (isReached()) {
      return;
    }
    await new Promise<void>((resolve) => {
      const waiter = () => {
        if (isReached()) {
          waiters.delete(waiter);
          resolve();
        }
      };
      waiters.add(waiter);
    });
  }

  async function waitUntil(isEnough: (received: Buffer) => boolean): Promise<void> {
    await until(() => isEnough(received) || socket.closed);
    if (!isEnough(received)) {
      throw new Error(`the server closed after ${JSON.stringify(received.toString('latin1'))}`);
    }
  }

  return {
    socket,
    send: (bytes) => void socket.write(bytes),
    received: () => received,
    waitFor: (text) => waitUntil((bytes) => bytes.includes(text)),
    waitUntil,
    closed: () => until(() => socket.closed),
  };
}
