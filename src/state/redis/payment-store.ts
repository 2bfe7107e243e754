import { applySettlement, isSettled, type Payment, type Settlement } from '../../payment/payment.ts';
import type { PaymentStore, SettleResult } from '../ports.ts';
import type { JobQueue } from './job-queue.ts';
import { decodePayment, encodeSettlement } from './payment-record.ts';
import type { RedisClient } from './redis-clients.ts';
import { paymentKey, shardOf } from './redis-keys.ts';
import type { RedisLink } from './redis-link.ts';
import { runScript } from './redis-scripts.ts';
import { createLoopBatch } from './loop-batch.ts';
import { createIORedisClient, type IRedisClient } from 'bullmq';

/** What the store works with. */
export interface RedisPaymentStoreDeps {
  readonly client: RedisClient;
  readonly link: RedisLink;
  readonly shards: number;
  /** Settled payments leave this long after their settlement, in milliseconds. */
  readonly ttlMs: number;
  /** Counts what is pending. */
  readonly settlements: Pick<JobQueue<number>, 'count'>;
}

/** A week: how long after its due time a payment that nobody settles is remembered, in milliseconds. */
const pendingGraceMs = 604_800_000;
/** No command to Redis takes more payments than this, so that none holds others up for long. */
const maxPerCommand = 64;

/** How long a pending payment is remembered, in milliseconds. */
export function pendingTtlMs(dueAtMs: number, nowMs: number, ttlMs: number): number {
  return Math.max(0, dueAtMs - nowMs) + ttlMs + pendingGraceMs;
}

/** Payments in Redis, where all replicas see them. */
export function createRedisPaymentStore(deps: RedisPaymentStoreDeps): PaymentStore {
  const { client, link, shards, ttlMs } = deps;
  const commands: IRedisClient = createIORedisClient(client);

  const load = createLoopBatch<string, string | null>({
    maxSize: maxPerCommand,
    maxInFlight: 4,
    run: (shard, ids) => link.run(() => client.mget(ids.map((id) => paymentKey(shard, id)))),
  });

  const storeSettlement = createLoopBatch<
    { readonly id: string; readonly record: string },
    string | 1 | null
  >({
    maxSize: maxPerCommand,
    maxInFlight: 4,
    run: (shard, settlements) =>
      link.run(() => {
        const keys = settlements.map(({ id }) => paymentKey(shard, id));
        const values = [ttlMs, ...settlements.map(({ record }) => record)];
        return runScript<(string | 1 | null)[]>(commands, 'paymentSimSettle', keys, values);
      }),
  });

  async function get(id: string): Promise<Payment | undefined> {
    const record = await load(shardOf(id, shards), id);
    return record === null ? undefined : decodePayment(id, record);
  }

  return {
    get,

    async settle(id, decide): Promise<SettleResult | undefined> {
      const payment = await get(id);
      if (payment === undefined || isSettled(payment)) {
        return payment && { payment, settledNow: false };
      }
      const settlement: Settlement = decide(payment);
      const record = encodeSettlement(settlement);
      const result = await storeSettlement(shardOf(id, shards), { id, record });
      if (result === 1) {
        return { payment: applySettlement(payment, settlement), settledNow: true };
      }
      // Another process was faster.
      const settled = result === null ? undefined : decodePayment(id, result);
      return settled && isSettled(settled) ? { payment: settled, settledNow: false } : undefined;
    },

    count: async () => ({ pending: await deps.settlements.count() }),

    close: () => Promise.resolve(),
  };
}
