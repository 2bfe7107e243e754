import { EventEmitter } from 'node:events';
import type { RequestListener } from 'node:http';
import { createServer, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import { type BodyDeadline, createBodyDeadline } from '../transport/body-deadline.ts';
import { closeWhenAnswered } from '../transport/close-when-answered.ts';
import { createIdleSessions } from './idle-sessions.ts';
import { dropEndlessTimeouts } from '../transport/call-timeout.ts';
import type { ConnectionLimits } from './connection-limits.ts';
import { serveHttp2Stream } from '../lane/lane-http2.ts';
import type { UnaryLane } from '../lane/unary-lane.ts';

/** The HTTP/2 side of the port: never listens itself, is handed its connections. */
export interface Http2Plane {
  readonly server: Http2Server;
  readonly sessions: ReadonlySet<ServerHttp2Session>;
}

/**
 * What one connection may do before it is ended, all per connection. Most are Node's own defaults,
 * written down so that they are decided here. docs/security.md has them in a table.
 */
const floodLimits = {
  /** Streams that the peer resets, per second beyond the burst, which is set below. */
  streamResetRate: 100,
  /** Entries in one SETTINGS frame. */
  maxSettings: 32,
  /** Headers of one request. */
  maxHeaderListPairs: 128,
  /** Frames that break the protocol, and streams opened beyond the limit, that are borne. */
  maxSessionInvalidFrames: 100,
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
): Http2Plane {
  const server = createServer({
    // Node's defaults are "unlimited" streams and 64 KiB of headers.
    settings: {
      maxConcurrentStreams: limits.maxConcurrentStreams,
      maxHeaderListSize: limits.maxHeaderBytes,
    },
    peerMaxConcurrentStreams: limits.maxConcurrentStreams,
    unknownProtocolTimeout: limits.sniffTimeoutMs,
    ...floodLimits,
    // A client whose deadline passes resets all calls in flight at once, and does nothing wrong by it.
    streamResetBurst: limits.maxConcurrentStreams,
  });
  const sessions = new Set<ServerHttp2Session>();
  const idleSessions = createIdleSessions(limits.idleTimeoutMs, limits.requestTimeoutMs);
  server.on('session', (session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
    // Clients come back by themselves after GOAWAY, so an idle connection is never worth keeping.
    idleSessions.add(session);
    // A broken connection is no defect of ours; without a listener it would end the process.
    session.on('error', () => session.destroy());
  });
  // Fastify's handler is written for both kinds of requests, but typed for the first alone.
  const untyped = new EventEmitter().on('request', handler);
  server.on('request', (request, response) => {
    // Frames that came together with this call's headers are read first: when a reset is among them,
    // the costly part is spared.
    setImmediate(() => {
      if (!request.stream.closed) {
        untyped.emit('request', request, response);
      }
    });
  });
  dispatchStreams(server, lane, createBodyDeadline(limits.requestTimeoutMs), (stream, path) => {
    const isStreaming = streamingPaths.has(path);
    if (isStreaming) {
      idleSessions.keepFor(stream);
    }
    return isStreaming;
  });
  return { server, sessions };
}

/**
 * Puts the lane in front of Node's compatibility layer. That layer is a `stream` listener, which Node
 * adds when a `request` listener is added; it makes request and response objects that cost more than
 * a call in the lane, so streams go to the lane first and to that listener only if it leaves them.
 */
function dispatchStreams(
  server: Http2Server,
  lane: UnaryLane | undefined,
  bodyDeadline: BodyDeadline,
  mayLastLong: (stream: ServerHttp2Stream, path: string) => boolean,
): void {
  const compatibilityListeners = server.listeners('stream');
  server.removeAllListeners('stream');
  server.on('stream', (stream, headers, flags, rawHeaders) => {
    if (stream.closed) {
      forget(stream);
      return;
    }
    const awaitedBody = bodyDeadline.begin(stream);
    dropEndlessTimeouts(headers);
    if (lane !== undefined && serveHttp2Stream(lane, stream, headers, awaitedBody)) {
      return;
    }
    if (mayLastLong(stream, headers[':path'] ?? '')) {
      // Its caller may think between two messages for as long as it likes.
      awaitedBody.end();
    } else {
      stream.once('end', () => awaitedBody.end());
      stream.once('close', () => awaitedBody.end());
    }
    closeWhenAnswered(stream);
    for (const listener of compatibilityListeners) {
      listener.call(server, stream, headers, flags, rawHeaders);
    }
  });
}

/** Lets go of a stream that its caller has reset before anything was done for it. */
function forget(stream: ServerHttp2Stream): void {
  // Without a listener, a reset with an error code would end the process.
  stream.on('error', ignoreError);
  stream.resume();
}

function ignoreError(): void {}
