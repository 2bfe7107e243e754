import { createIORedisClient, type IRedisClient, type JobJson, Queue } from 'bullmq';
import type { MachineClock } from '../../base/clock.ts';
import { within } from '../../base/within.ts';
import type { Logger } from '../../observability/logger.ts';
import { createJobLog, type JobLog } from './job-log.ts';
import { JobWorker } from './job-worker.ts';
import type { RedisClients } from './redis-clients.ts';
import { shardPrefix } from './shard-numbers.ts';
import type { RedisLink } from './redis-link.ts';
import type { Shards } from './shards.ts';

/** A job to be done later; plain data. */
export interface NewJob {
  /** Adding an id that is there already changes nothing. Without ':'. */
  readonly id: string;
  /** JSON. */
  readonly data: string;
  /** Milliseconds since the epoch. */
  readonly dueAtMs: number;
}

/** Does a job. @param failures how often it was tried in vain before. */
type RunJob<Data> = (id: string, data: Data, failures: number, shard: number) => Promise<void>;

interface JobQueueDeps<Data> {
  /** Without ':'; what dashboards show. */
  readonly name: string;
  readonly shards: Pick<Shards, 'all' | 'onAdded'>;
  /** Jobs under way at the same time, in this process and per shard. */
  readonly concurrency: number;
  /** Reads the data of a job. @throws UnknownJobFormError for what another release has written. */
  readonly decode: (data: unknown) => Data;
  readonly clients: RedisClients;
  readonly link: RedisLink;
  readonly clock: MachineClock;
  readonly logger: Logger;
}

/** Durable delayed jobs, one BullMQ queue per shard. */
export interface JobQueue<Data> {
  /** Sets what does a job; called once, before `open`. A job whose `run` rejects is tried again. */
  handle(run: RunJob<Data>): void;
  /** Begins to do jobs; without effect after `drain`. */
  open(): void;
  /** Rejects as `RedisLink.run` does, like all that is sent to Redis; with a RangeError without such a shard. */
  add(shard: number, job: NewJob): Promise<void>;
  /** Says that a job of this process is due then. */
  tell(shard: number, dueAtMs: number): void;
  /** The key of a job, for scripts. */
  keyOf(shard: number, id: string): string;
  /** Whether a job waits or is being done. */
  has(shard: number, id: string): Promise<boolean>;
  /** Makes all that wait due now, in every shard. */
  promoteAll(): Promise<void>;
  /** How many wait or are being done, by all processes. */
  count(): Promise<number>;
  /** Takes no more jobs, and resolves when those under way have ended, after `withinMs` at the latest. */
  drain(withinMs: number): Promise<void>;
}

/**
 * A worker renews the locks of its jobs. Those of a process that died expire, and whichever worker looks for
 * such jobs next takes them over: see docs/adr/0014.
 */
const lockDurationMs = 6_000;
const stalledIntervalMs = 2_000;
/** So many that no job is given up as long as its payment is remembered. */
const maxAttempts = 1_000_000;
/** Doubled with each attempt, the first included, up to the maximum. */
const backoffBaseMs = 500;
const maxBackoffMs = 30_000;
/** Before a worker asks for jobs again, after Redis failed it. */
const retryDelayMs = 500;
/** How often a worker looks for jobs that other processes have added, who look for them when they are due. */
const lookIntervalMs = 1_000;
/** Events that BullMQ keeps per queue, for its tools. */
const maxEvents = 1_000;

interface Jobs<Data> {
  readonly deps: JobQueueDeps<Data>;
  readonly client: IRedisClient;
  /** By shard. */
  readonly queues: Map<number, Queue>;
  readonly log: JobLog;
  /** By shard, once jobs are done. */
  readonly workers: Map<number, JobWorker>;
  run: RunJob<Data> | undefined;
  /** Resolves when the jobs under way have ended; set by the first `drain`. */
  ending: Promise<unknown> | undefined;
}

/** See `JobQueue`. */
export function createJobQueue<Data>(deps: JobQueueDeps<Data>): JobQueue<Data> {
  const log = createJobLog(deps.name, maxAttempts, deps.logger);
  const self: Jobs<Data> = {
    deps,
    log,
    client: createIORedisClient(deps.clients.calls),
    queues: new Map(),
    workers: new Map(),
    run: undefined,
    ending: undefined,
  };
  // The first ones make BullMQ's scripts known to the client.
  allQueues(self);
  return {
    handle: (run) => void (self.run = run),
    open: () => open(self),
    add: (shard, job) => add(self, shard, job),
    tell: (shard, dueAtMs) => self.workers.get(shard)?.tell(dueAtMs),
    keyOf: (shard, id) => queueOf(self, shard).toKey(id),
    has: (shard, id) => has(self, shard, id),
    promoteAll: () => promoteAll(self),
    count: () => count(self),
    drain: (withinMs) => drain(self, withinMs),
  };
}

