import { createServer, type RequestListener, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { serveHttp1Request } from '../lane/lane-http1.ts';
import type { UnaryLane } from '../lane/unary-lane.ts';
import { type BodyBudget, createBodyBudget } from '../transport/body-budget.ts';
import { prepareCallHeaders } from '../transport/call-headers.ts';
import { allowHalfOpen, createConnectionGuard, guardExchange } from '../transport/guard-http1.ts';
import { endWithCaller } from '../transport/half-open.ts';
import { ignoreErrors } from '../transport/ignore-errors.ts';
import { createPipelineLimit } from '../transport/pipelined-requests.ts';
import type { ConnectionLimits } from './connection-limits.ts';
import type { Http2Sessions } from '../http2/sessions.ts';
import { createHttp2Plane } from './http2-plane.ts';
import { isPlainRequest, type PlainRequests } from './plain-requests.ts';
import { sniffProtocol } from './sniff-protocol.ts';

/** A server on one plaintext port that speaks HTTP/1.1 and HTTP/2 with prior knowledge (h2c). */
export interface DualProtocolServer extends Server {
  /**
   * Tells HTTP/2 clients to go away (GOAWAY) and closes HTTP/1.1 connections as they fall idle; calls
   * in flight finish. Fastify calls it on close, by this name.
   */
  closeHttp2Sessions(): void;
  /** Ends every connection at once, calls in flight included. */
  destroyConnections(): void;
  /** Open connections now; of `undecided` ones the protocol is not known yet. */
  countConnections(): { readonly http1: number; readonly http2: number; readonly undecided: number };
}

/** The listening server and the connections that it has accepted. */
interface Port {
  readonly http1: Server;
  readonly http2: Http2Sessions;
  /** For the connections of HTTP/1.1. */
  readonly guardConnection: (socket: Socket) => void;
  readonly bodyBudget: BodyBudget;
  /** Node's own listeners for connections, which parse HTTP/1.1. */
  readonly http1Listeners: ReturnType<Server['listeners']>;
  /** Connections whose first bytes have not come yet. */
  readonly undecided: Set<Socket>;
  /** Those of HTTP/2. */
  readonly http2Sockets: Set<Socket>;
  http1Connections: number;
  closing: boolean;
}

/** How often connections that fell idle are closed during a stop, in milliseconds. */
const idleSweepMs = 20;

/**
 * Fastify can serve HTTP/1.1 or h2c on a port, not both, and neither can Node. The listening server
 * here is a real `http.Server`, so that its header timeouts work; its connection listener is replaced
 * by one that looks at the first bytes and hands the connection to it or to an HTTP/2
 * session of our own (docs/adr/0031).
 *
 * @param streamingPaths of methods whose calls may last, silent, for as long as the caller likes.
 * @param bodyBudget counts the bodies that the lane and the handler collect.
 * @param lastingPaths the same, and those of other methods whose answer may take long.
 * @param onDefect told of an error of ours by which an HTTP/2 connection has ended.
 * @param plain what is answered elsewhere, also while calls are not taken any more.
 */
export function createDualProtocolServer(
  handler: RequestListener,
  limits: ConnectionLimits,
  lane?: UnaryLane,
  streamingPaths: ReadonlySet<string> = new Set(),
  bodyBudget: BodyBudget = createBodyBudget(0),
  plain?: PlainRequests,
  lastingPaths: ReadonlySet<string> = streamingPaths,
  onDefect: (error: unknown) => void = () => undefined,
): DualProtocolServer {
  const http1 = createHttp1Server(limits);
  const port: Port = {
    http1,
    http2: createHttp2Plane(handler, limits, lane, streamingPaths, bodyBudget, onDefect),
    bodyBudget,
    guardConnection: createConnectionGuard(limits.requestTimeoutMs),
    http1Listeners: http1.listeners('connection'),
    undecided: new Set(),
    http2Sockets: new Set(),
    http1Connections: 0,
    closing: false,
  };
  const admitPipelined = createPipelineLimit(limits.maxConcurrentStreams);
  http1.on('request', (request, response) => {
    if (!admitPipelined(request, response)) {
      return;
    }
    if (plain !== undefined && isPlainRequest(plain, request)) {
      guardExchange(request, response);
      plain.listener(request, response, bodyBudget.of(request.socket));
      return;
    }
    prepareCallHeaders(request.headers);
    // While closing, Fastify refuses new requests on connections that were kept alive.
    const bodies = bodyBudget.of(request.socket);
    if (lastingPaths.has(request.url ?? '')) {
      endWithCaller(request.socket);
    }
    if (lane === undefined || port.closing || !serveHttp1Request(lane, request, response, bodies)) {
      guardExchange(request, response);
      handler(request, response);
    }
  });
  http1.removeAllListeners('connection');
  http1.on('connection', (socket: Socket) => acceptConnection(port, socket, limits.sniffTimeoutMs));
  return Object.assign(http1, {
    closeHttp2Sessions: () => closeConnections(port),
    destroyConnections: () => destroyConnections(port),
    countConnections: () => ({
      http1: port.http1Connections,
      http2: port.http2.all.size,
      undecided: port.undecided.size,
    }),
  });
}

function createHttp1Server(limits: ConnectionLimits): Server {
  const server = createServer({
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.idleTimeoutMs,
    maxHeaderSize: limits.maxHeaderBytes,
    connectionsCheckingInterval: Math.min(1_000, limits.headersTimeoutMs),
  });
  // Counts connections of both kinds, because all are accepted here. Those beyond raise `drop`.
  server.maxConnections = limits.maxConnections;
  return allowHalfOpen(server);
}

/** Hands a new connection to the server of its protocol as soon as that is known. */
function acceptConnection(port: Port, socket: Socket, sniffTimeoutMs: number): void {
  socket.setNoDelay(true);
  ignoreErrors(socket);
  port.undecided.add(socket);
  sniffProtocol(socket, sniffTimeoutMs, (protocol) => {
    port.undecided.delete(socket);
    if (protocol === 'http2' && port.closing) {
      // The port may be open still, for probes.
      socket.destroy();
    } else if (protocol === 'http2') {
      // Sockets of an HTTP/1.1 server may stay half open (the peer ends its side and still reads the
      // answer). In HTTP/2 the end of one side ends the connection.
      socket.allowHalfOpen = false;
      port.http2Sockets.add(socket);
      socket.once('close', () => port.http2Sockets.delete(socket));
      port.http2.accept(socket);
    } else if (protocol === 'http1') {
      port.http1Connections += 1;
      socket.once('close', () => (port.http1Connections -= 1));
      port.guardConnection(socket);
      socket.once('close', () => port.bodyBudget.of(socket).close());
      for (const listener of port.http1Listeners) {
        listener.call(port.http1, socket);
      }
    }
  });
}

function closeConnections(port: Port): void {
  const { http1, http2, undecided } = port;
  if (port.closing) {
    return;
  }
  port.closing = true;
  // Polled, because a connection that is answering now falls idle later, and a listener for that would
  // have to be added to every response.
  const sweep = setInterval(() => http1.closeIdleConnections(), idleSweepMs);
  http1.once('close', () => clearInterval(sweep));
  for (const session of http2.all) {
    session.close();
  }
  for (const socket of undecided) {
    socket.destroy();
  }
}

function destroyConnections({ http1, http2, http2Sockets }: Port): void {
  for (const session of http2.all) {
    session.destroy();
  }
  // Node ends the socket of a session that is destroyed, and waits for a peer that may not read.
  for (const socket of http2Sockets) {
    socket.destroy();
  }
  http1.closeAllConnections();
}
