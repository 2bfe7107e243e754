import type { Readable } from 'node:stream';

/** Takes a request's body from `collectBody`; at most one of the two is called, once. */
export interface BodyConsumer {
  /** The body is complete. */
  onWhole(body: Buffer): void;
  /** The body is larger than allowed; the source is paused, and the rest of the body still in it. */
  onTooLarge(received: readonly Buffer[]): void;
}

const noBytes = Buffer.alloc(0);

/**
 * Collects a request's body. Calls nothing when the source closes before its end.
 *
 * @param maxBytes largest body, in bytes, that is collected.
 */
export function collectBody(source: Readable, maxBytes: number, bodyConsumer: BodyConsumer): void {
  let consumer: BodyConsumer | undefined = bodyConsumer;
  // Most bodies come in one chunk, so an array is allocated only from the second on.
  let first: Buffer = noBytes;
  let more: Buffer[] | undefined;
  let received = 0;

  function onData(chunk: Buffer): void {
    if (received === 0) {
      first = chunk;
    } else {
      (more ??= []).push(chunk);
    }
    received += chunk.length;
    if (received > maxBytes) {
      source.pause();
      source.off('data', onData);
      source.off('end', onEnd);
      consumer?.onTooLarge([first, ...(more ?? [])]);
    }
  }

  function onEnd(): void {
    const body = more === undefined ? first : Buffer.concat([first, ...more]);
    const whole = consumer;
    // Node keeps an HTTP/2 stream, and with it these listeners, until the next full garbage
    // collection. What they still refer to would be promoted to the old generation with them.
    first = noBytes;
    more = undefined;
    consumer = undefined;
    whole?.onWhole(body);
  }

  source.on('data', onData);
  source.on('end', onEnd);
}
