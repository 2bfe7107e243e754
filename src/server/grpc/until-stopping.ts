import { Code, ConnectError } from '@connectrpc/connect';
import { stoppingError } from '../../contracts/stopping-error.ts';

/**
 * Passes messages on until the service stops. A caller may hold a stream open for as long as it
 * likes, and a stop waits for calls in flight.
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
      // Not `Promise.race` with one promise of the stop: each race would add a reaction to that promise,
      // and with it keep its message until the stop.
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

/** Connect throws a `ConnectError` for an invalid message; any other error is Node's, for a broken stream. */
function asCallersError(error: unknown): ConnectError {
  return error instanceof ConnectError
    ? error
    : new ConnectError('the caller broke off', Code.Canceled, undefined, undefined, error);
}
