import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** A TCP server on loopback, as it is seen from some way off. */
export interface DistantServer {
  readonly port: number;
  /** How long the way there and back takes, in milliseconds; may be changed at any time. */
  roundTripMs: number;
  /** Breaks all connections, with what is on its way. */
  cut(): void;
  stop(): void;
}

interface Transit {
  readonly chunk: Buffer;
  /** By the monotonic clock. */
  readonly arrivesAtMs: number;
}

/**
 * Stands before a server on 127.0.0.1 and delays what goes through it by half of `roundTripMs` each way. Order
 * and bandwidth stay: what is on its way holds up nothing behind it.
 */
export async function startDistantServer(port: number, roundTripMs: number): Promise<DistantServer> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
    const far = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      forward(from, to, () => distant.roundTripMs / 2);
      from.once('close', () => {
        sockets.delete(from);
        // A socket that is still to end has its last bytes on their way.
        if (from.errored !== null || !from.readableEnded) {
          to.destroy();
        }
      });
      from.on('error', () => undefined);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = () => sockets.forEach((socket) => socket.destroy());
  const address = server.address();
  const distant: DistantServer = {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    roundTripMs,
    cut,
    stop() {
      server.close();
      cut();
    },
  };
  return distant;
}

function forward(from: Socket, to: Socket, oneWayMs: () => number): void {
  const transits: Transit[] = [];
  let isEnded = false;

  function arrive(): void {
    const nowMs = performance.now();
    while (transits[0] !== undefined && transits[0].arrivesAtMs <= nowMs) {
      to.write(transits[0].chunk);
      transits.shift();
    }
    if (transits[0] !== undefined) {
      setTimeout(arrive, transits[0].arrivesAtMs - nowMs);
    } else if (isEnded) {
      to.end();
    }
  }

  from.on('data', (chunk: Buffer) => {
    transits.push({ chunk, arrivesAtMs: performance.now() + oneWayMs() });
    if (transits.length === 1) {
      setTimeout(arrive, oneWayMs());
    }
  });
  from.on('end', () => {
    isEnded = true;
    if (transits.length === 0) {
      to.end();
    }
  });
}
