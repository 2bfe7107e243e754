import { createHash } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import type { EventRetry } from '../../delivery/eventbridge/event-retry.ts';
import type { WebhookDelivery } from '../../delivery/webhook/delivery.ts';
import type { Logger } from '../../observability/logger.ts';
import { addGauge, type Metrics } from '../../observability/metrics.ts';
import type { State } from '../state.ts';
import { createRedisAttemptLog } from './attempt-log.ts';
import { createRedisDeliveryQueue } from './delivery-queue.ts';
import { createRedisIdempotencyStore } from './idempotency-store.ts';
import { createJobQueue } from './job-queue.ts';
import { createRedisPaymentIntake } from './payment-intake.ts';
import { createRedisPaymentStore } from './payment-store.ts';
import { createRedisClients } from './redis-clients.ts';
import type { RedisConfig } from './redis-config.ts';
import { createRedisLink } from './redis-link.ts';
import { defineScripts } from './redis-scripts.ts';
import { checkServer } from './server-check.ts';
import { createRedisSettlementScheduler } from './settlement-scheduler.ts';

/** Where the state is, and how long to remember; times in milliseconds. */
export interface RedisStateOptions {
  /** Of `redis`, which has it in any case. */
  readonly redisUrl: string;
  readonly redis: RedisConfig;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly paymentTtlMs: number;
  readonly idempotencyTtlMs: number;
  readonly webhookMaxAttempts: number;
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
 * Jobs under way per shard. Settlements wait for their deliveries, of which few may be slow: see `maxSlowDeliveries` in app-delivery.ts.
 */
const concurrency = { settlements: 300, retries: 200 };

/** Everything in Redis, where all replicas see it and none of them takes it along when it ends. */
export function createRedisState(options: RedisStateOptions): State {
  const { redis, clock, logger, metrics, paymentTtlMs: ttlMs } = options;
  const { shards } = redis;
  const clients = createRedisClients(options.redisUrl, redis.cluster);
  defineScripts(clients.calls);
  const link = createRedisLink({
    client: clients.calls,
    clock,
    logger,
    metrics,
    timeoutMs: commandTimeoutMs,
    probeIntervalMs,
    check: () => checkServer(clients.calls, shards, logger),
    onReached() {
      for (const queue of jobs) {
        queue.open();
      }
    },
  });
  const queueOf = <Data>(name: string, atOnce: number) =>
    createJobQueue<Data>({ name, shards, concurrency: atOnce, clients, link, clock, logger });
  const settlements = queueOf<number>('settlements', concurrency.settlements);
  const webhooks = queueOf<WebhookDelivery>('webhook-retries', concurrency.retries);
  const events = queueOf<EventRetry>('eventbridge-retries', concurrency.retries);
  const jobs = [settlements, webhooks, events];
  const parts = { client: clients.calls, link, clock, shards, ttlMs };
  addGauge(metrics.registry, 'redis_up', 'Whether Redis can be used: 1, or 0.', () =>
    link.problem() === undefined ? 1 : 0,
  );
  // Its errors are the same as those of the other connection, which the link tells of.
  clients.jobs.on('error', () => undefined);

  return {
    store: createRedisPaymentStore({ ...parts, settlements }),
    intake: createRedisPaymentIntake({ ...parts, settlements }),
    idempotency: createRedisIdempotencyStore({
      ...parts,
      ttlMs: options.idempotencyTtlMs,
      leaseMs: idempotencyLeaseMs,
    }),
    scheduler: createRedisSettlementScheduler(settlements, shards),
    webhookQueue: createRedisDeliveryQueue<WebhookDelivery>(webhooks, shards, webhookJobId),
    eventQueue: createRedisDeliveryQueue<EventRetry>(events, shards, eventJobId),
    attemptLog: createRedisAttemptLog({ ...parts, maxAttempts: options.webhookMaxAttempts }),
    outlivesProcess: true,

    async start() {
      clients.jobs.connect().catch(() => undefined);
      await link.open(startPatienceMs);
    },

    unreadyReason: () => link.problem(),

    async close() {
      await Promise.all(jobs.map((queue) => queue.drain(clock.now() + endPatienceMs)));
      link.close();
      clients.jobs.disconnect();
      clients.calls.disconnect();
    },
  };
}

function webhookJobId({ event, url, attempts, waits = 0 }: WebhookDelivery): string {
  const address = createHash('sha1').update(url).digest('base64url').slice(0, 8);
  return `${event.eventId}-${address}-${attempts}-${waits}`;
}

function eventJobId({ event, attempts, waits }: EventRetry): string {
  return `${event.eventId}-${attempts}-${waits}`;
}
