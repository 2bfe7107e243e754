import type { EventEmitter } from 'node:events';
import type { RequestListener } from 'node:http';
import { createServer, type Http2Server, type ServerHttp2Session } from 'node:http2';
import { type BodyDeadline, createBodyDeadline } from './body-deadline.ts';
import { closeWhenAnswered } from './close-when-answered.ts';
import { dropEndlessTimeouts } from './call-timeout.ts';
import type { ConnectionLimits } from './connection-limits.ts';
import { serveHttp2Stream } from './lane/lane-http2.ts';
import type { UnaryLane } from './unary-lane.ts';

/** The HTTP/2 side of the port: never listens itself, is handed its connections. */
export interface Http2Plane {
  readonly server: Http2Server;
  readonly sessions: ReadonlySet<ServerHttp2Session>;
}

/** Serves HTTP/2: streams go to the lane first, and what it leaves to Fastify's handler. */
export function createHttp2Plane(
  handler: RequestListener,
  limits: ConnectionLimits,
  lane: UnaryLane | undefined,
  clientStreamingPaths: ReadonlySet<string>,
): Http2Plane {
  const server = createServer({
    // Node's defaults here are "unlimited" and, for resets, off unless both figures are set.
    settings: { maxConcurrentStreams: limits.maxConcurrentStreams },
    peerMaxConcurrentStreams: limits.maxConcurrentStreams,
    streamResetBurst: 1_000,
    streamResetRate: 100,
    unknownProtocolTimeout: limits.sniffTimeoutMs,
  });
  const sessions = new Set<ServerHttp2Session>();
  server.on('session', (session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
    // Clients come back by themselves after GOAWAY, so an idle connection is never worth keeping.
    session.setTimeout(limits.idleTimeoutMs, () => session.close());
    // A broken connection is no defect of ours; without a listener it would end the process.
    session.on('error', () => session.destroy());
  });
  // Fastify's handler is written for both kinds of requests, but typed for the first alone.
  const untyped: EventEmitter = server;
  untyped.on('request', handler);
  dispatchStreams(server, lane, createBodyDeadline(limits.requestTimeoutMs), clientStreamingPaths);
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
  clientStreamingPaths: ReadonlySet<string>,
): void {
  const compatibilityListeners = server.listeners('stream');
  server.removeAllListeners('stream');
  server.on('stream', (stream, headers, flags, rawHeaders) => {
    bodyDeadline.begin(stream);
    dropEndlessTimeouts(headers);
    if (lane !== undefined && serveHttp2Stream(lane, stream, headers, bodyDeadline)) {
      return;
    }
    if (clientStreamingPaths.has(headers[':path'] ?? '')) {
      // The caller of such a method may think between two messages for as long as it likes.
      bodyDeadline.end(stream);
    } else {
      stream.once('end', () => bodyDeadline.end(stream));
      stream.once('close', () => bodyDeadline.end(stream));
    }
    closeWhenAnswered(stream);
    for (const listener of compatibilityListeners) {
      listener.call(server, stream, headers, flags, rawHeaders);
    }
  });
}
