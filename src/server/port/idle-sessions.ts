import type { Http2Session, ServerHttp2Stream } from 'node:http2';

/** Ends HTTP/2 connections on which no call comes; HTTP/1.1 has `keepAliveTimeout` for that. */
interface IdleSessions {
  /** Watches a new connection until it closes. */
  add(session: Http2Session): void;
  /** Keeps the connection of a streaming call, which may be silent for long, while the call is open. */
  keepWhileOpen(stream: ServerHttp2Stream): void;
}

interface WatchedSession {
  /** Id of the last call's stream; ids grow with every call. */
  lastStreamId: number | undefined;
  /** When that was first seen, by `performance.now()`. */
  sinceMs: number;
  /** How many streaming calls are open. */
  streamingCalls: number;
}

/**
 * A connection without a new call for one to one and a half of `idleTimeoutMs` gets a GOAWAY. One with
 * an open streaming call gets a PING instead, and is kept when its peer answers it.
 *
 * One timer checks all connections twice per `idleTimeoutMs`. `session.setTimeout` is not used: Node
 * restarts it with every frame, and keeps its timer, and with it the whole session, until it expires
 * even after the peer has closed the connection.
 *
 * @param idleTimeoutMs time without a new call, in milliseconds.
 * @param graceMs how long a peer may take to answer a PING, or to read its last answers, in milliseconds.
 */
export function createIdleSessions(idleTimeoutMs: number, graceMs: number): IdleSessions {
  const sessions = new Map<Http2Session, WatchedSession>();
  let timer: NodeJS.Timeout | undefined;

  function sweep(): void {
    const nowMs = performance.now();
    for (const [session, watched] of sessions) {
      const lastStreamId = session.state.lastProcStreamID;
      if (lastStreamId !== watched.lastStreamId) {
        watched.lastStreamId = lastStreamId;
        watched.sinceMs = nowMs;
      } else if (nowMs - watched.sinceMs >= idleTimeoutMs) {
        watched.sinceMs = nowMs;
        if (watched.streamingCalls > 0) {
          destroyUnlessAlive(session, graceMs);
        } else {
          sessions.delete(session);
          endSession(session, graceMs);
        }
      }
    }
    setTimer();
  }

  function setTimer(): void {
    timer = sessions.size === 0 ? undefined : setTimeout(sweep, idleTimeoutMs / 2).unref();
  }

  return {
    add(session) {
      sessions.set(session, {
        lastStreamId: session.state.lastProcStreamID,
        sinceMs: performance.now(),
        streamingCalls: 0,
      });
      session.once('close', () => sessions.delete(session));
      if (timer === undefined) {
        setTimer();
      }
    },

    keepWhileOpen(stream) {
      const { session } = stream;
      const watched = session === undefined ? undefined : sessions.get(session);
      if (watched !== undefined) {
        watched.streamingCalls += 1;
        stream.once('close', () => {
          watched.streamingCalls -= 1;
        });
      }
    },
  };
}

/** Ends a connection whose peer does not answer a PING within `graceMs`. */
function destroyUnlessAlive(session: Http2Session, graceMs: number): void {
  const timer = setTimeout(() => session.destroy(), graceMs).unref();
  // The callback is called in any case: with an error when the session ends first.
  session.ping(() => clearTimeout(timer));
}

/**
 * Sends GOAWAY, upon which clients open a new connection for their next call; after `graceMs` ends the
 * calls whose answers the peer has not read.
 */
function endSession(session: Http2Session, graceMs: number): void {
  const timer = setTimeout(() => session.destroy(), graceMs).unref();
  session.once('close', () => clearTimeout(timer));
  session.close();
}
