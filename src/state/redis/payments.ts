import { randomUUID } from 'node:crypto';
import type { MachineClock } from '../../base/clock.ts';
import { PaymentError } from '../../payment/errors.ts';
import type { PaymentEvent } from '../../payment/event.ts';
import { type Change, type Decide, firstEvent, hasHappened } from '../../payment/lifecycle.ts';
import {
  isSettled,
  type Payment,
  type SettlementStatus,
  type SettledPayment,
} from '../../payment/payment.ts';
import type { PaymentHandlers, Payments, Transition } from '../../payment/ports.ts';
import type { JobQueue, NewJob } from './job-queue.ts';
import {
  type Announcement,
  encodeAnnouncement,
  encodeRefund,
  NothingToDoError,
  type RefundJob,
  settlementData,
} from './job-records.ts';
import type { PaymentRecords, QueuedJob, StoredPayment } from './payment-records.ts';
import { shardOf } from './redis-keys.ts';

/** What payments in Redis are made of. */
export interface RedisPaymentParts {
  readonly records: PaymentRecords;
  /** A job for every pending payment, under the payment's id. */
  readonly settlements: JobQueue<unknown>;
  /** A job for every later event that is not announced yet, under the event's id and number. */
  readonly announcements: JobQueue<Announcement>;
  /** A job for every refund under way. */
  readonly refunds: JobQueue<RefundJob>;
  readonly list: Payments['list'];
}

/**
 * So often a job is tried again that does not find what was to be stored in its transaction, after 1, 2 and 4 s.
 * Redis may have refused the script alone. When a call tries that again while the job is being done, the job is
 * not added once more, since it is there: were it to end, nobody would do it.
 */
