import { createIORedisClient, type IRedisClient } from 'bullmq';
import { fitsFilter, type PaymentFilter } from '../../payment/page.ts';
import {
  assertIndexed,
  idsOf,
  type ListedRecord,
  type PaymentListDeps,
  readRecords,
} from './payment-list.ts';
import { bucketOf } from './payment-record.ts';
import { bucketKey, indexKey, paymentKey, pendingCountKey } from './redis-keys.ts';
import { runScript } from './redis-scripts.ts';

interface Removal extends PaymentListDeps {
  readonly commands: IRedisClient;
  readonly filter: PaymentFilter;
}

/** So many in one script or one row of commands: other clients have their turn between two. */
const perCommand = 100;

/**
 * Removes the payments in Redis that fit; as with lists, all are read. Each goes with its place in the index and in its
 * bucket. Jobs of refunds and later events, find no payment when they are due, and end without a word.
 *
 * @returns how many.
 * @throws PaymentError `no-index` when there is none.
 */
export async function removeFromIndex(deps: PaymentListDeps, filter: PaymentFilter): Promise<number> {
  assertIndexed(deps);
  const self: Removal = { ...deps, commands: createIORedisClient(deps.client), filter };
  let removed = 0;
  for (const shard of deps.shards.all()) {
    for await (const ids of idsOf(deps, shard)) {
      const found = await readRecords(deps, shard, ids);
      for (let at = 0; at < found.length; at += perCommand) {
        removed += await removeThose(self, shard, found.slice(at, at + perCommand));
      }
    }
  }
  return removed;
}

/** Looks again at those that were changed meanwhile: they may fit no longer. */
async function removeThose(self: Removal, shard: number, found: readonly ListedRecord[]): Promise<number> {
  let removed = 0;
  let left = found;
  for (;;) {
    const fitting = left.filter(({ payment }) => fitsFilter(payment, self.filter));
    if (fitting.length === 0) {
      return removed;
    }
    const results = await removeRecords(self, shard, fitting);
    const ids = fitting.map(({ payment }) => payment.id);
    removed += results.filter((result) => result === 1).length;
    const changed = ids.filter((_, at) => results[at] !== 1);
    left = changed.length === 0 ? [] : await readRecords(self, shard, changed);
  }
}

function removeRecords(
  { commands, link }: Removal,
  shard: number,
  records: readonly ListedRecord[],
): Promise<(0 | 1)[]> {
  const keys = records.flatMap(({ payment: { id }, record }) => [
    paymentKey(id, shard),
    bucketKey(bucketOf(record), shard),
  ]);
  const values = records.flatMap(({ payment: { id }, record }) => [record, id]);
  const shared = [indexKey(shard), pendingCountKey(shard)];
  return link.run(() => runScript(commands, 'paymentSimRemove', [...shared, ...keys], values));
}
