import type { Readable } from 'node:stream';

/** What to do with a body. */
export interface BodyConsumer {
  /** All of it is here. */
  readonly onWhole: (body: Buffer, chunks: readonly Buffer[]) => void;
  /** It is too large; `source` is paused with the rest of it. */
  readonly onTooLarge: (received: readonly Buffer[]) => void;
}

/** Gathers a request's body, up to `maxBytes`; calls nothing when the caller breaks it off. */
export function collectBody(source: Readable, maxBytes: number, consumer: BodyConsumer): void {
  const chunks: Buffer[] = [];
  let received = 0;

  function onData(chunk: Buffer): void {
    chunks.push(chunk);
    received += chunk.length;
    if (received > maxBytes) {
      source.pause();
      source.off('data', onData);
      source.off('end', onEnd);
      consumer.onTooLarge(chunks);
    }
  }

  function onEnd(): void {
    const [first] = chunks;
    const body = chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks);
    consumer.onWhole(body, chunks);
  }

  source.on('data', onData);
  source.on('end', onEnd);
}
