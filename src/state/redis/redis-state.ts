import type { MachineClock } from '../../base/clock.ts';
import { runSteps } from '../../base/run-steps.ts';
import type { Logger } from '../../observability/logger.ts';
import { addGauge, type Metrics } from '../../observability/metrics.ts';
import { createQuietStore } from '../../simulator/journal/quiet-store.ts';
import type { State } from '../state.ts';
import { createRedisAttemptLog } from './attempt-log.ts';
import { createBucketJobs } from './bucket-jobs.ts';
import { createBucketReader } from './bucket-reader.ts';
import { createRedisDeliveryQueue } from './delivery-queue.ts';
import { createRedisIdempotencyStore } from './idempotency-store.ts';
import { createJobQueue, type JobQueue } from './job-queue.ts';
import {
  checkSettlement,
  decodeAnnouncement,
  decodeDelivery,
  decodeRefund,
  decodeWebhookDelivery,
} from './job-records.ts';
import { createRedisJournalStore } from './journal-store.ts';
import { listFromIndex } from './payment-list.ts';
import { createPaymentRecords } from './payment-records.ts';
import { createRedisPayments, type RedisPaymentParts } from './payments.ts';
import { createRedisClients, type RedisClient, type RedisClients } from './redis-clients.ts';
import type { RedisConfig } from './redis-config.ts';
import { createRedisLink } from './redis-link.ts';
import { defineScripts } from './redis-scripts.ts';
import { removeFromIndex } from './removal.ts';
import { createServerWatch } from './server-watch.ts';
import { createShardAgreement } from './shard-agreement.ts';
import { createShards } from './shards.ts';
import { createRedisSteeringStore } from './steering-store.ts';

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
  readonly journalBytes?: number | undefined;
  /** Whether a Redis that evicts keys is not used for new payments; otherwise there is a warning. */
  readonly requireNoEviction: boolean;
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
/**
 * A call takes milliseconds. One that takes longer than this may have died with its process; if it has not,
 * it is done twice under the same id, which changes nothing.
 */
const idempotencyLeaseMs = 1_500;

/**
 * Jobs under way per shard. They wait for an attempt at each channel, of which few may be
 * slow: see `maxSlowAttempts` in app/channels.ts.
 */
const concurrency = { settlements: 300, announcements: 300, refunds: 300, retries: 200 };

/** Everything in Redis, where all replicas see it and none of them takes it along when it ends. */
export function createRedisState(options: RedisStateOptions): State {
  const { redis, clock, paymentTtlMs: ttlMs } = options;
  const clients = createRedisClients(options.redisUrl, redis.cluster);
  defineScripts(clients.calls);
  const base = buildBase(options, clients.calls, () => jobs.all.forEach((queue) => queue.open()));
  const { link, watch, shards } = base;
  const jobs = buildJobQueues(options, clients, base);
  const { idempotencyTtlMs } = options;
  const parts = { ...base, client: clients.calls, clock, ttlMs, indexed: redis.indexed, idempotencyTtlMs };
  const paymentParts = buildPaymentParts(parts, jobs);
  // Its errors are the same as those of the other connection, which the link tells of.
  clients.jobs.on('error', () => undefined);

  return {
    payments: createRedisPayments({ ...(options.wrapPayments?.(paymentParts) ?? paymentParts), ...parts }),
    idempotency: createRedisIdempotencyStore({
      ...parts,
      ttlMs: idempotencyTtlMs,
      leaseMs: idempotencyLeaseMs,
    }),
    webhookQueue: createRedisDeliveryQueue(jobs.webhooks, shards, clock),
    eventQueue: createRedisDeliveryQueue(jobs.events, shards, clock),
    attemptLog: createRedisAttemptLog({ ...parts, maxAttempts: options.webhookMaxAttempts }),
    steering: createRedisSteeringStore(parts),
    journal:
      options.journalBytes === undefined
        ? undefined
        : createQuietStore(
            createRedisJournalStore({ ...parts, logger: options.logger, maxBytes: options.journalBytes }),
            clock,
          ),
    durable: true,

    async start() {
      clients.jobs.connect().catch(() => undefined);
      await link.open(startPatienceMs);
    },

    unreadyReason: () => link.problem() ?? watch.problem(),

    async close() {
      await runSteps([
        () => Promise.all(jobs.all.map((queue) => queue.drain(endPatienceMs))),
        () => link.close(),
        () => clients.jobs.disconnect(),
        () => clients.calls.disconnect(),
      ]);
    },
  };
}

