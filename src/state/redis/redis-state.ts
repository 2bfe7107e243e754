import type { MachineClock } from '../../base/clock.ts';
import type { Logger } from '../../observability/logger.ts';
import { addGauge, type Metrics } from '../../observability/metrics.ts';
import type { State } from '../state.ts';
import { createRedisAttemptLog } from './attempt-log.ts';
import { createRedisDeliveryQueue } from './delivery-queue.ts';
import { createRedisIdempotencyStore } from './idempotency-store.ts';
import { createJobQueue, type JobQueue } from './job-queue.ts';
import { checkSettlement, decodeAnnouncement, decodeDelivery, decodeWebhookDelivery } from './job-records.ts';
import { createPaymentRecords } from './payment-records.ts';
import { createRedisPayments, type RedisPaymentParts } from './payments.ts';
import { createRedisClients, type RedisClients } from './redis-clients.ts';
import type { RedisConfig } from './redis-config.ts';
import { createRedisLink, type RedisLink } from './redis-link.ts';
import { defineScripts } from './redis-scripts.ts';
import { checkServer } from './server-check.ts';

/** Where the state is, and how long to remember; times in milliseconds. */
interface RedisStateOptions {
  /** Of `redis`, which has it in any case. */
  readonly redisUrl: string;
  readonly redis: RedisConfig;
  readonly clock: MachineClock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly paymentTtlMs: number;
  readonly idempotencyTtlMs: number;
  readonly webhookMaxAttempts: number;
  /** Stands between payments and what they are made of. */
  readonly wrapPayments?: ((parts: RedisPaymentParts) => RedisPaymentParts) | undefined;
}

/** Longest wait for an answer to a call's command. */
const commandTimeoutMs = 2_000;
const probeIntervalMs = 1_000;
/** How long the start waits for Redis before it goes on without: not ready, and trying. */
const startPatienceMs = 3_000;
/** How long the end waits for jobs that were told to end. */
const endPatienceMs = 1_000;
/** A call that has not ended by then never will: no command waits longer than its timeout. */
const idempotencyLeaseMs = 10_000;

/**
 * Jobs under way per shard. Settlements wait for the first attempts at their event, of which few may be
 * slow: see `maxSlowAttempts` in app/channels.ts.
 */
const concurrency = { settlements: 300, announcements: 100, retries: 200 };

/** Everything in Redis, where all replicas see it and none of them takes it along when it ends. */
export function createRedisState(options: RedisStateOptions): State {
  const { redis, clock, logger, metrics, paymentTtlMs: ttlMs } = options;
  const clients = createRedisClients(options.redisUrl, redis.cluster);
  defineScripts(clients.calls);
  const link = createRedisLink({
    client: clients.calls,
    clock,
    logger,
    metrics,
    timeoutMs: commandTimeoutMs,
    probeIntervalMs,
    check: () => checkServer(clients.calls, redis.shards, logger),
    onReached: () => jobs.all.forEach((queue) => queue.open()),
  });
  const jobs = buildJobQueues(options, clients, link);
  const { shards } = redis;
  const parts = { client: clients.calls, link, clock, shards, ttlMs };
  const { settlements, announcements } = jobs;
  const records = createPaymentRecords({ ...parts, settlements, announcements });
  const paymentParts: RedisPaymentParts = { records, settlements, announcements };
  addGauge(metrics.registry, 'redis_up', 'Whether Redis can be used: 1, or 0.', () =>
    link.problem() === undefined ? 1 : 0,
  );
  // Its errors are the same as those of the other connection, which the link tells of.
  clients.jobs.on('error', () => undefined);

  return {
    payments: createRedisPayments({ ...(options.wrapPayments?.(paymentParts) ?? paymentParts), ...parts }),
    idempotency: createRedisIdempotencyStore({
      ...parts,
      ttlMs: options.idempotencyTtlMs,
      leaseMs: idempotencyLeaseMs,
    }),
    webhookQueue: createRedisDeliveryQueue(jobs.webhooks, shards, clock),
    eventQueue: createRedisDeliveryQueue(jobs.events, shards, clock),
    attemptLog: createRedisAttemptLog({ ...parts, maxAttempts: options.webhookMaxAttempts }),
    durable: true,

    async start() {
      clients.jobs.connect().catch(() => undefined);
      await link.open(startPatienceMs);
    },

    unreadyReason: () => link.problem(),

    async close() {
      await Promise.all(jobs.all.map((queue) => queue.drain(endPatienceMs)));
      link.close();
      clients.jobs.disconnect();
      clients.calls.disconnect();
    },
  };
}

function buildJobQueues({ redis, clock, logger }: RedisStateOptions, clients: RedisClients, link: RedisLink) {
  const queueOf = <Data>(name: string, atOnce: number, decode: (data: unknown) => Data): JobQueue<Data> =>
    createJobQueue({ name, shards: redis.shards, concurrency: atOnce, decode, clients, link, clock, logger });
  const queues = {
    settlements: queueOf('settlements', concurrency.settlements, checkSettlement),
    announcements: queueOf('announcements', concurrency.announcements, decodeAnnouncement),
    webhooks: queueOf('webhook-retries', concurrency.retries, decodeWebhookDelivery),
    events: queueOf('eventbridge-retries', concurrency.retries, decodeDelivery),
  };
  return { ...queues, all: Object.values(queues) };
}
