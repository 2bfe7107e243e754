import {
  createIORedisClient,
  type IRedisClient,
  type IRedisTransaction,
  type JobJson,
  Queue,
  Worker,
} from 'bullmq';
import type { Clock, Timer } from '../../base/clock.ts';
import type { Logger } from '../../observability/logger.ts';
import { LeftToOthersError } from '../left-to-others-error.ts';
import type { RedisClients } from './redis-clients.ts';
import { describeRedisError } from './redis-error.ts';
import { shardPrefix } from './redis-keys.ts';
import type { RedisLink } from './redis-link.ts';

/** A job to be done later; plain data. */
export interface NewJob {
  /** Adding an id that is there already changes nothing. Without ':'. */
  readonly id: string;
  /** JSON. */
  readonly data: string;
  /** Milliseconds since the epoch. */
  readonly dueAtMs: number;
}

/** What a job queue works with. */
export interface JobQueueDeps {
  /** Without ':'; what dashboards show. */
  readonly name: string;
  readonly shards: number;
  /** Jobs under way at the same time, in this process and per shard. */
  readonly concurrency: number;
  readonly clients: RedisClients;
  readonly link: RedisLink;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Durable delayed jobs, one BullMQ queue per shard. */
export interface JobQueue<Data> {
  /** What does the jobs; called once, before `open`. */
  handle(run: (id: string, data: Data) => Promise<void>): void;
  /** Begins to do jobs. */
  open(): void;
  add(shard: number, job: NewJob): Promise<void>;
  /** As `add`, as part of a transaction; the answer is in its results, one per job. */
  addTo(transaction: IRedisTransaction, shard: number, job: NewJob): void;
  /** The key of a job, for scripts. */
  keyOf(shard: number, id: string): string;
  /** Makes a job due now; false when it is not there. */
  promote(shard: number, id: string): Promise<boolean>;
  remove(shard: number, id: string): Promise<void>;
  /** How many wait or are being done, by all processes. */
  count(): Promise<number>;
  /** Takes no more jobs, and resolves when those under way have ended or it is `untilMs`. */
  drain(untilMs: number): Promise<void>;
}

/** What a worker that dies leaves is taken over when its lock has run out: see docs/adr/0014. */
const lockDurationMs = 6_000;
const stalledIntervalMs = 2_000;
/** So many that no job is given up as long as its payment is remembered. */
const maxAttempts = 1_000_000;
const maxBackoffMs = 30_000;
/** Events that BullMQ keeps per queue, for its tools. */
const maxEvents = 1_000;

/** See `JobQueue`. */
export function createJobQueue<Data>(deps: JobQueueDeps): JobQueue<Data> {
  const { clients, link, clock, logger, name } = deps;
  const client: IRedisClient = createIORedisClient(clients.calls);
  const queues = Array.from({ length: deps.shards }, (_, shard) => {
    const queue = new Queue(name, {
      connection: clients.calls,
      prefix: shardPrefix(shard),
      skipVersionCheck: true,
      streams: { events: { maxLen: maxEvents } },
    });
    queue.on('error', report);
    return queue;
  });
  let workers: Worker<Data>[] = [];
  let run: ((id: string, data: Data) => Promise<void>) | undefined;
  let ending: Promise<void> | undefined;

  function queueOf(shard: number): Queue {
    const queue = queues[shard];
    if (queue === undefined) {
      throw new RangeError(`there is no shard ${shard}`);
    }
    return queue;
  }

  function report(error: unknown): void {
    logger.debug({ queue: name, error: describeRedisError(error) }, 'Redis failed a worker');
  }

  function createWorker(shard: number): Worker<Data> {
    const worker = new Worker<Data>(name, async (job) => run?.(job.id ?? '', job.data), {
      connection: clients.jobs,
      prefix: shardPrefix(shard),
      concurrency: deps.concurrency,
      lockDuration: lockDurationMs,
      stalledInterval: stalledIntervalMs,
      // A job whose process was killed is done again, however often that happens.
      maxStalledCount: maxAttempts,
      runRetryDelay: 500,
      drainDelay: 5,
      removeOnComplete: { count: 0 },
      settings: { backoffStrategy: (attempts) => Math.min(500 * 2 ** Math.min(attempts, 16), maxBackoffMs) },
    });
    worker.on('error', report);
    worker.on('stalled', (id) =>
      logger.warn({ queue: name, job: id }, 'A job was left by a process, and is done again'),
    );
    worker.on('failed', (job, error) => {
      const fields = { queue: name, job: job?.id, error: error.message };
      if (job !== undefined && job.attemptsMade >= maxAttempts) {
        logger.error(fields, 'A job was given up');
      } else if (!(error instanceof LeftToOthersError)) {
        logger.warn(fields, 'A job failed, to be tried again');
      }
    });
    return worker;
  }

  function toJson(job: NewJob): JobJson {
    const nowMs = clock.now();
    return {
      id: job.id,
      name,
      data: job.data,
      timestamp: nowMs,
      opts: {
        delay: Math.max(0, job.dueAtMs - nowMs),
        attempts: maxAttempts,
        backoff: { type: 'custom' },
        stackTraceLimit: 1,
      },
      progress: 0,
      attemptsMade: 0,
      attemptsStarted: 0,
      stalledCounter: 0,
      failedReason: '',
      returnvalue: '',
    };
  }

  return {
    handle(handler) {
      run = handler;
    },

    open() {
      if (ending === undefined) {
        workers = queues.map((_, shard) => createWorker(shard));
      }
    },

    async add(shard, job) {
      const backend = queueOf(shard).getBackend();
      await link.run(() => backend.addJobToTransaction(client, toJson(job), job.id));
    },

    addTo(transaction, shard, job) {
      void queueOf(shard).getBackend().addJobToTransaction(transaction, toJson(job), job.id);
    },

    keyOf: (shard, id) => queueOf(shard).toKey(id),

    async promote(shard, id) {
      const queue = queueOf(shard);
      return await link.run(async () => {
        try {
          await queue.getBackend().promote(id);
          return true;
        } catch {
          // Not delayed: about to be done, being done, or gone.
          return (await clients.calls.exists(queue.toKey(id))) === 1;
        }
      });
    },

    async remove(shard, id) {
      await link.run(() => queueOf(shard).remove(id));
    },

    async count() {
      const counts = await Promise.all(
        queues.map((queue) =>
          link.run(() => queue.getJobCountByTypes('delayed', 'wait', 'active', 'prioritized')),
        ),
      );
      return counts.reduce((sum, count) => sum + count, 0);
    },

    async drain(untilMs) {
      ending ??= Promise.all(workers.map((worker) => worker.close())).then(() => undefined);
      let timer: Timer | undefined;
      const outOfTime = new Promise<void>((resolve) => {
        timer = clock.setTimer(Math.max(0, untilMs - clock.now()), resolve);
      });
      await Promise.race([ending, outOfTime]);
      timer?.cancel();
    },
  };
}
