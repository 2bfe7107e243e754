import { constants, type ServerHttp2Stream } from 'node:http2';

/** Breaks off HTTP/2 requests whose body does not come; HTTP/1.1 has `requestTimeout` for that. */
export interface BodyDeadline {
  /** Starts the time of a stream. */
  begin(stream: ServerHttp2Stream): void;
  /** The body is complete, or nobody waits for it any more. May be called more than once. */
  end(stream: ServerHttp2Stream): void;
}

/**
 * One timer for all streams, at most `timeoutMs` late: a timer for each would cost every call to
 * catch the rare one.
 */
export function createBodyDeadline(timeoutMs: number): BodyDeadline {
  /** When each stream began; insertion order is order of age. */
  const open = new Map<ServerHttp2Stream, number>();
  let timer: NodeJS.Timeout | undefined;

  function sweep(): void {
    timer = undefined;
    const tooOld = performance.now() - timeoutMs;
    for (const [stream, beganAt] of open) {
      if (beganAt > tooOld) {
        timer = setTimeout(sweep, timeoutMs).unref();
        return;
      }
      open.delete(stream);
      stream.close(constants.NGHTTP2_CANCEL);
    }
  }

  return {
    begin(stream) {
      open.set(stream, performance.now());
      timer ??= setTimeout(sweep, timeoutMs).unref();
    },
    end(stream) {
      open.delete(stream);
    },
  };
}
