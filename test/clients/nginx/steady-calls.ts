import type { SteeringClient } from '../../support/clients/steering-client.ts';
import { intent } from '../../support/steering.ts';

/** Callers that make one call after the other. */
export interface SteadyCalls {
  /** How often each code came so far. */
  readonly codes: ReadonlyMap<string, number>;
  /** Resolves when so many more calls have ended with `OK`. */
  more(count: number): Promise<void>;
  /** Resolves when every call has ended. */
  stop(): Promise<void>;
}

/** Starts so many callers, who create payments. */
export function startSteadyCalls({ call }: SteeringClient, callers: number): SteadyCalls {
  const codes = new Map<string, number>();
  const waiters = new Set<() => void>();
  const stopping = new AbortController();
  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      const { code } = await call('CreatePaymentIntent', intent());
      codes.set(code, (codes.get(code) ?? 0) + 1);
      waiters.forEach((waiter) => waiter());
    }
  }
  const ended = Promise.all(Array.from({ length: callers }, run));
  const answered = () => codes.get('OK') ?? 0;
  return {
    codes,
    more(count) {
      const goal = answered() + count;
      return new Promise((resolve) => {
        const look = () => {
          if (answered() >= goal) {
            waiters.delete(look);
            resolve();
          }
        };
        waiters.add(look);
      });
    },
    async stop() {
      stopping.abort();
      await ended;
    },
  };
}
