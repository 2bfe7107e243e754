import type { Readable } from 'node:stream';
import type { ConnectError } from '@connectrpc/connect';
import { asCallersError } from './caller-gone.ts';

/** What was received of a body, and then the rest of it. */
export async function* bodyOf(received: readonly Buffer[], rest: Readable): AsyncGenerator<Uint8Array> {
  yield* received;
  if (!rest.readableEnded) {
    yield* piecesOf(rest);
  }
}

/**
 * The pieces of a body.
 *
 * @throws ConnectError CANCELED when the caller goes away before its end.
 */
export async function* piecesOf(body: Readable): AsyncGenerator<Uint8Array> {
  try {
    // Not to destroy the rest when Connect reads no further: it has to be drained.
    yield* body.iterator({ destroyOnReturn: false });
  } catch (error) {
    throw asCallersError(error);
  }
}

/** A body that cannot be read, for Connect to answer with this error. */
export function failingBody(error: ConnectError): AsyncIterable<Uint8Array> {
  const fail = async (): Promise<never> => {
    throw error;
  };
  return { [Symbol.asyncIterator]: () => ({ next: fail }) };
}
