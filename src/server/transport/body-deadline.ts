import { constants, type ServerHttp2Stream } from 'node:http2';

/** Breaks off HTTP/2 requests whose body does not come; HTTP/1.1 has `requestTimeout` for that. */
export interface BodyDeadline {
  /** Starts the time of a stream. */
  begin(stream: ServerHttp2Stream): AwaitedBody;
}

/** A body that is on its way. */
export interface AwaitedBody {
  /** The body is complete, or nobody waits for it any more. May be called more than once. */
  end(): void;
}

/**
 * One timer for all streams, at most `timeoutMs` late: a timer for each would cost every call to
 * catch the rare one. So would a `Map` of the streams, which makes 200 bytes of garbage for one that
 * comes and goes; this is a ring of them instead, the youngest last.
 */
export function createBodyDeadline(timeoutMs: number): BodyDeadline {
  const ring = new Awaited(undefined);
  let timer: NodeJS.Timeout | undefined;

  function sweep(): void {
    timer = undefined;
    const tooOld = performance.now() - timeoutMs;
    for (let oldest = ring.next; oldest.stream !== undefined; oldest = ring.next) {
      if (oldest.beganAt > tooOld) {
        timer = setTimeout(sweep, timeoutMs).unref();
        return;
      }
      oldest.end();
      oldest.stream.close(constants.NGHTTP2_CANCEL);
    }
  }

  return {
    begin(stream) {
      timer ??= setTimeout(sweep, timeoutMs).unref();
      return new Awaited(stream).before(ring);
    },
  };
}

/** A place in the ring; the one without a stream is where it begins and ends. */
class Awaited implements AwaitedBody {
  readonly stream: ServerHttp2Stream | undefined;
  readonly beganAt = performance.now();
  next: Awaited = this;
  #previous: Awaited = this;

  constructor(stream: ServerHttp2Stream | undefined) {
    this.stream = stream;
  }

  before(other: Awaited): this {
    this.next = other;
    this.#previous = other.#previous;
    this.#previous.next = this;
    other.#previous = this;
    return this;
  }

  end(): void {
    this.#previous.next = this.next;
    this.next.#previous = this.#previous;
    this.next = this;
    this.#previous = this;
  }
}
