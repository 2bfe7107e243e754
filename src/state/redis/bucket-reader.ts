import { createIORedisClient } from 'bullmq';
import { createLoopBatch } from './loop-batch.ts';
import type { RedisClient } from './redis-clients.ts';
import { bucketKey, paymentKeyStart, pendingCountKey } from './redis-keys.ts';
import type { RedisLink } from './redis-link.ts';
import { runScript } from './redis-scripts.ts';
import type { Shards } from './shards.ts';

/** A payment in a bucket; its record is empty when it is gone. */
export interface BucketEntry {
  readonly id: string;
  readonly record: string;
}

/** Reads buckets, and empties them. */
export interface BucketReader {
  /** The payments in a bucket, in parts: each as it is when its part is read. */
  entries(shard: number, bucket: string): AsyncIterable<readonly BucketEntry[]>;
  /** Takes out a payment whose first event nobody need announce any more. */
  told(shard: number, bucket: string, id: string): Promise<void>;
  /** How many payments are in buckets, in all shards. */
  count(): Promise<number>;
}

interface BucketReaderDeps {
  readonly client: RedisClient;
  readonly link: RedisLink;
  readonly shards: Pick<Shards, 'all'>;
}

interface ToldEntry {
  readonly bucket: string;
  readonly id: string;
}

/** So many payments of a bucket are read, or taken out of it, by one script. */
const perCommand = 64;

/** See `BucketReader`. */
export function createBucketReader({ client, link, shards }: BucketReaderDeps): BucketReader {
  const commands = createIORedisClient(client);
  const told = createLoopBatch<ToldEntry, void>({
    maxSize: perCommand,
    maxInFlight: 4,
    run: (shard, entries) =>
      link.run(async () => {
        const { keys, values } = toldArguments(shard, entries);
        await runScript(commands, 'paymentSimTold', keys, values);
        return entries.map(() => undefined);
      }),
  });
  return {
    async *entries(shard, bucket) {
      const start = paymentKeyStart(shard);
      const key = bucketKey(bucket, shard);
      // A set that grows or shrinks meanwhile may show one twice.
      const seen = new Set<string>();
      let cursor = '0';
      do {
        const values = [start, cursor, perCommand];
        const answer = await link.run(() => runScript<string[]>(commands, 'paymentSimClaim', [key], values));
        const entries = toEntries(answer).filter(({ id }) => !seen.has(id));
        entries.forEach(({ id }) => seen.add(id));
        cursor = answer[0] ?? '0';
        yield entries;
      } while (cursor !== '0');
    },

    told: (shard, bucket, id) => told(shard, { bucket, id }),

    async count() {
      const counts = await Promise.all(
        shards.all().map((shard) => link.run(() => client.get(pendingCountKey(shard)))),
      );
      return counts.reduce((sum, count) => sum + Number(count ?? 0), 0);
    },
  };
}

function toEntries(answer: readonly string[]): BucketEntry[] {
  const entries: BucketEntry[] = [];
  for (let at = 1; at < answer.length; at += 2) {
    entries.push({ id: answer[at] ?? '', record: answer[at + 1] ?? '' });
  }
  return entries;
}

function toldArguments(shard: number, entries: readonly ToldEntry[]) {
  const byBucket = Map.groupBy(entries, ({ bucket }) => bucket);
  return {
    keys: [pendingCountKey(shard), ...[...byBucket.keys()].map((bucket) => bucketKey(bucket, shard))],
    values: [...byBucket.values()].flatMap((those) =>
      [String(those.length)].concat(those.map(({ id }) => id)),
    ),
  };
}
