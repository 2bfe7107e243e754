import { createPageSelection, type PageQuery, type PaymentPage } from '../../payment/page.ts';
import { PaymentError } from '../../payment/errors.ts';
import type { Payment } from '../../payment/payment.ts';
import { decodePayment } from './payment-record.ts';
import type { RedisClient } from './redis-clients.ts';
import { indexKey, paymentKey } from './redis-keys.ts';
import type { RedisLink } from './redis-link.ts';
import type { Shards } from './shards.ts';

/** Where the payments are. */
export interface PaymentListDeps {
  readonly client: RedisClient;
  readonly link: RedisLink;
  readonly shards: Pick<Shards, 'all'>;
  /** Whether there is an index. */
  readonly indexed: boolean;
}

/** So many ids, and then so many payments, in one command: a millisecond of Redis. */
const perCommand = 500;

/** A payment and its record, as it was read. */
export interface ListedRecord {
  readonly payment: Payment;
  readonly record: string;
}

/**
 * A page of the payments in Redis. All that are stored are read, as no more than their order is in the index:
 * some 5 ms of Redis for each thousand.
 *
 * @throws PaymentError `no-index` when there is none.
 */
export async function listFromIndex(deps: PaymentListDeps, query: PageQuery): Promise<PaymentPage> {
  assertIndexed(deps);
  const selection = createPageSelection(query);
  for (const shard of deps.shards.all()) {
    for await (const ids of idsOf(deps, shard)) {
      for (const { payment } of await readRecords(deps, shard, ids)) {
        selection.offer(payment);
      }
    }
  }
  return selection.page();
}

/** @throws PaymentError `no-index` */
export function assertIndexed({ indexed }: PaymentListDeps): void {
  if (!indexed) {
    throw new PaymentError({ kind: 'no-index' });
  }
}

/** Those that are there, of a shard. */
export async function readRecords(
  { client, link }: PaymentListDeps,
  shard: number,
  ids: readonly string[],
): Promise<ListedRecord[]> {
  const records = await link.run(() => client.mget(ids.map((id) => paymentKey(id, shard))));
  return ids.flatMap((id, at) => {
    const record = records[at] ?? null;
    const payment = record === null ? undefined : readPayment(id, record);
    return record === null || payment === undefined ? [] : [{ payment, record }];
  });
}

/** Undefined for what another release has stored in a form of its own: while one is rolled out, lists go on. */
function readPayment(id: string, record: string): Payment | undefined {
  try {
    return decodePayment(id, record);
  } catch (error) {
    if (error instanceof PaymentError && error.reason.kind === 'unknown-form') {
      return undefined;
    }
    throw error;
  }
}

/**
 * The ids of a shard, each once, some at a time. By time and not by rank, which changes while payments come and go; those of
 * the last millisecond come again with the next part, and are left out there.
 */
export async function* idsOf({ client, link }: PaymentListDeps, shard: number): AsyncGenerator<string[]> {
  const key = indexKey(shard);
  let fromMs = '-inf';
  let seen = new Set<string>();
  for (;;) {
    const wanted = perCommand + seen.size;
    const found = await link.run(() =>
      client.zrange(key, fromMs, '+inf', 'BYSCORE', 'LIMIT', 0, wanted, 'WITHSCORES'),
    );
    const ids = found.filter((_, at) => at % 2 === 0);
    const unseen = ids.filter((id) => !seen.has(id));
    if (unseen.length > 0) {
      yield unseen;
    }
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
