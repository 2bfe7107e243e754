import { randomUUID } from 'node:crypto';
import type { MachineClock } from '../../base/clock.ts';
import type { PaymentEvent } from '../../payment/event.ts';
import { hasHappened } from '../../payment/lifecycle.ts';
import { isSettled, type SettledPayment } from '../../payment/payment.ts';
import type { PaymentHandlers } from '../../payment/ports.ts';
import { missed, reportFailure } from './job-failures.ts';
import type { JobQueue, NewJob } from './job-queue.ts';
import { type Announcement, encodeAnnouncement, NothingToDoError } from './job-records.ts';
import type { PaymentRecords, StoredPayment } from './payment-records.ts';
import type { Shards } from './shards.ts';

/** What the announcing of later events needs of payments in Redis. */
interface AnnouncingParts {
  readonly records: Pick<PaymentRecords, 'load' | 'isUntold'>;
  readonly announcements: Pick<JobQueue<Announcement>, 'has' | 'add'>;
  readonly clock: MachineClock;
  readonly shards: Pick<Shards, 'of'>;
}

/** Waits between looks at the job of the event before; doubled from one to the next, 0.6 s in all. */
const firstWaitMs = 5;
const maxWaitMs = 320;

/** The job that announces an event after its change. */
export function announcementJob(event: PaymentEvent, dueAtMs: number): NewJob {
  const data = encodeAnnouncement({ event, isForced: false });
  return { id: announcementId(event.id, event.sequence), data, dueAtMs };
}

function announcementId(eventId: string, sequence: number): string {
  return `${eventId}-${sequence}`;
}

/** Adds the job of an event that somebody asked for. */
export async function announceAt(
  { announcements, shards }: AnnouncingParts,
  event: PaymentEvent,
  dueAtMs: number,
): Promise<void> {
  await announcements.add(shards.of(event.payment.id), {
    id: `${announcementId(event.id, event.sequence)}-${randomUUID()}`,
    data: encodeAnnouncement({ event, isForced: true }),
    dueAtMs,
  });
}

/** The job of a later event. It is queued in the transaction of its change, which may have lost. */
export async function announceLater(
  self: AnnouncingParts,
  handlers: PaymentHandlers,
  { event, isForced }: Announcement,
  failures: number,
): Promise<void> {
  const { id } = event.payment;
  let isThere = isForced;
  try {
    const stored = isForced ? undefined : await self.records.load(id);
    if (stored !== undefined && isSettled(stored.payment) && hasHappened(stored.payment, event)) {
      isThere = true;
      await waitForEventBefore(self, stored, stored.payment, event.sequence);
    }
    if (isThere) {
      await handlers.announce(event);
    }
  } catch (error) {
    if (!(error instanceof NothingToDoError)) {
      reportFailure(handlers, id, error);
    }
    throw error;
  }
  if (!isThere) {
    missed(`event ${event.id} is not among those of payment ${id}`, failures);
  }
}

/**
 * Receivers are told of changes in their order, whichever process announces which: until the first attempts at the
 * event before have ended or wait in a queue, its job is there, or the payment is in its bucket.
 *
 * @throws NothingToDoError when that takes long: the job comes back later, so as not to be held meanwhile.
 */
async function waitForEventBefore(
  self: AnnouncingParts,
  stored: StoredPayment,
  payment: SettledPayment,
  sequence: number,
): Promise<void> {
  const { records, announcements, clock } = self;
  const shard = self.shards.of(payment.id);
  const before = sequence - 1;
  const isThere = () =>
    before === 1
      ? records.isUntold(stored)
      : announcements.has(shard, announcementId(payment.aftermath?.eventIds[before - 2] ?? '', before));
  for (let waitMs = firstWaitMs; await isThere(); waitMs *= 2) {
    if (waitMs > maxWaitMs) {
      throw new NothingToDoError(`event ${before} of payment ${payment.id} is not announced yet`);
    }
    await new Promise<void>((resolve) => clock.setTimer(waitMs, resolve));
  }
}
