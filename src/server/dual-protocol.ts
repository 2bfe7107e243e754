import type { EventEmitter } from 'node:events';
import { createServer as createHttp1Server, type RequestListener, type Server } from 'node:http';
import { createServer as createHttp2Server, type Http2Server, type ServerHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import { type BodyDeadline, createBodyDeadline } from './body-deadline.ts';
import { serveHttp1Request } from './lane/lane-http1.ts';
import { serveHttp2Stream } from './lane/lane-http2.ts';
import type { UnaryLane } from './unary-lane.ts';

/** The fences around connections; times in milliseconds. */
export interface ConnectionLimits {
  /** For the first bytes of a connection, which tell the protocol. */
  readonly sniffTimeoutMs: number;
  /** HTTP/1.1: for the headers of a request. */
  readonly headersTimeoutMs: number;
  /** For a whole request, body included. */
  readonly requestTimeoutMs: number;
  /** A connection without a call is closed after this long. */
  readonly idleTimeoutMs: number;
  /** HTTP/2: calls in flight on one connection. */
  readonly maxConcurrentStreams: number;
}

/** A server on one plaintext port that speaks HTTP/1.1 and HTTP/2 with prior knowledge (h2c). */
export interface DualProtocolServer extends Server {
  /** Tells HTTP/2 clients to go away (GOAWAY); calls in flight finish. Fastify calls it on close. */
  closeHttp2Sessions(): void;
  /** Ends every connection at once, calls in flight included. */
  destroyConnections(): void;
}

/** How an HTTP/2 connection begins (RFC 9113, 3.4). No HTTP/1.1 method starts with these letters. */
const http2Preface = Buffer.from('PRI');

/**
 * Fastify can serve HTTP/1.1 or h2c on a port, not both, and neither can Node. The listening server
 * here is a real `http.Server`, so that its header timeouts work; its connection listener is replaced
 * by one that looks at the first three bytes (one is not enough: POST starts with P as well) and
 * hands the connection to it or to an HTTP/2 server that never listens itself.
 */
export function createDualProtocolServer(
  handler: RequestListener,
  limits: ConnectionLimits,
  lane?: UnaryLane,
): DualProtocolServer {
  let closing = false;
  const http1 = createHttp1Server(
    {
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      keepAliveTimeout: limits.idleTimeoutMs,
      connectionsCheckingInterval: Math.min(1_000, limits.headersTimeoutMs),
    },
    (request, response) => {
      // While closing, Fastify refuses new requests on connections that were kept alive.
      if (lane === undefined || closing || !serveHttp1Request(lane, request, response)) {
        handler(request, response);
      }
    },
  );
  const sessions = new Set<ServerHttp2Session>();
  const undecided = new Set<Socket>();
  const http2 = createHttp2Plane(handler, limits, sessions, lane);
  const handleHttp1Connection = http1.listeners('connection');
  http1.removeAllListeners('connection');
  http1.on('connection', (socket: Socket) => {
    socket.setNoDelay(true);
    undecided.add(socket);
    sniffProtocol(socket, limits.sniffTimeoutMs, (protocol) => {
      undecided.delete(socket);
      if (protocol === 'http2') {
        http2.emit('connection', socket);
      } else if (protocol === 'http1') {
        for (const listener of handleHttp1Connection) {
          listener.call(http1, socket);
        }
      }
    });
  });

  return Object.assign(http1, {
    closeHttp2Sessions() {
      closing = true;
      for (const session of sessions) {
        session.close();
      }
      for (const socket of undecided) {
        socket.destroy();
      }
    },
    destroyConnections() {
      for (const session of sessions) {
        session.destroy();
      }
      http1.closeAllConnections();
    },
  });
}

function createHttp2Plane(
  handler: RequestListener,
  limits: ConnectionLimits,
  sessions: Set<ServerHttp2Session>,
  lane: UnaryLane | undefined,
) {
  const http2 = createHttp2Server({
    // Node's defaults here are "unlimited" and, for resets, off unless both figures are set.
    settings: { maxConcurrentStreams: limits.maxConcurrentStreams },
    peerMaxConcurrentStreams: limits.maxConcurrentStreams,
    streamResetBurst: 1_000,
    streamResetRate: 100,
    unknownProtocolTimeout: limits.sniffTimeoutMs,
  });
  http2.on('session', (session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
    // Clients come back by themselves after GOAWAY, so an idle connection is never worth keeping.
    session.setTimeout(limits.idleTimeoutMs, () => session.close());
    // A broken connection is no defect of ours; without a listener it would end the process.
    session.on('error', () => session.destroy());
  });
  // Fastify's handler is written for both kinds of requests, but typed for the first alone.
  const untyped: EventEmitter = http2;
  untyped.on('request', handler);
  dispatchStreams(http2, lane, createBodyDeadline(limits.requestTimeoutMs));
  return http2;
}

/**
 * Puts the lane in front of Node's compatibility layer. That layer is a `stream` listener, which Node
 * adds when a `request` listener is added; it makes request and response objects that cost more than
 * a call in the lane, so streams go to the lane first and to that listener only if it leaves them.
 */
function dispatchStreams(http2: Http2Server, lane: UnaryLane | undefined, bodyDeadline: BodyDeadline): void {
  const compatibilityListeners = http2.listeners('stream');
  http2.removeAllListeners('stream');
  http2.on('stream', (stream, headers, flags, rawHeaders) => {
    bodyDeadline.begin(stream);
    if (lane !== undefined && serveHttp2Stream(lane, stream, headers, bodyDeadline)) {
      return;
    }
    stream.once('end', () => bodyDeadline.end(stream));
    stream.once('close', () => bodyDeadline.end(stream));
    for (const listener of compatibilityListeners) {
      listener.call(http2, stream, headers, flags, rawHeaders);
    }
  });
}

/** Reads the first bytes, puts them back and tells the protocol; 'none' when the peer said too little. */
function sniffProtocol(
  socket: Socket,
  timeoutMs: number,
  decide: (protocol: 'http1' | 'http2' | 'none') => void,
): void {
  let head: Buffer = Buffer.alloc(0);
  const timer = setTimeout(() => socket.destroy(), timeoutMs);

  function finish(protocol: 'http1' | 'http2' | 'none'): void {
    clearTimeout(timer);
    socket.off('readable', onReadable);
    socket.off('error', onGone);
    socket.off('close', onGone);
    if (protocol !== 'none') {
      socket.unshift(head);
    }
    decide(protocol);
  }

  function onReadable(): void {
    for (let chunk: Buffer | null = socket.read(); chunk !== null; chunk = socket.read()) {
      head = head.length === 0 ? chunk : Buffer.concat([head, chunk]);
    }
    if (head.length === 0) {
      return;
    }
    const known = Math.min(head.length, http2Preface.length);
    if (!head.subarray(0, known).equals(http2Preface.subarray(0, known))) {
      finish('http1');
    } else if (known === http2Preface.length) {
      finish('http2');
    }
  }

  function onGone(): void {
    socket.destroy();
    finish('none');
  }

  socket.on('readable', onReadable);
  socket.once('error', onGone);
  socket.once('close', onGone);
}
