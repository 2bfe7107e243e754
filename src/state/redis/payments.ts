import { createHash } from 'node:crypto';
import type { MachineClock } from '../../base/clock.ts';
import type { Change, Decide } from '../../payment/lifecycle.ts';
import {
  isSettled,
  type Payment,
  type PendingPayment,
  type SettlementStatus,
} from '../../payment/payment.ts';
import type {
  IdempotentCall,
  KeyedRegistration,
  PaymentHandlers,
  Payments,
  Transition,
} from '../../payment/ports.ts';
import { PaymentError } from '../../payment/errors.ts';
import { announceAt, announceLater, announcementJob } from './announcing.ts';
import { settleBucket } from './bucket-settling.ts';
import type { BucketReader } from './bucket-reader.ts';
import { missed, reportFailure } from './job-failures.ts';
import type { JobQueue } from './job-queue.ts';
import { type Announcement, encodeRefund, type RefundJob } from './job-records.ts';
import type { PaymentRecords, QueuedJob } from './payment-records.ts';
import { createKey } from './redis-keys.ts';
import type { Shards } from './shards.ts';

/** Looks whether other replicas have added shards, so that there are so many at least. */
type LookForShards = (atLeast?: number) => Promise<void>;

/** What payments in Redis are made of. */
export interface RedisPaymentParts {
  readonly records: PaymentRecords;
  /** A job for every bucket of payments, under the bucket's name. */
  readonly settlements: JobQueue<unknown>;
  readonly bucketReader: BucketReader;
  /** A job for every later event that is not announced yet, under the event's id and number. */
  readonly announcements: JobQueue<Announcement>;
  /** A job for every refund under way. */
  readonly refunds: JobQueue<RefundJob>;
  readonly list: Payments['list'];
  readonly remove: Payments['remove'];
}

interface State extends RedisPaymentParts {
  readonly clock: MachineClock;
  readonly shards: Shards;
  readonly lookForShards: LookForShards;
  handlers: PaymentHandlers | undefined;
  /** No payment of a bucket begins any more. */
  isDraining: boolean;
}

/**
 * Payments in Redis, where all replicas see them. Jobs alone announce events, whoever made the change:
 * they outlive a crash at any point. The first event rides in the job of the bucket that settles the payment; each
 * later one has a job of its own. See docs/adr/0014.
 */
export function createRedisPayments(
  parts: RedisPaymentParts & Pick<State, 'clock' | 'shards' | 'lookForShards'>,
): Payments {
  const self: State = { ...parts, handlers: undefined, isDraining: false };
  const { settlements, announcements } = parts;
  return {
    start(handlers) {
      self.handlers = handlers;
      const settle = settleBucket({ ...parts, handlers, isDraining: () => self.isDraining });
      settlements.handle((bucket, _data, _failures, shard) => settle(shard, bucket));
      announcements.handle((_id, data, failures) => announceLater(self, handlers, data, failures));
      parts.refunds.handle((_id, job, failures) => refundDue(self, handlers, job, failures));
    },
    register: (payment) => registerNew(self, payment),
    registerOnce: (payment, call) => registerOnce(self, payment, call),
    placed: (paymentId, key) => self.shards.place(paymentId, key),
    get: async (paymentId) => (await parts.records.load(paymentId))?.payment,
    transition: (paymentId, decide) => transition(self, paymentId, decide),
    hasten: (paymentId) => transition(self, paymentId, (payment) => settlementOf(self, payment)),
    reschedule: (paymentId, dueAtMs, outcome) => reschedule(self, paymentId, dueAtMs, outcome),
    announceAt: (event, dueAtMs) => announceAt(self, event, dueAtMs),
    list: parts.list,
    remove: parts.remove,
    // What is not under way is left to the other processes, or to the next one.
    async drain(withinMs) {
      self.isDraining = true;
      await Promise.all([settlements, announcements, parts.refunds].map((jobs) => jobs.drain(withinMs)));
    },
    count: async () => ({ pending: await parts.bucketReader.count() }),
    scheduled: () => parts.bucketReader.count(),
  };
}

