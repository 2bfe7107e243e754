import type { Http2Session, ServerHttp2Stream } from 'node:http2';

/** Ends HTTP/2 connections on which nothing happens. */
export interface IdleSessions {
  /** Takes charge of a new connection. */
  add(session: Http2Session): void;
  /** A call that may be silent for long; while it is open, its connection is worth keeping. */
  keepFor(stream: ServerHttp2Stream): void;
}

/**
 * After `idleTimeoutMs` of silence a connection is told to go away. One with an open streaming call
 * is asked whether its peer is still there (PING), and kept when it answers.
 *
 * @param graceMs how long a peer may take to answer, or to take what it was sent.
 */
export function createIdleSessions(idleTimeoutMs: number, graceMs: number): IdleSessions {
  const streaming = new WeakMap<Http2Session, number>();

  function count(session: Http2Session, change: number): void {
    streaming.set(session, (streaming.get(session) ?? 0) + change);
  }

  function watch(session: Http2Session): void {
    session.setTimeout(idleTimeoutMs, () => {
      if ((streaming.get(session) ?? 0) > 0) {
        askForLife(session);
      } else {
        endSession(session, graceMs);
      }
    });
  }

  function askForLife(session: Http2Session): void {
    const timer = setTimeout(() => session.destroy(), graceMs).unref();
    // Called in any case: with an error when the session ends first.
    session.ping((error) => {
      clearTimeout(timer);
      if (error === null) {
        watch(session);
      }
    });
  }

  return {
    add: watch,
    keepFor(stream) {
      const { session } = stream;
      if (session !== undefined) {
        count(session, 1);
        stream.once('close', () => count(session, -1));
      }
    },
  };
}

/** Says GOAWAY, and ends calls whose answers the peer does not take after `graceMs`. */
function endSession(session: Http2Session, graceMs: number): void {
  const timer = setTimeout(() => session.destroy(), graceMs).unref();
  session.once('close', () => clearTimeout(timer));
  session.close();
}
