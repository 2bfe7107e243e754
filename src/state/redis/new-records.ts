import type { IRedisClient } from 'bullmq';
import type { PendingPayment } from '../../payment/payment.ts';
import { type BucketJobs, type BucketRefusal, maxBucketTries, noBucket } from './bucket-jobs.ts';
import type { JobQueue } from './job-queue.ts';
import { encodePending } from './payment-record.ts';
import { bucketKey, indexKey, paymentKey, paymentKeyStart, pendingCountKey } from './redis-keys.ts';
import type { RedisLink } from './redis-link.ts';
import { runScript } from './redis-scripts.ts';

/** A payment to store; times in milliseconds. */
export interface NewRecord {
  readonly payment: PendingPayment;
  readonly ttlMs: number;
  /** The Redis key of its idempotency key, and the fingerprint of its call. */
  readonly once: { readonly key: string; readonly fingerprint: string } | undefined;
}

/** What became of it. */
export type StoreOutcome = 'registered' | 'mismatch' | { readonly replayed: string };

/** What a script answers for a payment: one of these, or "replayed <id>". */
type StoreAnswer = 'stored' | 'mismatch' | BucketRefusal | `replayed ${string}`;

/** What payments are stored with; times in milliseconds. */
export interface StoreDeps {
  readonly commands: IRedisClient;
  readonly link: RedisLink;
  readonly shards: number;
  readonly buckets: BucketJobs;
  readonly settlements: Pick<JobQueue<unknown>, 'keyOf'>;
  /** Whether there is an index for `ListPayments`. */
  readonly indexed: boolean;
  /** How long idempotency keys are kept. */
  readonly idempotencyTtlMs: number;
}

/** A payment on its way into a bucket. */
interface Placed extends NewRecord {
  bucket: string;
  outcome: StoreOutcome | undefined;
}

/**
 * Stores payments of one shard, each in the bucket of its due time, or in a later one if that has begun. All commands
 * go in one row: the jobs of buckets that this process has not used yet, and the script that stores.
 *
 * @throws PaymentError `state-unavailable` when it is not known whether all are there: trying again changes nothing
 *   of those that are.
 */
export async function storeRecords(
  deps: StoreDeps,
  shard: number,
  records: readonly NewRecord[],
): Promise<StoreOutcome[]> {
  const { buckets } = deps;
  const all = records.map<Placed>((record) => ({
    ...record,
    bucket: buckets.first(record.payment.dueAtMs),
    outcome: undefined,
  }));
  let left: readonly Placed[] = all;
  for (let tries = 0; left.length > 0; tries += 1) {
    if (tries === maxBucketTries) {
      throw noBucket();
    }
    const answers = await storeOnce(deps, shard, left);
    for (const [index, placed] of left.entries()) {
      note(deps, shard, placed, answers[index] ?? 'absent', tries);
    }
    left = left.filter(({ outcome }) => outcome === undefined);
  }
  return all.map(({ outcome }) => outcome ?? 'registered');
}

function note(
  { buckets }: StoreDeps,
  shard: number,
  placed: Placed,
  answer: StoreAnswer,
  tries: number,
): void {
  if (answer === 'absent' || answer === 'begun') {
    placed.bucket = buckets.after(shard, placed.bucket, answer, tries);
  } else if (answer === 'stored') {
    placed.outcome = 'registered';
  } else {
    placed.outcome = answer === 'mismatch' ? answer : { replayed: answer.slice('replayed '.length) };
  }
}

async function storeOnce(
  { commands, link, shards, buckets, settlements, indexed, idempotencyTtlMs }: StoreDeps,
  shard: number,
  records: readonly Placed[],
): Promise<readonly StoreAnswer[]> {
  const numbers = new Map<string, number>();
  const keys = [pendingCountKey(shard, shards), indexKey(shard, shards)];
  const recordKeys: string[] = [];
  const values: (string | number)[] = [];
  const jobs: Promise<void>[] = [];
  for (const { payment, bucket, ttlMs, once } of records) {
    if (!numbers.has(bucket)) {
      numbers.set(bucket, numbers.size + 1);
      keys.push(settlements.keyOf(shard, bucket), bucketKey(bucket, shard, shards));
      jobs.push(buckets.ensure(shard, bucket));
    }
    const record = encodePending(payment, bucket);
    recordKeys.push(paymentKey(payment.id, shard, shards), ...(once === undefined ? [] : [once.key]));
    const [hasKey, fingerprint] = once === undefined ? [0, ''] : [1, once.fingerprint];
    values.push(
      numbers.get(bucket) ?? 0,
      payment.id,
      record,
      ttlMs,
      hasKey,
      fingerprint,
      payment.createdAtMs,
    );
  }
  keys.push(...recordKeys);
  values.unshift(paymentKeyStart(shard, shards), idempotencyTtlMs, indexed ? 1 : 0, numbers.size);
  const stored = link.run(() => runScript<StoreAnswer[]>(commands, 'paymentSimStore', keys, values));
  const [answers] = await Promise.all([stored, ...jobs]);
  return answers;
}
