import { Code, ConnectError } from '@connectrpc/connect';

/** What streams that would never end by themselves end with: clients try again elsewhere. */
export function stoppingError(): ConnectError {
  return new ConnectError('the service is stopping', Code.Unavailable);
}

/**
 * Passes messages on until the service stops. A caller may hold a stream open for as long as it
 * likes; without this, stopping would wait for it.
 *
 * @throws ConnectError UNAVAILABLE once `stopping` is aborted; CANCELLED when the caller breaks off.
 */
export async function* untilStopping<T>(
  messages: AsyncIterable<T>,
  stopping: AbortSignal,
): AsyncGenerator<T, void, undefined> {
  const iterator = messages[Symbol.asyncIterator]();
  let breakOff: (() => void) | undefined;
  const onStopping = () => breakOff?.();
  stopping.addEventListener('abort', onStopping);
  try {
    while (true) {
      // Not Promise.race with one promise of the stop: that would keep every message's promise alive.
      const next = await new Promise<IteratorResult<T>>((resolve, reject) => {
        breakOff = () => reject(stoppingError());
        if (stopping.aborted) {
          breakOff();
        } else {
          iterator.next().then(resolve, (error: unknown) => reject(asCallersError(error)));
        }
      });
      if (next.done === true) {
        return;
      }
      yield next.value;
    }
  } finally {
    stopping.removeEventListener('abort', onStopping);
  }
}

/** Connect has words for messages that are wrong; any other error is Node's, for a stream that broke. */
function asCallersError(error: unknown): ConnectError {
  return error instanceof ConnectError
    ? error
    : new ConnectError('the caller broke off', Code.Canceled, undefined, undefined, error);
}
