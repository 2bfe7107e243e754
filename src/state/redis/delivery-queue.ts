import { createHash } from 'node:crypto';
import type { Delivery } from '../../delivery/delivery.ts';
import type { DeliveryQueue } from '../../delivery/ports.ts';
import type { MachineClock } from '../../base/clock.ts';
import type { JobQueue } from './job-queue.ts';
import { encodeDelivery } from './job-records.ts';
import type { Shards } from './shards.ts';

/**
 * Deliveries as durable jobs that whichever process is free takes on. Redis is all that bounds how many
 * may wait.
 */
export function createRedisDeliveryQueue<D extends Delivery & { readonly url?: string }>(
  jobs: JobQueue<D>,
  shards: Pick<Shards, 'of'>,
  clock: MachineClock,
): DeliveryQueue<D> {
  return {
    start(attempt) {
      jobs.handle(async (_id, delivery) => await attempt(delivery));
    },

    async add(delivery, delayMs) {
      await jobs.add(shards.of(delivery.event.payment.id), {
        id: jobIdOf(delivery),
        data: encodeDelivery(delivery),
        dueAtMs: clock.now() + delayMs,
      });
      return 'held';
    },

    async drain() {
      // Only stops to take: who attempts a delivery knows when it has ended.
      // Its failure is told when the state is closed.
      jobs.drain(0).catch(() => undefined);
      return [];
    },

    // What is not hurried has its own time; that Redis cannot be had is told by what is added.
    hurry: () => void jobs.promoteAll().catch(() => undefined),
    takeOldest: () => undefined,
    heldHere: () => 0,
    size: () => jobs.count(),
  };
}

/**
 * The same for the same attempt at the same event, so that it is queued once even when the process dies
 * right after.
 */
function jobIdOf({ event, url, attempts, waits }: Delivery & { readonly url?: string }): string {
  const address =
    url === undefined ? '' : `${createHash('sha1').update(url).digest('base64url').slice(0, 8)}-`;
  return `${event.id}-${address}${attempts}-${waits}`;
}
