import type { Http2Session, ServerHttp2Stream } from 'node:http2';

/** Ends HTTP/2 connections on which no call comes; HTTP/1.1 has `keepAliveTimeout` for that. */
export interface IdleSessions {
  /** Takes charge of a new connection until it closes. */
  add(session: Http2Session): void;
  /** A call that may be silent for long; while it is open, its connection is worth keeping. */
  keepFor(stream: ServerHttp2Stream): void;
}

interface Watched {
  /** The last call's stream, a number that grows with every call. */
  lastStreamId: number | undefined;
  /** When that was first seen, by `performance.now()`. */
  sinceMs: number;
  /** Open calls that may be silent for long. */
  lasting: number;
}

/**
 * A connection without a new call for one to one and a half of `idleTimeoutMs` is told to go away.
 * One with an open streaming call is asked whether its peer is still there (PING), and kept when it
 * answers.
 *
 * One timer looks at all connections twice per `idleTimeoutMs`. `session.setTimeout` would do it too,
 * but is set anew by every frame, and Node keeps its timer, and with it a whole session that its peer
 * has closed, until the time is over.
 *
 * @param graceMs how long a peer may take to answer, or to take what it was sent.
 */
export function createIdleSessions(idleTimeoutMs: number, graceMs: number): IdleSessions {
  const sessions = new Map<Http2Session, Watched>();
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
        if (watched.lasting > 0) {
          askForLife(session, graceMs);
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
        lasting: 0,
      });
      session.once('close', () => sessions.delete(session));
      if (timer === undefined) {
        setTimer();
      }
    },

    keepFor(stream) {
      const { session } = stream;
      const watched = session === undefined ? undefined : sessions.get(session);
      if (watched !== undefined) {
        watched.lasting += 1;
        stream.once('close', () => {
          watched.lasting -= 1;
        });
      }
    },
  };
}

/** Ends a connection whose peer does not answer a PING. */
function askForLife(session: Http2Session, graceMs: number): void {
  const timer = setTimeout(() => session.destroy(), graceMs).unref();
  // Called in any case: with an error when the session ends first.
  session.ping(() => clearTimeout(timer));
}

/** Says GOAWAY, and ends calls whose answers the peer does not take after `graceMs`. */
function endSession(session: Http2Session, graceMs: number): void {
  // Clients come back by themselves after GOAWAY, so an idle connection is never worth keeping.
  const timer = setTimeout(() => session.destroy(), graceMs).unref();
  session.once('close', () => clearTimeout(timer));
  session.close();
}
