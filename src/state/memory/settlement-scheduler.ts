import type { Clock, Timer } from '../../base/clock.ts';
import type { SettlementScheduler } from '../ports.ts';

/** All payments that are due in the same millisecond share one timer. */
interface Bucket {
  /** In no order. An array: a set costs several times as much, and most are never cancelled. */
  readonly paymentIds: string[];
  readonly timer: Timer;
}

const done = Promise.resolve();

function doNothing(): Promise<void> {
  return done;
}

/** Due times in this process's memory: gone when it ends, so `drain` settles what is left. */
export function createMemorySettlementScheduler(clock: Clock): SettlementScheduler {
  const buckets = new Map<number, Bucket>();
  let settle: (paymentId: string, dueAtMs: number) => Promise<void> = doNothing;
  let scheduled = 0;
  let running = 0;
  let onIdle: (() => void) | undefined;
  /** What is due later is settled right away; finite once this process is draining. */
  let horizonMs = Infinity;

  function onSettled(): void {
    running -= 1;
    tellIfIdle();
  }

  function tellIfIdle(): void {
    if (running === 0 && scheduled === 0) {
      onIdle?.();
    }
  }

  function run(paymentId: string, dueAtMs: number): void {
    scheduled -= 1;
    running += 1;
    // `settle` reports its own failures; whatever it does, the count must go down.
    settle(paymentId, dueAtMs).then(onSettled, onSettled);
  }

  /** Takes the payment out of its bucket; false when it is not there. */
  function take(paymentId: string, dueAtMs: number): boolean {
    const bucket = buckets.get(dueAtMs);
    const at = bucket?.paymentIds.indexOf(paymentId) ?? -1;
    if (bucket === undefined || at === -1) {
      return false;
    }
    const last = bucket.paymentIds.pop();
    if (last !== undefined && at < bucket.paymentIds.length) {
      bucket.paymentIds[at] = last;
    }
    if (bucket.paymentIds.length === 0) {
      bucket.timer.cancel();
      buckets.delete(dueAtMs);
    }
    return true;
  }

  function fire(dueAtMs: number): void {
    const bucket = buckets.get(dueAtMs);
    if (bucket === undefined) {
      return;
    }
    buckets.delete(dueAtMs);
    bucket.timer.cancel();
    for (const paymentId of bucket.paymentIds) {
      run(paymentId, dueAtMs);
    }
  }

  return {
    start(handler) {
      settle = handler;
    },

    schedule(paymentId, dueAtMs) {
      scheduled += 1;
      const bucket = buckets.get(dueAtMs);
      if (bucket !== undefined) {
        bucket.paymentIds.push(paymentId);
        return done;
      }
      const delayMs = dueAtMs > horizonMs ? 0 : Math.max(0, dueAtMs - clock.now());
      buckets.set(dueAtMs, {
        paymentIds: [paymentId],
        timer: clock.setTimer(delayMs, () => fire(dueAtMs)),
      });
      return done;
    },

    async hasten(paymentId, dueAtMs) {
      const isScheduled = take(paymentId, dueAtMs);
      if (isScheduled) {
        run(paymentId, dueAtMs);
      }
      return isScheduled;
    },

    async cancel(paymentId, dueAtMs) {
      if (take(paymentId, dueAtMs)) {
        scheduled -= 1;
        tellIfIdle();
      }
    },

    async drain(untilMs) {
      horizonMs = untilMs;
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
