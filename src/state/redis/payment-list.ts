import { createPageSelection, type PageQuery, type PaymentPage } from '../../payment/page.ts';
import { PaymentError } from '../../payment/errors.ts';
import { decodePayment } from './payment-record.ts';
import type { RedisClient } from './redis-clients.ts';
import { indexKey, paymentKey } from './redis-keys.ts';
import type { RedisLink } from './redis-link.ts';

interface PaymentListDeps {
  readonly client: RedisClient;
  readonly link: RedisLink;
  readonly shards: number;
  /** Whether there is an index. */
  readonly indexed: boolean;
}

/** So many ids, and then so many payments, in one command: a millisecond of Redis. */
const perCommand = 500;

/**
 * A page of the payments in Redis. All that are stored are read, as no more than their order is in the index:
 * some 5 ms of Redis for each thousand.
 *
 * @throws PaymentError `no-index` when there is none.
 */
export async function listFromIndex(deps: PaymentListDeps, query: PageQuery): Promise<PaymentPage> {
  if (!deps.indexed) {
    throw new PaymentError({ kind: 'no-index' });
  }
  const selection = createPageSelection(query);
  for (let shard = 0; shard < deps.shards; shard += 1) {
    for await (const ids of idsOf(deps, shard)) {
      const keys = ids.map((id) => paymentKey(id, shard, deps.shards));
      const records = await deps.link.run(() => deps.client.mget(keys));
      for (const [at, id] of ids.entries()) {
        const record = records[at] ?? null;
        // Its time to live is over, and nobody has come across it in the index yet.
        if (record !== null) {
          selection.offer(decodePayment(id, record));
        }
      }
    }
  }
  return selection.page();
}

/**
 * The ids of a shard, each once. By time and not by rank, which changes while payments come and go; those of
 * the last millisecond come again with the next part, and are left out there.
 */
async function* idsOf({ client, link, shards }: PaymentListDeps, shard: number): AsyncGenerator<string[]> {
  const key = indexKey(shard, shards);
  let fromMs = '-inf';
  let seen = new Set<string>();
  for (;;) {
    const wanted = perCommand + seen.size;
    const found = await link.run(() =>
      client.zrange(key, fromMs, '+inf', 'BYSCORE', 'LIMIT', 0, wanted, 'WITHSCORES'),
    );
    const ids = found.filter((_, at) => at % 2 === 0);
    yield ids.filter((id) => !seen.has(id));
    if (ids.length < wanted) {
      return;
    }
    const lastMs = found.at(-1) ?? '';
    seen = new Set([
      ...(lastMs === fromMs ? seen : []),
      ...ids.filter((_, at) => found[2 * at + 1] === lastMs),
    ]);
    fromMs = lastMs;
  }
}
