import { createIORedisClient, type IRedisClient } from 'bullmq';
import type { Clock } from '../../base/clock.ts';
import type { PendingPayment } from '../../payment/payment.ts';
import type { PaymentIntake } from '../ports.ts';
import type { JobQueue } from './job-queue.ts';
import { encodePending } from './payment-record.ts';
import { pendingTtlMs } from './payment-store.ts';
import type { RedisClient } from './redis-clients.ts';
import { isScriptMissing } from './redis-error.ts';
import { paymentKey, shardOf } from './redis-keys.ts';
import type { RedisLink } from './redis-link.ts';
import { scriptArguments } from './redis-scripts.ts';
import { settlementJob } from './settlement-scheduler.ts';
import { createLoopBatch } from './loop-batch.ts';

/** What the intake works with. */
export interface RedisPaymentIntakeDeps {
  readonly client: RedisClient;
  readonly link: RedisLink;
  readonly clock: Clock;
  readonly shards: number;
  /** As the store's, in milliseconds. */
  readonly ttlMs: number;
  readonly settlements: JobQueue<number>;
}

/** A transaction holds up everything else in Redis: with this many payments for a few milliseconds. */
const maxPerTransaction = 64;

/**
 * Takes payments in to Redis: those of one iteration of the event loop and one shard in one transaction, the
 * jobs first. A payment whose job did not get in is not stored either.
 */
export function createRedisPaymentIntake(deps: RedisPaymentIntakeDeps): PaymentIntake {
  const { client, link, clock, shards, settlements } = deps;
  const commands: IRedisClient = createIORedisClient(client);

  const register = createLoopBatch<PendingPayment, 'registered'>({
    maxSize: maxPerTransaction,
    maxInFlight: 2,
    run: (shard, payments) => link.run(() => write(shard, payments)),
  });

  async function write(shard: number, payments: readonly PendingPayment[]): Promise<'registered'[]> {
    const nowMs = clock.now();
    const transaction = commands.multi();
    const jobKeys: string[] = [];
    const keys: string[] = [];
    const values: (string | number)[] = [];
    for (const payment of payments) {
      const { id, dueAtMs } = payment;
      settlements.addTo(transaction, shard, settlementJob(id, dueAtMs));
      jobKeys.push(settlements.keyOf(shard, id));
      keys.push(paymentKey(shard, id));
      values.push(encodePending(payment), pendingTtlMs(dueAtMs, nowMs, deps.ttlMs));
    }
    transaction.runCommand('paymentSimStore', [...scriptArguments([...jobKeys, ...keys], values)]);
    const results = (await transaction.exec()) ?? [];
    for (const [error] of results) {
      if (error !== null) {
        forgetScripts(error);
        throw error;
      }
    }
    const missing: unknown = results.at(-1)?.[1];
    if (results.length !== payments.length + 1 || missing !== 0) {
      throw new Error('Redis did not take the jobs of all payments');
    }
    return payments.map(() => 'registered');
  }

  /** Inside of a transaction the client does not see that Redis has forgotten a script. */
  function forgetScripts(error: Error): void {
    if (isScriptMissing(error)) {
      client.disconnect(true);
    }
  }

  return {
    register: (payment) => register(shardOf(payment.id, shards), payment),
  };
}
