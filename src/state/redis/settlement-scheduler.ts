import type { SettlementScheduler } from '../ports.ts';
import type { JobQueue } from './job-queue.ts';
import { shardOf } from './redis-keys.ts';

/** Settlements as durable jobs that whichever process is free takes on; a job has its payment's id. */
export function createRedisSettlementScheduler(jobs: JobQueue<number>, shards: number): SettlementScheduler {
  return {
    start(settle) {
      jobs.handle(settle);
    },

    schedule: (paymentId, dueAtMs) => jobs.add(shardOf(paymentId, shards), settlementJob(paymentId, dueAtMs)),

    hasten: (paymentId) => jobs.promote(shardOf(paymentId, shards), paymentId),

    cancel: (paymentId) => jobs.remove(shardOf(paymentId, shards), paymentId),

    // What is not under way is left to the other processes, or to the next one.
    drain: (untilMs) => jobs.drain(untilMs),

    size: () => jobs.count(),
  };
}

/** The job that settles a payment. */
export function settlementJob(paymentId: string, dueAtMs: number) {
  return { id: paymentId, data: String(dueAtMs), dueAtMs };
}