const maxMisses = 3;
/** Waits between looks at the job of the event before; doubled from one to the next, 0.6 s in all. */
const firstWaitMs = 5;
const maxWaitMs = 320;

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
      announcements.handle((_id, data, failures) => announceLater(self, handlers, data, failures));
      parts.refunds.handle((_id, job, failures) => refundDue(self, handlers, job, failures));
    },
    register: (payment) => parts.records.register(payment, settlementJob(payment.id, payment.dueAtMs)),
    get: async (paymentId) => (await parts.records.load(paymentId))?.payment,
    transition: (paymentId, decide) => change(self, paymentId, decide),
    hasten: (paymentId) => change(self, paymentId, (payment) => settlementOf(self, payment)),
    reschedule: (paymentId, dueAtMs, outcome) => reschedule(self, paymentId, dueAtMs, outcome),
    announceAt: (event, dueAtMs) => announceAt(self, event, dueAtMs),
    list: parts.list,
    // What is not under way is left to the other processes, or to the next one.
    drain: async (withinMs) =>
      void (await Promise.all(
        [settlements, announcements, parts.refunds].map((jobs) => jobs.drain(withinMs)),
      )),
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
  { event, isForced }: Announcement,
  failures: number,
): Promise<void> {
  const { id } = event.payment;
  let isThere = isForced;
  try {
    const stored = isForced ? undefined : await self.records.load(id);
    if (stored !== undefined && isSettled(stored.payment) && hasHappened(stored.payment, event)) {
      isThere = true;
      await waitForEventBefore(self, stored.payment, event.sequence);
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
 * Receivers are told of changes in their order, whichever process announces which: the job of the event before
 * is there until that event's first attempts have ended or wait in a queue.
 *
 * @throws NothingToDoError when that takes long: the job comes back later, so as not to be held meanwhile.
 */
async function waitForEventBefore(self: State, payment: SettledPayment, sequence: number): Promise<void> {
  const { settlements, announcements, clock } = self;
  const shard = shardOf(payment.id, self.shards);
  const before = sequence - 1;
  const isThere = () =>
    before === 1
      ? settlements.has(shard, payment.id)
      : announcements.has(shard, announcementId(payment.aftermath?.eventIds[before - 2] ?? '', before));
  for (let waitMs = firstWaitMs; await isThere(); waitMs *= 2) {
    if (waitMs > maxWaitMs) {
      throw new NothingToDoError(`event ${before} of payment ${payment.id} is not announced yet`);
    }
    await new Promise<void>((resolve) => clock.setTimer(waitMs, resolve));
  }
}

/** The job of a refund. As with events, what was to be stored with it may not be there. */
async function refundDue(
  self: State,
  handlers: PaymentHandlers,
  { paymentId, refundId }: RefundJob,
  failures: number,
): Promise<void> {
  let payment: Payment | undefined;
  try {
    const transition = await change(self, paymentId, (found) =>
      isSettled(found) ? handlers.endRefund(found, refundId) : undefined,
    );
    payment = transition?.payment;
  } catch (error) {
    reportFailure(handlers, paymentId, error);
    throw error;
  }
  const refunds = payment !== undefined && isSettled(payment) ? payment.aftermath?.refunds : undefined;
  if (refunds?.some(({ id }) => id === refundId) !== true) {
    missed(`refund ${refundId} is not among those of payment ${paymentId}`, failures);
  }
}

/** What another release has stored is left to it. */
function reportFailure(handlers: PaymentHandlers, paymentId: string, error: unknown): void {
  if (!(error instanceof PaymentError && error.reason.kind === 'unknown-form')) {
    handlers.failed(paymentId, error);
  }
}

async function change(self: State, paymentId: string, decide: Decide): Promise<Transition | undefined> {
  for (;;) {
    const stored = await self.records.load(paymentId);
    const wanted = stored && decide(stored.payment);
    if (stored === undefined || wanted === undefined) {
      return stored && { payment: stored.payment, changed: false };
    }
    const changed = isSettled(stored.payment)
      ? await self.records.changeWithJobs(stored, wanted, jobsOf(self, wanted))
      : await changePending(self, stored, wanted);
    if (changed) {
      self.handlers?.changed(wanted);
      return { payment: wanted.payment, changed: true };
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

/**
 * What follows from the change of a settled payment. The ids have a number that is another one after any change:
 * what was lost to another change is tried again under the same id of event or refund.
 */
function jobsOf({ clock, announcements, refunds }: State, { payment, event, refund }: Change): QueuedJob[] {
  const jobs: QueuedJob[] = [];
  if (event !== undefined) {
    const data = encodeAnnouncement({ event, isForced: false });
    const id = announcementId(event.id, event.sequence);
    jobs.push({ queue: announcements, job: { id, data, dueAtMs: clock.now() } });
  }
  if (refund !== undefined) {
    const { eventIds = [], refunds: all = [] } = payment.aftermath ?? {};
    const data = encodeRefund({ paymentId: payment.id, refundId: refund.id });
    const id = `${refund.id}-${eventIds.length + all.length}`;
    jobs.push({ queue: refunds, job: { id, data, dueAtMs: refund.dueAtMs } });
  }
  return jobs;
}

function announcementId(eventId: string, sequence: number): string {
  return `${eventId}-${sequence}`;
}

async function announceAt(
  { announcements, shards }: State,
  event: PaymentEvent,
  dueAtMs: number,
): Promise<void> {
  await announcements.add(shardOf(event.payment.id, shards), {
    id: `${announcementId(event.id, event.sequence)}-${randomUUID()}`,
    data: encodeAnnouncement({ event, isForced: true }),
    dueAtMs,
  });
}

async function reschedule(
  self: State,
  paymentId: string,
  dueAtMs: number,
  outcome?: SettlementStatus,
): Promise<boolean> {
  const stored = await self.records.load(paymentId);
  const payment = stored?.payment;
  if (stored === undefined || payment === undefined || isSettled(payment)) {
    return false;
  }
  const shard = shardOf(paymentId, self.shards);
  const move = () => self.settlements.reschedule(shard, paymentId, dueAtMs);
  const write = () =>
    self.records.reschedule(stored, {
      ...payment,
      dueAtMs,
      plannedOutcome: outcome ?? payment.plannedOutcome,
    });
  // The job decides when the payment settles, the record what becomes of it then.
  return outcome === undefined ? (await move()) && (await write()) : (await write()) && (await move());
}

function settlementOf(self: State, payment: Payment): Change | undefined {
  return isSettled(payment) ? undefined : self.handlers?.settle(payment);
}

/** The job that settles a payment. */
function settlementJob(paymentId: string, dueAtMs: number): NewJob {
  return { id: paymentId, data: settlementData, dueAtMs };
}
