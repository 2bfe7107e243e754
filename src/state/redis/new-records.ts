import type { IRedisClient } from 'bullmq';
import type { PendingPayment } from '../../payment/payment.ts';
import { type BucketJobs, type BucketRefusal, maxBucketTries, noBucket } from './bucket-jobs.ts';
import type { JobQueue } from './job-queue.ts';
import { encodePending } from './payment-record.ts';
import { bucketKey, indexKey, paymentKeyStart, pendingCountKey } from './redis-keys.ts';
import type { RedisLink } from './redis-link.ts';
import { runScript } from './redis-scripts.ts';

/** A payment to store. */
export interface NewRecord {
  readonly payment: PendingPayment;
  /** In milliseconds. */
  readonly ttlMs: number;
}

interface StoreDeps {
  readonly commands: IRedisClient;
  readonly link: RedisLink;
  readonly shards: number;
  readonly buckets: BucketJobs;
  readonly settlements: Pick<JobQueue<unknown>, 'keyOf'>;
  /** Whether there is an index for `ListPayments`. */
  readonly indexed: boolean;
}

/** A payment on its way into a bucket. */
interface Placed extends NewRecord {
  bucket: string;
}

/**
 * Stores payments of one shard, each in the bucket of its due time, or in a later one if that has begun. All commands
 * go in one row: the jobs of buckets that this process has not used yet, the script that stores, and the index.
 *
 * @throws PaymentError `state-unavailable` when it is not known whether all are there: trying again changes nothing
 *   of those that are.
 */
export async function storeRecords(
  deps: StoreDeps,
  shard: number,
  records: readonly NewRecord[],
): Promise<'registered'[]> {
  const { buckets } = deps;
  let left: readonly Placed[] = records.map((record) => ({
    ...record,
    bucket: buckets.first(record.payment.dueAtMs),
  }));
  for (let tries = 0; left.length > 0; tries += 1) {
    if (tries === maxBucketTries) {
      throw noBucket();
    }
    const states = await storeOnce(deps, shard, left, tries === 0);
    const refused: Placed[] = [];
    for (const [index, placed] of left.entries()) {
      const state = states[index];
      if (state !== 'stored') {
        placed.bucket = buckets.after(shard, placed.bucket, state ?? 'absent');
        refused.push(placed);
      }
    }
    left = refused;
  }
  return records.map(() => 'registered');
}

async function storeOnce(
  deps: StoreDeps,
  shard: number,
  records: readonly Placed[],
  isFirst: boolean,
): Promise<readonly ('stored' | BucketRefusal)[]> {
  const { commands, link, shards, buckets, settlements, indexed } = deps;
  const names = [...new Set(records.map(({ bucket }) => bucket))];
  const numbers = new Map(names.map((name, index) => [name, index + 1]));
  const start = paymentKeyStart(shard, shards);
  const keys = [
    pendingCountKey(shard, shards),
    ...names.flatMap((name) => [settlements.keyOf(shard, name), bucketKey(name, shard, shards)]),
  ];
  const values = records.flatMap(({ payment, bucket, ttlMs }) => [
    numbers.get(bucket) ?? 0,
    payment.id,
    encodePending(payment, bucket),
    ttlMs,
  ]);
  const added = Promise.all(names.map((name) => buckets.ensure(shard, name)));
  const [states] = await Promise.all([
    link.run(() =>
      runScript<('stored' | BucketRefusal)[]>(commands, 'paymentSimStore', keys, [start, ...values]),
    ),
    isFirst && indexed ? noteInIndex(deps, shard, start, records) : undefined,
    added,
  ]);
  return states;
}

/** What it has too much is passed over by lists, and leaves it by and by. */
async function noteInIndex(
  { commands, link, shards }: StoreDeps,
  shard: number,
  start: string,
  records: readonly NewRecord[],
): Promise<void> {
  const values = records.flatMap(({ payment }) => [payment.createdAtMs, payment.id]);
  await link.run(() => runScript(commands, 'paymentSimIndex', [indexKey(shard, shards)], [start, ...values]));
}