async function registerNew({ records }: State, payment: PendingPayment): Promise<'registered'> {
  await records.register(payment);
  return 'registered';
}

/**
 * Registers a payment with the key of its call, in the shard to which the key belongs now: when others have added
 * shards since the payment was given its id, under another id.
 */
async function registerOnce(
  { records, shards, lookForShards }: State,
  payment: PendingPayment,
  { key, fingerprint }: IdempotentCall,
): Promise<KeyedRegistration> {
  const digest = digestOf(key);
  for (let tries = 0; tries < maxRegisterTries; tries += 1) {
    const placed = tries === 0 ? payment : { ...payment, id: shards.place(payment.id, key) };
    const earlierKeys = shards.earlierOf(key).map((shard) => createKey(digest, shard));
    const once = { key: createKey(digest, shards.of(placed.id)), earlierKeys, fingerprint };
    const outcome = await records.register(placed, once);
    if (outcome === 'registered') {
      return placed === payment ? outcome : { registered: placed.id };
    }
    if (outcome === 'mismatch' || 'replayed' in outcome) {
      return outcome;
    }
    await lookForShards(outcome.closedTo);
  }
  throw new PaymentError({ kind: 'state-unavailable', detail: 'is being spread over more shards' });
}

/** One, and one for each time that somebody adds shards meanwhile. */
const maxRegisterTries = 4;

function digestOf(key: string): string {
  return createHash('sha256').update(key).digest('base64url');
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
    const done = await transition(self, paymentId, (found) =>
      isSettled(found) ? handlers.endRefund(found, refundId) : undefined,
    );
    payment = done?.payment;
  } catch (error) {
    reportFailure(handlers, paymentId, error);
    throw error;
  }
  const refunds = payment !== undefined && isSettled(payment) ? payment.aftermath?.refunds : undefined;
  if (refunds?.some(({ id }) => id === refundId) !== true) {
    missed(`refund ${refundId} is not among those of payment ${paymentId}`, failures);
  }
}

async function transition(self: State, paymentId: string, decide: Decide): Promise<Transition | undefined> {
  for (;;) {
    const stored = await self.records.load(paymentId);
    const wanted = stored && decide(stored.payment);
    if (stored === undefined || wanted === undefined) {
      return stored && { payment: stored.payment, changed: false };
    }
    const changed = isSettled(stored.payment)
      ? await self.records.changeWithJobs(stored, wanted, jobsOf(self, wanted))
      : await self.records.changeInBucket(stored, wanted, self.clock.now());
    if (changed) {
      self.handlers?.changed(wanted);
      return { payment: wanted.payment, changed: true };
    }
    // Another process was faster, or the payment has left meanwhile.
  }
}

/**
 * What follows from the change of a settled payment. The ids have a number that is another one after any change:
 * what was lost to another change is tried again under the same id of event or refund.
 */
function jobsOf({ clock, announcements, refunds }: State, { payment, event, refund }: Change): QueuedJob[] {
  const jobs: QueuedJob[] = [];
  if (event !== undefined) {
    jobs.push({ queue: announcements, job: announcementJob(event, clock.now()) });
  }
  if (refund !== undefined) {
    const { eventIds = [], refunds: all = [] } = payment.aftermath ?? {};
    const data = encodeRefund({ paymentId: payment.id, refundId: refund.id });
    const id = `${refund.id}-${eventIds.length + all.length}`;
    jobs.push({ queue: refunds, job: { id, data, dueAtMs: refund.dueAtMs } });
  }
  return jobs;
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
  return await self.records.reschedule(stored, {
    ...payment,
    dueAtMs,
    plannedOutcome: outcome ?? payment.plannedOutcome,
  });
}

function settlementOf(self: State, payment: Payment): Change | undefined {
  return isSettled(payment) ? undefined : self.handlers?.settle(payment);
}
