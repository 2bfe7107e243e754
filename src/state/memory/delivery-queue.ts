import type { Clock, Timer } from '../../base/clock.ts';
import type { DeliveryQueue } from '../ports.ts';

/** How many may wait. */
export interface MemoryDeliveryQueueOptions {
  readonly clock: Clock;
  readonly maxWaiting: number;
  /** For deliveries to one scheme, host and port. */
  readonly maxWaitingPerOrigin: number;
}

interface WaitingDelivery<Delivery> {
  readonly delivery: Delivery;
  readonly origin: string;
  readonly dueAtMs: number;
  readonly timer: Timer;
}

/** Waiting deliveries in this process's memory: `drain` hands back what it cannot attempt any more. */
export function createMemoryDeliveryQueue<Delivery extends { readonly url: string }>(
  options: MemoryDeliveryQueueOptions,
): DeliveryQueue<Delivery> {
  const { clock } = options;
  const waiting = new Set<WaitingDelivery<Delivery>>();
  /** How many wait per origin; only for origins where any do. */
  const perOrigin = new Map<string, number>();
  let attempt: ((delivery: Delivery) => Promise<void>) | undefined;
  let acceptUntilMs = Infinity;

  function remove(entry: WaitingDelivery<Delivery>): void {
    waiting.delete(entry);
    const left = (perOrigin.get(entry.origin) ?? 0) - 1;
    if (left > 0) {
      perOrigin.set(entry.origin, left);
    } else {
      perOrigin.delete(entry.origin);
    }
  }

  return {
    start(handler) {
      attempt = handler;
    },

    async add(delivery, dueAtMs) {
      if (dueAtMs > acceptUntilMs) {
        return 'refused';
      }
      const { origin } = new URL(delivery.url);
      const waitingThere = perOrigin.get(origin) ?? 0;
      if (waiting.size >= options.maxWaiting || waitingThere >= options.maxWaitingPerOrigin) {
        return 'full';
      }
      const entry: WaitingDelivery<Delivery> = {
        delivery,
        origin,
        dueAtMs,
        timer: clock.setTimer(Math.max(0, dueAtMs - clock.now()), () => {
          remove(entry);
          void attempt?.(delivery);
        }),
      };
      waiting.add(entry);
      perOrigin.set(origin, waitingThere + 1);
      return 'held';
    },

    async drain(untilMs) {
      acceptUntilMs = untilMs;
      const tooLate = [...waiting].filter((entry) => entry.dueAtMs > untilMs);
      for (const entry of tooLate) {
        entry.timer.cancel();
        remove(entry);
      }
      return tooLate.map((entry) => entry.delivery);
    },

    heldHere: () => waiting.size,
    size: () => waiting.size,
  };
}
