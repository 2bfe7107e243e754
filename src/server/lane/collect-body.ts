import type { Readable } from 'node:stream';

/** What to do with a body. */
export interface BodyConsumer {
  /** All of it is here. */
  onWhole(body: Buffer): void;
  /** It is too large; the source is paused with the rest of it. */
  onTooLarge(received: readonly Buffer[]): void;
}

const noBytes = Buffer.alloc(0);

/** Gathers a request's body, up to `maxBytes`; calls nothing when the caller breaks it off. */
export function collectBody(source: Readable, maxBytes: number, bodyConsumer: BodyConsumer): void {
  let consumer: BodyConsumer | undefined = bodyConsumer;
  // Most bodies come in one piece, so the list is made for the second.
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
    // Node keeps an HTTP/2 stream, and with it these functions, until the next full garbage
    // collection: what they hold on to would be promoted with it.
    first = noBytes;
    more = undefined;
    consumer = undefined;
    whole?.onWhole(body);
  }

  source.on('data', onData);
  source.on('end', onEnd);
}
