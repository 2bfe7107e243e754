import type { Clock, Timer } from '../../clock.ts';
import type { WebhookDelivery } from '../../delivery/webhook-delivery.ts';
import type { DeliveryQueue } from '../ports.ts';

interface WaitingDelivery {
  readonly delivery: WebhookDelivery;
  readonly dueAtMs: number;
  readonly timer: Timer;
}

/** Waiting deliveries in this process's memory: `drain` hands back what it cannot attempt any more. */
export function createMemoryDeliveryQueue(clock: Clock): DeliveryQueue {
  const waiting = new Set<WaitingDelivery>();
  let attempt: ((delivery: WebhookDelivery) => Promise<void>) | undefined;
  let acceptUntilMs = Infinity;

  return {
    start(handler) {
      attempt = handler;
    },

    async add(delivery, dueAtMs) {
      if (dueAtMs > acceptUntilMs) {
        return 'refused';
      }
      const entry: WaitingDelivery = {
        delivery,
        dueAtMs,
        timer: clock.setTimer(Math.max(0, dueAtMs - clock.now()), () => {
          waiting.delete(entry);
          void attempt?.(delivery);
        }),
      };
      waiting.add(entry);
      return 'held';
    },

    async drain(untilMs) {
      acceptUntilMs = untilMs;
      const tooLate = [...waiting].filter((entry) => entry.dueAtMs > untilMs);
      for (const entry of tooLate) {
        entry.timer.cancel();
        waiting.delete(entry);
      }
      return tooLate.map((entry) => entry.delivery);
    },

    size: () => waiting.size,
  };
}
