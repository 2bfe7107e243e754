import { createServer, type RequestListener } from 'node:http';
import { duplexPair } from 'node:stream';
import type { Socket } from 'node:net';
import type { buildConnector } from 'undici';

/**
 * Receivers without sockets: undici and Node's HTTP server talk over pairs of streams in memory, so
 * that nothing takes time but what is told to, and a test's own timers say how long that is.
 */
export function createInMemoryNetwork(receivers: ReadonlyMap<string, RequestListener>): {
  readonly connect: buildConnector.connector;
} {
  const servers = new Map([...receivers].map(([host, listener]) => [host, createServer(listener)]));
  return {
    connect({ hostname }, callback) {
      const [near, far] = duplexPair();
      servers.get(hostname)?.emit('connection', far);
      // undici asks no more of a socket than of a stream, and counts on hearing of it later.
      setImmediate(() => callback(null, near as unknown as Socket));
    },
  };
}
