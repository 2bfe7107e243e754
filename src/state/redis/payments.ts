import type { MachineClock } from '../../base/clock.ts';
import { PaymentError } from '../../payment/errors.ts';
import type { PaymentEvent } from '../../payment/event.ts';
import { type Change, type Decide, firstEvent, hasHappened } from '../../payment/lifecycle.ts';
import { isSettled, type Payment } from '../../payment/payment.ts';
import type { PaymentHandlers, Payments, Transition } from '../../payment/ports.ts';
import type { JobQueue, NewJob } from './job-queue.ts';
import { encodeAnnouncement, NothingToDoError, settlementData } from './job-records.ts';
import type { PaymentRecords, StoredPayment } from './payment-records.ts';
import { shardOf } from './redis-keys.ts';

/** What payments in Redis are made of. */
export interface RedisPaymentParts {
  readonly records: PaymentRecords;
  /** A job for every pending payment, under the payment's id. */
  readonly settlements: JobQueue<unknown>;
  /** A job for every later event that is not announced yet, under the event's id and number. */
  readonly announcements: JobQueue<PaymentEvent>;
}

/**
 * So often a job is tried again that does not find what was to be stored in its transaction, after 1, 2 and 4 s.
 * Redis may have refused the script alone. When a call tries that again while the job is being done, the job is
 * not added once more, since it is there: were it to end, nobody would do it.
 */
const maxMisses = 3;

interface State extends RedisPaymentParts {
  readonly clock: MachineClock;
  readonly shards: number;
  handlers: PaymentHandlers | undefined;
}

/**
 * Payments in Redis, where all replicas see them. Their jobs alone announce events, whoever made the change:
 * they outlive a crash at any point. The first event rides in the job that settles the payment; each later
 * one has a job of its own. See docs/adr/0014.
 */
export function createRedisPayments(
  parts: RedisPaymentParts & { readonly clock: MachineClock; readonly shards: number },
): Payments {
  const self: State = { ...parts, handlers: undefined };
  const { settlements, announcements } = parts;
  return {
    start(handlers) {
      self.handlers = handlers;
      settlements.handle((paymentId, _data, failures) => settleDue(self, handlers, paymentId, failures));
      announcements.handle((_id, event, failures) => announceLater(self, handlers, event, failures));
    },
    register: (payment) => parts.records.register(payment, settlementJob(payment.id, payment.dueAtMs)),
    get: async (paymentId) => (await parts.records.load(paymentId))?.payment,
    transition: (paymentId, decide) => transition(self, paymentId, decide),
    hasten: (paymentId) => transition(self, paymentId, (payment) => settlementOf(self, payment)),
    reschedule: (paymentId, dueAtMs) => reschedule(self, paymentId, dueAtMs),
    // What is not under way is left to the other processes, or to the next one.
    drain: async (withinMs) =>
      void (await Promise.all([settlements.drain(withinMs), announcements.drain(withinMs)])),
    count: async () => ({ pending: await settlements.count() }),
    scheduled: () => settlements.count(),
  };
}

/**
 * The job of a payment that is due. Its event is announced also when it was settled already: then a call
 * hastened it, or an earlier run of the job ended before all was told.
 */
async function settleDue(
  self: State,
  handlers: PaymentHandlers,
  paymentId: string,
  failures: number,
): Promise<void> {
  let payment: Payment | undefined;
  try {
    payment = await settle(self, handlers, paymentId);
    if (payment !== undefined && isSettled(payment)) {
      await handlers.announce(firstEvent(payment));
    }
  } catch (error) {
    reportFailure(handlers, paymentId, error);
    throw error;
  }
  if (payment === undefined) {
    missed(`payment ${paymentId} is not stored`, failures);
  }
}

/** @throws NothingToDoError as long as it may yet be stored; after that it never was, or has expired. */
function missed(what: string, failures: number): void {
  if (failures < maxMisses) {
    throw new NothingToDoError(what);
  }
}

async function settle(
  self: State,
  handlers: PaymentHandlers,
  paymentId: string,
): Promise<Payment | undefined> {
  const stored = await self.records.load(paymentId);
  const change = stored && settlementOf(self, stored.payment);
  if (stored === undefined || change === undefined) {
    return stored?.payment;
  }
  if (await self.records.change(stored, change)) {
    handlers.changed(change);
    return change.payment;
  }
  // Another process was faster.
  return (await self.records.load(paymentId))?.payment;
}

/** The job of a later event. It is queued in the transaction of its change, which may have lost. */
async function announceLater(
  self: State,
  handlers: PaymentHandlers,
  event: PaymentEvent,
  failures: number,
): Promise<void> {
  const { id } = event.payment;
  let isThere = false;
  try {
    const stored = await self.records.load(id);
    isThere = stored !== undefined && hasHappened(stored.payment, event);
    if (isThere) {
      await handlers.announce(event);
    }
  } catch (error) {
    reportFailure(handlers, id, error);
    throw error;
  }
  if (!isThere) {
    missed(`event ${event.id} is not among those of payment ${id}`, failures);
  }
}

/** What another release has stored is left to it. */
function reportFailure(handlers: PaymentHandlers, paymentId: string, error: unknown): void {
  if (!(error instanceof PaymentError && error.reason.kind === 'unknown-form')) {
    handlers.failed(paymentId, error);
  }
}

async function transition(self: State, paymentId: string, decide: Decide): Promise<Transition | undefined> {
  for (;;) {
    const stored = await self.records.load(paymentId);
    const change = stored && decide(stored.payment);
    if (stored === undefined || change === undefined) {
      return stored && { payment: stored.payment, changed: false };
    }
    const changed = isSettled(stored.payment)
      ? await changeSettled(self, stored, change)
      : await changePending(self, stored, change);
    if (changed) {
      self.handlers?.changed(change);
      return { payment: change.payment, changed: true };
    }
    // Another process was faster, or the payment has left meanwhile.
  }
}

/** The job is hastened first, so that the event is not late if this process dies after the change. */
async function changePending(self: State, stored: StoredPayment, change: Change): Promise<boolean> {
  const { id } = stored.payment;
  const shard = shardOf(id, self.shards);
  const isHastened = await self.settlements.promote(shard, id);
  const changed = await self.records.change(stored, change);
  if (changed && !isHastened) {
    await self.settlements.add(shard, settlementJob(id, self.clock.now()));
  }
  return changed;
}

async function changeSettled(self: State, stored: StoredPayment, change: Change): Promise<boolean> {
  const { event } = change;
  // With the number of the event: a change that was lost to another one may be tried again under its id.
  const id = `${event.id}-${event.sequence}`;
  const job = { id, data: encodeAnnouncement(event), dueAtMs: self.clock.now() };
  return await self.records.changeAndAnnounce(stored, change, job);
}

async function reschedule(self: State, paymentId: string, dueAtMs: number): Promise<boolean> {
  const stored = await self.records.load(paymentId);
  if (stored === undefined || isSettled(stored.payment)) {
    return false;
  }
  // The job first: it decides when the payment settles, the record only tells.
  const shard = shardOf(paymentId, self.shards);
  const isMoved = await self.settlements.reschedule(shard, paymentId, dueAtMs);
  return isMoved && (await self.records.reschedule(stored, { ...stored.payment, dueAtMs }));
}

function settlementOf(self: State, payment: Payment): Change | undefined {
  return isSettled(payment) ? undefined : self.handlers?.settle(payment);
}

/** The job that settles a payment. */
function settlementJob(paymentId: string, dueAtMs: number): NewJob {
  return { id: paymentId, data: settlementData, dueAtMs };
}