/** What everything else needs: whether Redis can be used, and for new payments, and where payments are. */
function buildBase(options: RedisStateOptions, client: RedisClient, onReached: () => void) {
  const { clock, logger, idempotencyTtlMs } = options;
  const count = options.redis.shards;
  const shards = createShards(count, idempotencyTtlMs, clock);
  const agree = createShardAgreement({ client, clock, logger, count, shards });
  const { link, watch } = buildLink(options, client, agree, onReached);
  return { link, watch, shards, lookForShards: (atLeast?: number) => link.run(() => agree(atLeast)) };
}

type Base = ReturnType<typeof buildBase>;

function buildLink(
  options: RedisStateOptions,
  client: RedisClient,
  agree: () => Promise<void>,
  onReached: () => void,
) {
  const { clock, logger, metrics, requireNoEviction } = options;
  const watch = createServerWatch({ client, clock, logger, metrics, requireNoEviction });
  const link = createRedisLink({
    client,
    clock,
    logger,
    metrics,
    timeoutMs: commandTimeoutMs,
    probeIntervalMs,
    // In one round trip: it is what a caller waits for after a connection was lost.
    check: async () => void (await Promise.all([agree(), watch.look()])),
    onReached,
    onFull: watch.noteFull,
  });
  addGauge(metrics.registry, 'redis_up', 'Whether Redis can be used: 1, or 0.', () =>
    link.problem() === undefined ? 1 : 0,
  );
  addGauge(
    metrics.registry,
    'redis_memory_used_ratio',
    'Memory of Redis in use, as a share of maxmemory; 0 without a limit.',
    watch.usedShare,
  );
  addGauge(
    metrics.registry,
    'redis_clock_skew_seconds',
    'How far the clock of Redis is ahead of the one of this machine.',
    watch.clockSkew,
  );
  return { link, watch };
}

function buildJobQueues({ clock, logger }: RedisStateOptions, clients: RedisClients, { link, shards }: Base) {
  const queueOf = <Data>(name: string, atOnce: number, decode: (data: unknown) => Data): JobQueue<Data> =>
    createJobQueue({ name, shards, concurrency: atOnce, decode, clients, link, clock, logger });
  const queues = {
    settlements: queueOf('settlements', concurrency.settlements, checkSettlement),
    announcements: queueOf('announcements', concurrency.announcements, decodeAnnouncement),
    refunds: queueOf('refunds', concurrency.refunds, decodeRefund),
    webhooks: queueOf('webhook-retries', concurrency.retries, decodeWebhookDelivery),
    events: queueOf('eventbridge-retries', concurrency.retries, decodeDelivery),
  };
  return { ...queues, all: Object.values(queues) };
}

interface PaymentDeps extends Base {
  readonly client: RedisClient;
  readonly clock: MachineClock;
  readonly ttlMs: number;
  readonly indexed: boolean;
  readonly idempotencyTtlMs: number;
}

function buildPaymentParts(
  deps: PaymentDeps,
  { settlements, announcements, refunds }: ReturnType<typeof buildJobQueues>,
): RedisPaymentParts {
  return {
    records: createPaymentRecords({
      ...deps,
      settlements,
      buckets: createBucketJobs(settlements, deps.clock),
      refusal: deps.watch.refusal,
    }),
    bucketReader: createBucketReader(deps),
    settlements,
    announcements,
    refunds,
    list: (query) => listFromIndex(deps, query),
    remove: (filter) => removeFromIndex(deps, filter),
  };
}
