import { createIORedisClient, type IRedisClient } from 'bullmq';
import type { MachineClock } from '../../base/clock.ts';
import type { PaymentError } from '../../payment/errors.ts';
import type { Change } from '../../payment/lifecycle.ts';
import { hasPendingRefund, isSettled, type Payment, type PendingPayment } from '../../payment/payment.ts';
import { type BucketJobs, type BucketRefusal, maxBucketTries, noBucket } from './bucket-jobs.ts';
import type { JobQueue, NewJob } from './job-queue.ts';
import { createLoopBatch } from './loop-batch.ts';
import {
  type KnownKey,
  type NewRecord,
  type OnceRecord,
  type StoreOutcome,
  storeRecords,
} from './new-records.ts';
import { bucketOf, decodePayment, encodeHead, encodePending, headOf } from './payment-record.ts';
import type { RedisClient } from './redis-clients.ts';
import { bucketKey, paymentKey } from './redis-keys.ts';
import type { RedisLink } from './redis-link.ts';
import { runScript } from './redis-scripts.ts';
import type { Shards } from './shards.ts';

interface PaymentRecordsDeps {
  readonly client: RedisClient;
  readonly link: RedisLink;
  readonly clock: MachineClock;
  readonly shards: Pick<Shards, 'of' | 'isNew'>;
  /** Looks whether other replicas have added shards. */
  readonly lookForShards: () => Promise<void>;
  /** Settled payments leave this long after their settlement, in milliseconds. */
  readonly ttlMs: number;
  readonly buckets: BucketJobs;
  readonly settlements: Pick<JobQueue<unknown>, 'keyOf'>;
  /** Whether there is an index for `ListPayments`. */
  readonly indexed: boolean;
  /** How long idempotency keys are kept, in milliseconds. */
  readonly idempotencyTtlMs: number;
  /** Why no new payment may be stored at the moment. */
  readonly refusal: () => PaymentError | undefined;
}

/** A payment and its record, as they were read. */
export interface StoredPayment {
  readonly payment: Payment;
  readonly record: string;
}

/** A job, and where it goes. */
export interface QueuedJob {
  readonly queue: Pick<JobQueue<unknown>, 'add' | 'keyOf'>;
  readonly job: NewJob;
}

/** The records of payments in Redis. */
export interface PaymentRecords {
  /**
   * Stores a new payment in the bucket of its due time, whose job is there before. Registering an id again changes
   * nothing, and neither does a key that is there.
   *
   * @throws PaymentError as `refusal` says, before anything is sent.
   */
  register(payment: PendingPayment, once?: OnceRecord): Promise<StoreOutcome>;
  /** @throws PaymentError `unknown-form` for what another release has stored. */
  load(paymentId: string): Promise<StoredPayment | undefined>;
  /** Changes a payment that is still as it was loaded; false when it is not. */
  change(stored: StoredPayment, change: Change): Promise<boolean>;
  /** As `change`, with the jobs that follow from it, which are there before: whether it wins or loses. */
  changeWithJobs(stored: StoredPayment, change: Change, jobs: readonly QueuedJob[]): Promise<boolean>;
  /**
   * Changes a pending payment that is still as it was loaded, and has the bucket of that time announce what came of it;
   * false when it is not.
   *
   * @param dueAtMs in milliseconds since the epoch; what has passed is now.
   */
  changeInBucket(stored: StoredPayment, change: Change, dueAtMs: number): Promise<boolean>;
  /** Stores another due time of a pending payment that is still as it was loaded; false when it is not. */
  reschedule(stored: StoredPayment, payment: PendingPayment): Promise<boolean>;
  /** Whether the bucket of a payment has still to announce its first event. */
  isUntold(stored: StoredPayment): Promise<boolean>;
}

/** What a script must find and what it puts there. */
interface HeadChange {
  readonly id: string;
  readonly head: string;
  readonly newHead: string;
  /** 0: the time to live stays as it is. */
  readonly ttlMs: number;
}

