import type { IRedisClient } from 'bullmq';
import type { PendingPayment } from '../../payment/payment.ts';
import { type BucketJobs, type BucketRefusal, maxBucketTries, noBucket } from './bucket-jobs.ts';
import type { JobQueue } from './job-queue.ts';
import { encodePending } from './payment-record.ts';
import {
  bucketKey,
  closedKey,
  indexKey,
  paymentKey,
  paymentKeyStart,
  pendingCountKey,
} from './redis-keys.ts';
import type { RedisLink } from './redis-link.ts';
import { runScript } from './redis-scripts.ts';

/** A payment to store; times in milliseconds. */
export interface NewRecord {
  readonly payment: PendingPayment;
  readonly ttlMs: number;
  readonly once: OnceRecord | undefined;
}

/** The Redis keys of an idempotency key, and the fingerprint of its call. */
export interface OnceRecord {
  readonly key: string;
  /** Where it may be from before there were so many shards. */
  readonly earlierKeys: readonly string[];
  readonly fingerprint: string;
}

/** The payment that was made before by the same call, if it was the same. */
export type KnownKey = 'mismatch' | { readonly replayed: string };

/** What became of it; `closedTo` is the number of shards to which it belongs instead. */
export type StoreOutcome = 'registered' | KnownKey | { readonly closedTo: number };

/** What a script answers for a payment. */
type StoreAnswer = 'stored' | 'mismatch' | BucketRefusal | `replayed ${string}` | `closed ${string}`;

/** What payments are stored with; times in milliseconds. */
export interface StoreDeps {
  readonly commands: IRedisClient;
  readonly link: RedisLink;
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
    placed.outcome = readAnswer(answer);
  }
}

function readAnswer(answer: Exclude<StoreAnswer, 'stored' | BucketRefusal>): StoreOutcome {
  const [word, argument = ''] = answer.split(' ');
  if (word === 'replayed') {
    return { replayed: argument };
  }
  return word === 'closed' ? { closedTo: Number(argument) } : 'mismatch';
}

async function storeOnce(
  { commands, link, buckets, settlements, indexed, idempotencyTtlMs }: StoreDeps,
  shard: number,
  records: readonly Placed[],
): Promise<readonly StoreAnswer[]> {
  const numbers = new Map<string, number>();
  const keys = [pendingCountKey(shard), indexKey(shard), closedKey(shard)];
  const recordKeys: string[] = [];
  const values: (string | number)[] = [];
  const jobs: Promise<void>[] = [];
  for (const { payment, bucket, ttlMs, once } of records) {
    if (!numbers.has(bucket)) {
      numbers.set(bucket, numbers.size + 1);
      keys.push(settlements.keyOf(shard, bucket), bucketKey(bucket, shard));
      jobs.push(buckets.ensure(shard, bucket));
    }
    const record = encodePending(payment, bucket);
    recordKeys.push(paymentKey(payment.id, shard), ...(once === undefined ? [] : [once.key]));
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
  values.unshift(paymentKeyStart(shard), idempotencyTtlMs, indexed ? 1 : 0, numbers.size);
  const stored = link.run(() => runScript<StoreAnswer[]>(commands, 'paymentSimStore', keys, values));
  const [answers] = await Promise.all([stored, ...jobs]);
  return answers;
}
