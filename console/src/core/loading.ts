import { ConnectError } from '@connectrpc/connect';
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { scope } from './router.ts';
import { generation } from './watch.ts';

/** What was asked for. */
export interface Loaded<T> {
  /** The last answer; undefined until the first. */
  readonly value: T | undefined;
  /** Why the last question failed. */
  readonly error: ConnectError | undefined;
  /** Asks again. Questions that come while one is open become one. */
  readonly reload: () => void;
}

/**
 * Asks when the component comes, when one of `inputs`, the session, or the service changes, and on `reload`. An answer
 * that is late is thrown away.
 */
export function useLoaded<T>(ask: () => Promise<T>, inputs: readonly unknown[]): Loaded<T> {
  const [state, setState] = useState<Pick<Loaded<T>, 'value' | 'error'>>({
    value: undefined,
    error: undefined,
  });
  const asked = useRef({ turn: 0, isOpen: false, isWanted: false, ask });
  asked.current.ask = ask;
  const load = useCallback(async (turn: number) => {
    const self = asked.current;
    self.isOpen = true;
    do {
      self.isWanted = false;
      try {
        const value = await self.ask();
        if (self.turn === turn) {
          setState({ value, error: undefined });
        }
      } catch (error) {
        if (self.turn === turn) {
          setState((before) => ({ ...before, error: ConnectError.from(error) }));
        }
      }
    } while (self.isWanted && self.turn === turn);
    if (self.turn === turn) {
      self.isOpen = false;
    }
  }, []);
  useEffect(() => {
    asked.current.turn += 1;
    void load(asked.current.turn);
    return () => void (asked.current.turn += 1);
  }, [...inputs, scope.value, generation.value]);
  const reload = useCallback(() => {
    if (asked.current.isOpen) {
      asked.current.isWanted = true;
    } else {
      void load(asked.current.turn);
    }
  }, []);
  return { ...state, reload };
}

/** What a button does: one at a time, and what went wrong. */
export interface Action {
  readonly isBusy: boolean;
  readonly error: ConnectError | undefined;
  readonly run: (work: () => Promise<unknown>) => void;
}

/** See `Action`. */
export function useAction(): Action {
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<ConnectError | undefined>(undefined);
  const run = useCallback((work: () => Promise<unknown>) => {
    setBusy(true);
    setError(undefined);
    work()
      .catch((reason: unknown) => setError(ConnectError.from(reason)))
      .finally(() => setBusy(false));
  }, []);
  return { isBusy, error, run };
}
