import type { Clock, Timer } from '../../clock.ts';
import type { SettlementScheduler } from '../ports.ts';

/** All payments that are due in the same millisecond share one timer. */
interface Bucket {
  readonly paymentIds: string[];
  readonly timer: Timer;
}

/** Due times in this process's memory: gone when it ends, so `drain` settles what is left. */
export function createMemorySettlementScheduler(clock: Clock): SettlementScheduler {
  const buckets = new Map<number, Bucket>();
  let settle: ((paymentId: string, dueAtMs: number) => Promise<void>) | undefined;
  let scheduled = 0;
  let running = 0;
  let onIdle: (() => void) | undefined;

  function fire(dueAtMs: number): void {
    const bucket = buckets.get(dueAtMs);
    if (bucket === undefined || settle === undefined) {
      return;
    }
    buckets.delete(dueAtMs);
    bucket.timer.cancel();
    for (const paymentId of bucket.paymentIds) {
      scheduled -= 1;
      running += 1;
      // `settle` reports its own failures; whatever it does, the count must go down.
      void settle(paymentId, dueAtMs).finally(() => {
        running -= 1;
        if (running === 0 && scheduled === 0) {
          onIdle?.();
        }
      });
    }
  }

  return {
    start(handler) {
      settle = handler;
    },

    async schedule(paymentId, dueAtMs) {
      scheduled += 1;
      const bucket = buckets.get(dueAtMs);
      if (bucket !== undefined) {
        bucket.paymentIds.push(paymentId);
        return;
      }
      const delayMs = Math.max(0, dueAtMs - clock.now());
      buckets.set(dueAtMs, {
        paymentIds: [paymentId],
        timer: clock.setTimer(delayMs, () => fire(dueAtMs)),
      });
    },

    async drain(untilMs) {
      for (const dueAtMs of buckets.keys()) {
        if (dueAtMs > untilMs) {
          fire(dueAtMs);
        }
      }
      if (scheduled > 0 || running > 0) {
        await new Promise<void>((resolve) => {
          onIdle = resolve;
        });
      }
    },

    size: () => scheduled,
  };
}