interface State extends PaymentRecordsDeps {
  readonly commands: IRedisClient;
}

/** A transaction holds up everything else in Redis: with this many payments for a few milliseconds. */
const maxPerCommand = 64;
/** A week: how long a payment is remembered after its settlement or refund was due and nobody did it, in milliseconds. */
const pendingGraceMs = 604_800_000;
/** How long a payment is remembered after a later event at least: the job of one may have to be taken over. */
const toldWithinMs = 60_000;

/** See `PaymentRecords`. What comes in one iteration of the event loop goes to Redis together. */
export function createPaymentRecords(deps: PaymentRecordsDeps): PaymentRecords {
  const self: State = { ...deps, commands: createIORedisClient(deps.client) };
  const { client, link, shards } = deps;
  const register = createLoopBatch<NewRecord, StoreOutcome>({
    maxSize: maxPerCommand,
    maxInFlight: 2,
    run: (shard, records) => storeRecords(self, shard, records),
  });
  const load = createLoopBatch<string, string | null>({
    maxSize: maxPerCommand,
    maxInFlight: 4,
    run: (shard, ids) => link.run(() => client.mget(ids.map((id) => paymentKey(id, shard)))),
  });
  const changeHead = createLoopBatch<HeadChange, 0 | 1>({
    maxSize: maxPerCommand,
    maxInFlight: 4,
    run: (shard, changes) =>
      link.run(() => {
        const { keys, values } = changeArguments(shard, changes);
        return runScript<(0 | 1)[]>(self.commands, 'paymentSimChange', keys, values);
      }),
  });
  const applyHead = async (headChange: HeadChange) =>
    (await changeHead(shards.of(headChange.id), headChange)) === 1;
  return {
    register(payment, once) {
      const refusal = deps.refusal();
      if (refusal !== undefined) {
        return replayOr(self, refusal, once);
      }
      const ttlMs = pendingTtlMs(self, payment.dueAtMs);
      const store = () => register(shards.of(payment.id), { payment, ttlMs, once });
      return once === undefined || once.earlierKeys.length === 0
        ? store()
        : findKey(self, once, once.earlierKeys).then((known) => known ?? store());
    },

    load: (id) => loadPayment(self, load, id),

    change: (stored, change) => applyHead(toHeadChange(self, stored, change)),

    changeWithJobs: (stored, change, jobs) => writeWithJobs(self, toHeadChange(self, stored, change), jobs),

    changeInBucket: (stored, change, dueAtMs) =>
      move(self, stored, dueAtMs, (bucket) => ({
        ...toHeadChange(self, stored, change),
        newHead: encodeHead(change.payment, bucket),
      })),

    reschedule: (stored, payment) =>
      move(self, stored, payment.dueAtMs, (bucket) => ({
        id: payment.id,
        head: stored.record,
        newHead: encodePending(payment, bucket),
        ttlMs: pendingTtlMs(self, payment.dueAtMs),
      })),

    async isUntold({ payment: { id }, record }) {
      const key = bucketKey(bucketOf(record), shards.of(id));
      return (await link.run(() => client.sismember(key, id))) === 1;
    },
  };
}

async function loadPayment(
  { shards, lookForShards }: State,
  load: (shard: number, id: string) => Promise<string | null>,
  id: string,
): Promise<StoredPayment | undefined> {
  let record = await load(shards.of(id), id);
  if (record === null && shards.isNew(id)) {
    await lookForShards();
    record = await load(shards.of(id), id);
  }
  return record === null ? undefined : { payment: decodePayment(id, record), record };
}

/** What was made before is answered also where nothing new is taken. */
async function replayOr(
  self: State,
  refusal: PaymentError,
  once: OnceRecord | undefined,
): Promise<StoreOutcome> {
  const known = once && (await findKey(self, once, [once.key, ...once.earlierKeys]));
  if (known === undefined) {
    throw refusal;
  }
  return known;
}

