import { EventEmitter } from 'node:events';
import type { RequestListener } from 'node:http';
import {
  constants,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import { serveHttp2Stream } from '../lane/lane-http2.ts';
import type { UnaryLane } from '../lane/unary-lane.ts';
import type { BodyBudget } from '../transport/body-budget.ts';
import { type BodyDeadline, createBodyDeadline } from '../transport/body-deadline.ts';
import { prepareCallHeaders } from '../transport/call-headers.ts';
import { closeWhenAnswered } from '../transport/close-when-answered.ts';
import { ignoreErrors, ignoreExchangeErrors } from '../transport/ignore-errors.ts';
import type { ConnectionLimits } from './connection-limits.ts';
import { createIdleSessions } from './idle-sessions.ts';

/** The HTTP/2 side of the port. Its server never listens: accepted connections are passed to it. */
export interface Http2Plane {
  readonly server: Http2Server;
  readonly sessions: ReadonlySet<ServerHttp2Session>;
}

/**
 * Limits of one connection; beyond them it is ended. Most are Node's own defaults, written down so
 * that a new version of Node does not change them. docs/security.md has them in a table.
 */
const floodLimits = {
  /** Streams that the peer resets, per second beyond the burst, which is set below. */
  streamResetRate: 100,
  /** Entries in one SETTINGS frame. */
  maxSettings: 32,
  /** Headers of one request. */
  maxHeaderListPairs: 128,
  /**
   * Frames that break the protocol, and DATA frames that are empty and end nothing, which are allowed: Node counts both
   * as long as the connection lasts.
   */
  maxSessionInvalidFrames: 1_000,
  /** Streams opened beyond the limit. */
  maxSessionRejectedStreams: 100,
  /** Memory that streams and headers may take, in MB; beyond it new streams are refused. */
  maxSessionMemory: 10,
};

/** Serves HTTP/2: streams go to the lane first, and what it leaves to Fastify's handler. */
export function createHttp2Plane(
  handler: RequestListener,
  limits: ConnectionLimits,
  lane: UnaryLane | undefined,
  streamingPaths: ReadonlySet<string>,
  bodyBudget: BodyBudget,
): Http2Plane {
  const server = createLimitedServer(limits);
  const sessions = new Set<ServerHttp2Session>();
  const idleSessions = createIdleSessions(limits.idleTimeoutMs, limits.requestTimeoutMs);
  server.on('session', (session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
    idleSessions.add(session);
    // An `error` event without a listener would end the process.
    session.on('error', () => session.destroy());
  });
  handleRequests(server, handler);
  dispatchStreams(server, lane, createBodyDeadline(limits.requestTimeoutMs), bodyBudget, (stream, path) => {
    const isStreaming = streamingPaths.has(path);
    if (isStreaming) {
      idleSessions.keepWhileOpen(stream);
    }
    return isStreaming;
  });
  return { server, sessions };
}

function createLimitedServer(limits: ConnectionLimits): Http2Server {
  return createServer({
    // Node's defaults are "unlimited" streams and 64 KiB of headers.
    settings: {
      maxConcurrentStreams: limits.maxConcurrentStreams,
      maxHeaderListSize: limits.maxHeaderBytes,
    },
    peerMaxConcurrentStreams: limits.maxConcurrentStreams,
    unknownProtocolTimeout: limits.sniffTimeoutMs,
    ...floodLimits,
    // A client whose deadline passes resets all its calls in flight at once, which is correct.
    streamResetBurst: limits.maxConcurrentStreams,
  });
}

/** Passes requests, as Node's compatibility layer makes them of streams, to Fastify's handler. */
function handleRequests(server: Http2Server, handler: RequestListener): void {
  // Fastify's handler takes requests of both versions, but is typed for HTTP/1.1; an event has no type.
  const fastifyRequests = new EventEmitter().on('request', handler);
  server.on('request', (request, response) => {
    ignoreExchangeErrors(request, response);
    // After the other frames of the same read: when a reset of the stream is among them, Fastify need
    // not handle the request at all.
    setImmediate(() => {
      if (!request.stream.closed) {
        fastifyRequests.emit('request', request, response);
      }
    });
  });
}

/**
 * Puts the lane in front of Node's compatibility layer. That layer is a `stream` listener, which Node
 * adds when a `request` listener is added; it makes request and response objects that cost more than
 * a call in the lane, so streams go to the lane first and to that listener only if it leaves them.
 *
 * @param admitStreaming whether the path is of a streaming method; keeps the stream's connection then.
 */
function dispatchStreams(
  server: Http2Server,
  lane: UnaryLane | undefined,
  bodyDeadline: BodyDeadline,
  bodyBudget: BodyBudget,
  admitStreaming: (stream: ServerHttp2Stream, path: string) => boolean,
): void {
  const compatibilityListeners = server.listeners('stream');
  server.removeAllListeners('stream');
  server.on('stream', (stream, headers, flags, rawHeaders) => {
    const { session } = stream;
    if (stream.closed || session === undefined) {
      discardStream(stream);
      return;
    }
    if (headers.expect !== undefined) {
      letContinue(stream, headers);
    }
    const awaitedBody = bodyDeadline.begin(stream, bodyBudget.of(session));
    prepareCallHeaders(headers);
    if (lane !== undefined && serveHttp2Stream(lane, stream, headers, awaitedBody)) {
      return;
    }
    if (admitStreaming(stream, headers[':path'] ?? '')) {
      // No deadline for the body: a streaming call's next message may come after any time.
      awaitedBody.end();
    } else {
      stream.once('end', () => awaitedBody.end());
      stream.once('close', () => awaitedBody.end());
    }
    ignoreErrors(stream);
    closeWhenAnswered(stream);
    for (const listener of compatibilityListeners) {
      listener.call(server, stream, headers, flags, rawHeaders);
    }
  });
}

/**
 * Sends the interim 100 for which a caller waits before it sends the body (RFC 9110, 10.1.1). Node's
 * compatibility layer does too, but only for requests that come to it, and in lower case.
 */
function letContinue(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
  if (headers.expect?.toLowerCase() === '100-continue') {
    stream.additionalHeaders({ [constants.HTTP2_HEADER_STATUS]: constants.HTTP_STATUS_CONTINUE });
    delete headers.expect;
  }
}

/** Reads what is left of a stream that its caller has reset before it was dispatched, so that it closes. */
function discardStream(stream: ServerHttp2Stream): void {
  ignoreErrors(stream); // A reset with an error code emits one.
  stream.resume();
}