function createQueue<Data>(deps: JobQueueDeps<Data>, log: JobLog, shard: number): Queue {
  const queue = new Queue(deps.name, {
    connection: deps.clients.calls,
    prefix: shardPrefix(shard),
    skipVersionCheck: true,
    streams: { events: { maxLen: maxEvents } },
  });
  queue.on('error', log.failed);
  return queue;
}

/** @throws RangeError when there is no such shard. */
function queueOf<Data>({ deps, log, queues }: Jobs<Data>, shard: number): Queue {
  let queue = queues.get(shard);
  if (queue === undefined) {
    queue = createQueue(deps, log, shard);
    queues.set(shard, queue);
  }
  return queue;
}

function open<Data>(self: Jobs<Data>): void {
  openAll(self);
  self.deps.shards.onAdded(() => openAll(self));
}

/** Begins to do the jobs of the shards whose jobs it does not do yet. */
function openAll<Data>(self: Jobs<Data>): void {
  if (self.ending !== undefined) {
    return;
  }
  for (const shard of self.deps.shards.all()) {
    if (!self.workers.has(shard)) {
      self.workers.set(shard, createWorker(self, shard));
    }
  }
}

function allQueues<Data>(self: Jobs<Data>): Queue[] {
  return self.deps.shards.all().map((shard) => queueOf(self, shard));
}

function createWorker<Data>(self: Jobs<Data>, shard: number): JobWorker {
  const { deps } = self;
  const worker = new JobWorker(
    deps.name,
    async (job) => await self.run?.(job.id ?? '', deps.decode(job.data), job.attemptsMade, shard),
    {
      clock: deps.clock,
      retryDelayMs,
      lookIntervalMs,
      connection: deps.clients.jobs,
      prefix: shardPrefix(shard),
      concurrency: deps.concurrency,
      lockDuration: lockDurationMs,
      stalledInterval: stalledIntervalMs,
      // BullMQ fails a job that was left by more processes than this; here it is done again in any case.
      maxStalledCount: maxAttempts,
      removeOnComplete: { count: 0 },
      settings: { backoffStrategy: backoffMs },
    },
  );
  self.log.follow(worker);
  worker.run().catch(self.log.failed);
  return worker;
}

/** @param attempts how many have been made, 1 or more. */
function backoffMs(attempts: number): number {
  return Math.min(backoffBaseMs * 2 ** attempts, maxBackoffMs);
}

async function add<Data>(self: Jobs<Data>, shard: number, job: NewJob): Promise<void> {
  const backend = queueOf(self, shard).getBackend();
  await self.deps.link.run(() => backend.addJobToTransaction(self.client, toJson(self.deps, job), job.id));
  self.workers.get(shard)?.tell(job.dueAtMs);
}

/** As BullMQ's `Job.asJSON` gives it, for methods of the backend that are below that class. */
function toJson<Data>({ name, clock }: JobQueueDeps<Data>, job: NewJob): JobJson {
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

async function has<Data>(self: Jobs<Data>, shard: number, id: string): Promise<boolean> {
  const { deps } = self;
  const key = queueOf(self, shard).toKey(id);
  return (await deps.link.run(() => deps.clients.calls.exists(key))) === 1;
}

/** So many in one call of a script: Redis does nothing else meanwhile. */
const promotedTogether = 200;

async function promoteAll<Data>(self: Jobs<Data>): Promise<void> {
  const { workers, deps } = self;
  await Promise.all(
    allQueues(self).map((queue) => deps.link.run(() => queue.promoteJobs({ count: promotedTogether }))),
  );
  workers.forEach((worker) => worker.tell(deps.clock.now()));
}

async function count<Data>(self: Jobs<Data>): Promise<number> {
  const { deps } = self;
  const counts = await Promise.all(
    allQueues(self).map((queue) =>
      deps.link.run(() => queue.getJobCountByTypes('delayed', 'wait', 'active', 'prioritized')),
    ),
  );
  return counts.reduce((sum, each) => sum + each, 0);
}

async function drain<Data>(self: Jobs<Data>, withinMs: number): Promise<void> {
  self.ending ??= Promise.all([...self.workers.values()].map((worker) => worker.close()));
  await within(self.deps.clock, withinMs, self.ending);
}
