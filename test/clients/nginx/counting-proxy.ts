import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** A TCP proxy that counts: the service has no metric of the connections that it has taken. */
export interface CountingProxy {
  readonly port: number;
  /** Connections so far. */
  taken(): number;
}

/** Starts it before this port of 127.0.0.1; it stops when the test is finished. */
export async function startCountingProxy(port: number): Promise<CountingProxy> {
  const sockets = new Set<Socket>();
  let taken = 0;
  const server = createServer({ noDelay: true }, (near) => {
    taken += 1;
    const far = connect({ port, host: '127.0.0.1', noDelay: true });
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.pipe(to);
      from.on('error', () => to.destroy());
      from.on('close', () => sockets.delete(from));
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    sockets.forEach((socket) => socket.destroy());
  });
  return { port: (server.address() as AddressInfo).port, taken: () => taken };
}