/** What was made with a key before. Single reads, so that a slot on its way to another node is asked at both. */
async function findKey(
  { client, link }: State,
  once: OnceRecord,
  keys: readonly string[],
): Promise<KnownKey | undefined> {
  const found = await Promise.all(keys.map((key) => link.run(() => client.get(key))));
  const known = found.find((value) => value !== null);
  if (known === undefined || known === null) {
    return undefined;
  }
  const [fingerprint, id = ''] = known.split(' ');
  return fingerprint === once.fingerprint ? { replayed: id } : 'mismatch';
}

function pendingTtlMs({ clock, ttlMs }: State, dueAtMs: number): number {
  return Math.max(0, dueAtMs - clock.now()) + ttlMs + pendingGraceMs;
}

function toHeadChange(self: State, { payment, record }: StoredPayment, change: Change): HeadChange {
  return {
    id: payment.id,
    head: headOf(record),
    newHead: encodeHead(change.payment, bucketOf(record)),
    ttlMs: settledTtlMs(self, payment, change),
  };
}

/**
 * The time to live counts from the settlement. It is longer while refunds are under way, so that they can end,
 * and after a later event, whose job must find its payment.
 */
function settledTtlMs({ clock, ttlMs }: State, payment: Payment, change: Change): number {
  if (!isSettled(payment)) {
    return ttlMs;
  }
  const nowMs = clock.now();
  const leftMs = payment.settledAtMs + ttlMs - nowMs;
  if (change.refund !== undefined) {
    return Math.max(leftMs, change.refund.dueAtMs - nowMs + pendingGraceMs);
  }
  // What one that begins at another time needs is there already.
  return hasPendingRefund(change.payment) ? 0 : Math.max(leftMs, toldWithinMs);
}

function changeArguments(shard: number, changes: readonly HeadChange[]) {
  return {
    keys: changes.map(({ id }) => paymentKey(id, shard)),
    values: changes.flatMap(({ head, newHead, ttlMs }) => [head, newHead, ttlMs]),
  };
}

/** Changes a payment and moves it to the bucket of that time, or to the next one that has not begun. */
async function move(
  self: State,
  { payment: { id }, record }: StoredPayment,
  dueAtMs: number,
  toChange: (bucket: string) => HeadChange,
): Promise<boolean> {
  const { buckets, shards, link, commands } = self;
  const shard = shards.of(id);
  const outcome = await buckets.use<'moved' | 'changed'>(shard, dueAtMs, async (bucket, jobKey) => {
    const { head, newHead, ttlMs } = toChange(bucket);
    const keys = [
      paymentKey(id, shard),
      bucketKey(bucketOf(record), shard),
      jobKey,
      bucketKey(bucket, shard),
    ];
    return await link.run(() =>
      runScript<'moved' | 'changed' | BucketRefusal>(commands, 'paymentSimMove', keys, [
        head,
        newHead,
        ttlMs,
        id,
      ]),
    );
  });
  return outcome === 'moved';
}

/**
 * All in one row, the jobs first. No transaction: the client sends a script that Redis has forgotten again, which it
 * cannot in the middle of one, and Redis would carry out the rest.
 */
async function writeWithJobs(
  { commands, link, shards }: State,
  headChange: HeadChange,
  jobs: readonly QueuedJob[],
): Promise<boolean> {
  const shard = shards.of(headChange.id);
  const { keys, values } = changeArguments(shard, [headChange]);
  const jobKeys = jobs.map(({ queue, job }) => queue.keyOf(shard, job.id));
  for (let tries = 0; tries < maxBucketTries; tries += 1) {
    const added = jobs.map(({ queue, job }) => queue.add(shard, job));
    const changing = link.run(() =>
      runScript<(0 | 1)[]>(commands, 'paymentSimChange', [...keys, ...jobKeys], values),
    );
    const [[changed]] = await Promise.all([changing, ...added]);
    if (changed !== undefined) {
      return changed === 1;
    }
  }
  throw noBucket();
}
