import { createServer as createHttp1Server, type RequestListener, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { dropEndlessTimeouts } from '../transport/call-timeout.ts';
import type { ConnectionLimits } from './connection-limits.ts';
import { createHttp2Plane } from './http2-plane.ts';
import { serveHttp1Request } from '../lane/lane-http1.ts';
import { sniffProtocol } from './sniff-protocol.ts';
import type { UnaryLane } from '../lane/unary-lane.ts';

export type { ConnectionLimits } from './connection-limits.ts';

/** A server on one plaintext port that speaks HTTP/1.1 and HTTP/2 with prior knowledge (h2c). */
export interface DualProtocolServer extends Server {
  /**
   * Tells HTTP/2 clients to go away (GOAWAY) and closes HTTP/1.1 connections as they fall idle; calls
   * in flight finish. Fastify calls it on close, by this name.
   */
  closeHttp2Sessions(): void;
  /** Ends every connection at once, calls in flight included. */
  destroyConnections(): void;
  /** Open connections now; `undecided` have not said yet what they speak. */
  countConnections(): { readonly http1: number; readonly http2: number; readonly undecided: number };
}

/** How often connections that fell idle are closed during a stop, in milliseconds. */
const idleSweepMs = 20;

/**
 * Fastify can serve HTTP/1.1 or h2c on a port, not both, and neither can Node. The listening server
 * here is a real `http.Server`, so that its header timeouts work; its connection listener is replaced
 * by one that looks at the first bytes and hands the connection to it or to an HTTP/2 server that
 * never listens itself.
 *
 * @param streamingPaths of methods whose calls may last, silent, for as long as the caller likes.
 */
export function createDualProtocolServer(
  handler: RequestListener,
  limits: ConnectionLimits,
  lane?: UnaryLane,
  streamingPaths: ReadonlySet<string> = new Set(),
): DualProtocolServer {
  let closing = false;
  const http1 = createHttp1Server(
    {
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      keepAliveTimeout: limits.idleTimeoutMs,
      maxHeaderSize: limits.maxHeaderBytes,
      connectionsCheckingInterval: Math.min(1_000, limits.headersTimeoutMs),
    },
    (request, response) => {
      dropEndlessTimeouts(request.headers);
      // While closing, Fastify refuses new requests on connections that were kept alive.
      if (lane === undefined || closing || !serveHttp1Request(lane, request, response)) {
        handler(request, response);
      }
    },
  );
  // Counts connections of both kinds, because all are accepted here. Those beyond raise `drop`.
  http1.maxConnections = limits.maxConnections;
  const http2 = createHttp2Plane(handler, limits, lane, streamingPaths);
  const undecided = new Set<Socket>();
  let http1Connections = 0;
  const handleHttp1Connection = http1.listeners('connection');
  http1.removeAllListeners('connection');
  http1.on('connection', (socket: Socket) => {
    socket.setNoDelay(true);
    undecided.add(socket);
    sniffProtocol(socket, limits.sniffTimeoutMs, (protocol) => {
      undecided.delete(socket);
      if (protocol === 'http2') {
        // HTTP/1.1 sockets may stay half open; an HTTP/2 peer that ends its side is gone.
        socket.allowHalfOpen = false;
        http2.server.emit('connection', socket);
      } else if (protocol === 'http1') {
        http1Connections += 1;
        socket.once('close', () => (http1Connections -= 1));
        for (const listener of handleHttp1Connection) {
          listener.call(http1, socket);
        }
      }
    });
  });

  return Object.assign(http1, {
    closeHttp2Sessions() {
      closing = true;
      // A connection that is answering now falls idle later; a listener for that on every response
      // would be paid by every call.
      const sweep = setInterval(() => http1.closeIdleConnections(), idleSweepMs);
      http1.once('close', () => clearInterval(sweep));
      for (const session of http2.sessions) {
        session.close();
      }
      for (const socket of undecided) {
        socket.destroy();
      }
    },
    destroyConnections() {
      for (const session of http2.sessions) {
        session.destroy();
      }
      http1.closeAllConnections();
    },
    countConnections: () => ({
      http1: http1Connections,
      http2: http2.sessions.size,
      undecided: undecided.size,
    }),
  });
}
