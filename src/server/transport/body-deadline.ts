import { constants, type ServerHttp2Stream } from 'node:http2';
import { type ConnectionBodies, HeldBody } from './body-budget.ts';

/** Resets HTTP/2 streams whose request body is not complete in time; HTTP/1.1 has `requestTimeout` for that. */
export interface BodyDeadline {
  /** Starts the deadline of a stream of this connection. */
  begin(stream: ServerHttp2Stream, connection: ConnectionBodies): AwaitedBody;
}

/** A body that is not complete yet. */
export interface AwaitedBody extends HeldBody {
  /**
   * Ends the deadline and gives back the bytes: the body is complete, or not needed any more. May be
   * called more than once.
   */
  end(): void;
}

/**
 * One timer for all streams, so that a stream is reset after one to two times `timeoutMs`: a timer for
 * each stream would be set and cleared by every call. The streams are in a doubly linked ring, the
 * youngest last; a `Map` of them would allocate 200 bytes per call for its entry.
 *
 * @param timeoutMs time for a whole body, in milliseconds.
 */
export function createBodyDeadline(timeoutMs: number): BodyDeadline {
  const ring = new RingEntry(undefined, noConnection);
  let timer: NodeJS.Timeout | undefined;

  function sweep(): void {
    timer = undefined;
    const latestOverdueMs = performance.now() - timeoutMs;
    for (let oldest = ring.next; oldest.stream !== undefined; oldest = ring.next) {
      if (oldest.beganAtMs > latestOverdueMs) {
        timer = setTimeout(sweep, timeoutMs).unref();
        return;
      }
      oldest.end();
      oldest.stream.close(constants.NGHTTP2_CANCEL);
    }
  }

  return {
    begin(stream, connection) {
      timer ??= setTimeout(sweep, timeoutMs).unref();
      return new RingEntry(stream, connection).insertBefore(ring);
    },
  };
}

/** Of the head of the ring, which is no body. */
const noConnection: ConnectionBodies = {
  hold: () => false,
  release: () => undefined,
  mustCopy: false,
  close: () => undefined,
};

/** An entry of the ring; the one without a stream is its head. */
class RingEntry extends HeldBody implements AwaitedBody {
  readonly stream: ServerHttp2Stream | undefined;
  readonly beganAtMs = performance.now();
  next: RingEntry = this;
  #previous: RingEntry = this;

  constructor(stream: ServerHttp2Stream | undefined, connection: ConnectionBodies) {
    super(connection);
    this.stream = stream;
  }

  insertBefore(other: RingEntry): this {
    this.next = other;
    this.#previous = other.#previous;
    this.#previous.next = this;
    other.#previous = this;
    return this;
  }

  end(): void {
    this.release();
    this.#previous.next = this.next;
    this.next.#previous = this.#previous;
    this.next = this;
    this.#previous = this;
  }
}
