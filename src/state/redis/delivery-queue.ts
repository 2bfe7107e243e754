import type { DeliveryQueue } from '../ports.ts';
import type { JobQueue } from './job-queue.ts';
import { shardOf } from './redis-keys.ts';

/**
 * Deliveries as durable jobs that whichever process is free takes on. Redis is all that bounds how many
 * may wait.
 *
 * @param jobIdOf the same for the same attempt at the same event, so that it is queued once even when the
 *   process dies right after.
 */
export function createRedisDeliveryQueue<Delivery extends { readonly event: { readonly paymentId: string } }>(
  jobs: JobQueue<Delivery>,
  shards: number,
  jobIdOf: (delivery: Delivery) => string,
): DeliveryQueue<Delivery> {
  return {
    start(attempt) {
      jobs.handle((_id, delivery) => attempt(delivery));
    },

    async add(delivery, dueAtMs) {
      await jobs.add(shardOf(delivery.event.paymentId, shards), {
        id: jobIdOf(delivery),
        data: JSON.stringify(delivery),
        dueAtMs,
      });
      return 'held';
    },

    async drain() {
      // Only stops to take: who attempts a delivery knows when it has ended.
      void jobs.drain(0);
      return [];
    },

    heldHere: () => 0,

    size: () => jobs.count(),
  };
}
