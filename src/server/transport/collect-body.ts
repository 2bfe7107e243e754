import type { Readable } from 'node:stream';
import type { HeldBody } from './body-budget.ts';

/** Takes a request's body from `collectBody`; at most one of the last three is called, once. */
export interface BodyConsumer {
  /** Counts the bytes that are held until the body is complete. */
  readonly held: HeldBody;
  /** The body is complete. */
  onWhole(body: Buffer): void;
  /** The body is larger than allowed; the source is paused, and the rest of the body still in it. */
  onTooLarge(received: readonly Buffer[]): void;
  /** There is no room for the body; the source is paused. */
  onNoRoom(): void;
}

const noBytes = Buffer.alloc(0);

/** Where a body comes from, as far as it can be stopped. */
interface Pausable {
  pause(): unknown;
}

/** Takes the pieces of a body. */
export interface Collector {
  readonly onData: (chunk: Buffer) => void;
  readonly onEnd: () => void;
}

/**
 * Collects a request's body. Calls nothing when the source closes before its end.
 *
 * @param maxBytes largest body, in bytes, that is collected.
 */
export function collectBody(source: Readable, maxBytes: number, consumer: BodyConsumer): void {
  const collector = createCollector({ pause: stop }, maxBytes, consumer);

  function stop(): void {
    source.pause();
    source.off('data', collector.onData);
    source.off('end', collector.onEnd);
  }

  source.on('data', collector.onData);
  source.on('end', collector.onEnd);
}

/** The same for a source that is told what takes its pieces; nothing is passed on after it was paused. */
export function createCollector(source: Pausable, maxBytes: number, bodyConsumer: BodyConsumer): Collector {
  let consumer: BodyConsumer | undefined = bodyConsumer;
  // Most bodies come in one piece, which is then the body. Of several a copy grows: a list of them
  // could take a hundred times as much memory as they have bytes.
  let body: Buffer = noBytes;
  let received = 0;

  return {
    onData(chunk) {
      if (consumer?.held.hold(chunk.length) === false) {
        source.pause();
        consumer.onNoRoom();
        return;
      }
      if (received > 0) {
        body = append(body, received, chunk);
      } else {
        body = consumer?.held.mustCopy === true ? Buffer.from(chunk) : chunk;
      }
      received += chunk.length;
      if (received > maxBytes) {
        source.pause();
        consumer?.onTooLarge([body.subarray(0, received)]);
      }
    },

    onEnd() {
      const whole = received === body.length ? body : body.subarray(0, received);
      const receiver = consumer;
      body = noBytes;
      consumer = undefined;
      receiver?.onWhole(whole);
    },
  };
}

/** The body with one more piece behind its first `length` bytes; twice as large when it has to grow. */
function append(body: Buffer, length: number, chunk: Buffer): Buffer {
  const isFull = length + chunk.length > body.length;
  const grown = isFull ? Buffer.allocUnsafeSlow(2 * (length + chunk.length)) : body;
  if (isFull) {
    body.copy(grown, 0, 0, length);
  }
  chunk.copy(grown, length);
  return grown;
}
