import type { Socket } from 'node:net';
import { errorCodes } from './constants.ts';
import { Http2Session } from './session.ts';
import type { Http2Stream } from './stream.ts';

/** Limits of connections; times in milliseconds. */
export interface Http2Limits {
  readonly maxConcurrentStreams: number;
  /** Names and values of all headers of a request, each header with 32 bytes more. */
  readonly maxHeaderBytes: number;
  /** For a whole request, body included, and for an answer that waits for the caller's window. */
  readonly requestTimeoutMs: number;
  /** A connection without a new call is told to go away after this long. */
  readonly idleTimeoutMs: number;
}

/** The HTTP/2 connections of a server. */
export interface Http2Sessions {
  /** Those that are open. */
  readonly all: ReadonlySet<Http2Session>;
  /** Serves a connection, of which nothing has been read. */
  accept(socket: Socket): void;
}

interface Watched {
  lastStreamId: number;
  /** When that was first seen, by `performance.now()`. */
  sinceMs: number;
  /** What was left to send when last looked at, in bytes, and since when it is so much. */
  unsentBytes: number;
  unsentSinceMs: number;
}

interface State {
  readonly limits: Http2Limits;
  readonly sessions: Map<Http2Session, Watched>;
  timer: NodeJS.Timeout | undefined;
}

/**
 * Serves HTTP/2 (RFC 9113) on connections that are handed to it.
 *
 * One timer looks at all connections and streams twice in the shorter of the two timeouts, so that each ends after one
 * to one and a half of it: a timer for each would be set and cleared by every call.
 *
 * @param onStream called with each request when its headers have come.
 * @param onDefect told of what is thrown by it, or here, and is no fault of the peer: the connection has ended.
 */
export function createHttp2Sessions(
  limits: Http2Limits,
  onStream: (stream: Http2Stream, socket: Socket) => void,
  onDefect: (error: unknown) => void = () => undefined,
): Http2Sessions {
  const self: State = { limits, sessions: new Map(), timer: undefined };
  const all = new Set<Http2Session>();
  const options = {
    maxConcurrentStreams: limits.maxConcurrentStreams,
    maxHeaderListBytes: limits.maxHeaderBytes,
    graceMs: limits.requestTimeoutMs,
    queued: { bytes: 0 },
    onDefect,
    unread: { bytes: 0 },
  };
  return {
    all,
    accept(socket) {
      const session = new Http2Session(socket, {
        ...options,
        onStream: (stream) => onStream(stream, socket),
      });
      all.add(session);
      const nowMs = performance.now();
      self.sessions.set(session, { lastStreamId: 0, sinceMs: nowMs, unsentBytes: 0, unsentSinceMs: nowMs });
      session.onClose(() => {
        all.delete(session);
        self.sessions.delete(session);
      });
      setTimer(self);
    },
  };
}

function setTimer(self: State): void {
  const { idleTimeoutMs, requestTimeoutMs } = self.limits;
  self.timer ??= setTimeout(() => sweep(self), Math.min(idleTimeoutMs, requestTimeoutMs) / 2).unref();
}

function sweep(self: State): void {
  self.timer = undefined;
  const nowMs = performance.now();
  for (const [session, watched] of self.sessions) {
    endUnread(self.limits, session, watched, nowMs);
    endLateStreams(self.limits, session, nowMs);
    endIdle(self, session, watched, nowMs);
  }
  if (self.sessions.size > 0) {
    setTimer(self);
  }
}

/** Ends a connection whose peer reads nothing of what has been written to it. */
function endUnread(
  { requestTimeoutMs }: Http2Limits,
  { output, socket }: Http2Session,
  watched: Watched,
  nowMs: number,
): void {
  const { unsentBytes } = output;
  if (unsentBytes === 0 || unsentBytes !== watched.unsentBytes) {
    watched.unsentBytes = unsentBytes;
    watched.unsentSinceMs = nowMs;
  } else if (nowMs - watched.unsentSinceMs >= requestTimeoutMs) {
    socket.destroy();
  }
}

function endLateStreams({ requestTimeoutMs }: Http2Limits, session: Http2Session, nowMs: number): void {
  const latestMs = nowMs - requestTimeoutMs;
  if (session.pausedSinceMs > 0 && session.pausedSinceMs <= latestMs) {
    session.socket.destroy();
    return;
  }
  for (const stream of session.streams.values()) {
    const isBodyLate = !stream.remoteEnded && stream.beganAtMs <= latestMs;
    const isUnread = stream.blockedSinceMs > 0 && stream.blockedSinceMs <= latestMs;
    if (!stream.isLasting && (isBodyLate || isUnread)) {
      stream.close(errorCodes.cancel);
    }
  }
}

function endIdle(self: State, session: Http2Session, watched: Watched, nowMs: number): void {
  const { idleTimeoutMs, requestTimeoutMs } = self.limits;
  if (session.lastStreamId !== watched.lastStreamId) {
    watched.lastStreamId = session.lastStreamId;
    watched.sinceMs = nowMs;
  } else if (nowMs - watched.sinceMs >= idleTimeoutMs) {
    watched.sinceMs = nowMs;
    if (session.hasLastingStreams) {
      destroyUnlessAlive(session, requestTimeoutMs);
    } else {
      self.sessions.delete(session);
      endSession(session, requestTimeoutMs);
    }
  }
}

/** Ends a connection whose peer does not answer a PING within `graceMs`. */
function destroyUnlessAlive(session: Http2Session, graceMs: number): void {
  const timer = setTimeout(() => session.socket.destroy(), graceMs).unref();
  session.ping(() => clearTimeout(timer));
}

/**
 * Sends GOAWAY, upon which clients open a new connection for their next call; after `graceMs` ends the calls whose
 * answers the peer has not read.
 */
function endSession(session: Http2Session, graceMs: number): void {
  const timer = setTimeout(() => session.socket.destroy(), graceMs).unref();
  session.onClose(() => clearTimeout(timer));
  session.close();
}
