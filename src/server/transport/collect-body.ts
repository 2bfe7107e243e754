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

/**
 * Collects a request's body. Calls nothing when the source closes before its end.
 *
 * @param maxBytes largest body, in bytes, that is collected.
 */
export function collectBody(source: Readable, maxBytes: number, bodyConsumer: BodyConsumer): void {
  let consumer: BodyConsumer | undefined = bodyConsumer;
  // Most bodies come in one piece, which is then the body. Of several a copy grows: a list of them
  // could take a hundred times as much memory as they have bytes.
  let body: Buffer = noBytes;
  let received = 0;

  function onData(chunk: Buffer): void {
    if (consumer?.held.hold(chunk.length) === false) {
      stop();
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
      stop();
      consumer?.onTooLarge([body.subarray(0, received)]);
    }
  }

  function stop(): void {
    source.pause();
    source.off('data', onData);
    source.off('end', onEnd);
  }

  function onEnd(): void {
    const whole = received === body.length ? body : body.subarray(0, received);
    const receiver = consumer;
    // Node keeps an HTTP/2 stream, and with it these listeners, until the next full garbage
    // collection. What they still refer to would be promoted to the old generation with them.
    body = noBytes;
    consumer = undefined;
    receiver?.onWhole(whole);
  }

  source.on('data', onData);
  source.on('end', onEnd);
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
