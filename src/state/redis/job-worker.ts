import { createRedisBackend, type Job, Worker, type WorkerOptions } from 'bullmq';
import type { MachineClock, Timer } from '../../base/clock.ts';

/** What a worker works with, besides what BullMQ's takes. Times in milliseconds. */
interface JobWorkerDeps {
  readonly clock: MachineClock;
  /** Jobs under way at the same time. */
  readonly concurrency: number;
  /** Before it asks for jobs again, after Redis failed it. */
  readonly retryDelayMs: number;
  /** Between two looks for jobs of which nobody has told it: those of processes that have died. */
  readonly lookIntervalMs: number;
}

interface Fetching extends JobWorkerDeps {
  readonly worker: JobWorker;
  readonly underWay: Set<Promise<void>>;
  /** How many lock tokens were made. */
  tokens: number;
  /** When the next look is due, by the clock's time of day; Infinity while one is under way. */
  nextLookMs: number;
  timer: Timer | undefined;
  /** Called when a job has ended, or when it is time to look. */
  onWake: (() => void) | undefined;
}

/** Longest row of commands that ask for a job each; every one that finds none is in vain. */
const maxFetches = 32;

/**
 * A worker of BullMQ that fetches jobs in its own way. BullMQ's waits for them on a connection of its own, one for
 * each queue and shard, and fetches one per round trip until `concurrency` of them are in hand, beginning none
 * before. Here each begins when it is there, and as long as jobs are found as many are asked for in one round trip
 * as twice those before. When none is found the next look is when the next one is due, as Redis says or whoever
 * adds one in this process (`tell`), and after `lookIntervalMs` at the latest: no connection waits.
 */
export class JobWorker extends Worker<unknown> {
  readonly #self: Fetching;
  /** When the next job is due, as Redis said when there was none; 0 when none waits. */
  #nextDueMs = 0;

  constructor(
    name: string,
    run: (job: Job<unknown>) => Promise<void>,
    options: WorkerOptions & JobWorkerDeps,
  ) {
    const { clock, retryDelayMs, lookIntervalMs, ...bullOptions } = options;
    super(name, run, { ...bullOptions, runRetryDelay: retryDelayMs, autorun: false }, (queue, opts) =>
      createRedisBackend(queue, opts),
    );
    this.#self = {
      clock,
      retryDelayMs,
      lookIntervalMs,
      concurrency: options.concurrency,
      worker: this,
      underWay: new Set(),
      tokens: 0,
      nextLookMs: Infinity,
      timer: undefined,
      onWake: undefined,
    };
  }

  /** Begins to do jobs; resolves when it was closed and the last one has ended. */
  override async run(): Promise<void> {
    await this.startStalledCheckTimer();
    this.lockManager.start();
    // `close` waits for it before it closes the connections.
    this.mainLoopRunning = fetchJobs(this.#self);
    await this.mainLoopRunning;
  }

  override async close(force?: boolean): Promise<void> {
    const closed = super.close(force);
    wake(this.#self);
    await closed;
  }

  /** Says that a job is due then, in milliseconds since the epoch. */
  tell(dueAtMs: number): void {
    if (dueAtMs < this.#self.nextLookMs) {
      lookAt(this.#self, dueAtMs);
    }
  }

  /** A job, or when to look for the next one, in milliseconds since the epoch; 0 without any. */
  async fetch(token: string): Promise<Job<unknown> | number> {
    // BullMQ's types have no undefined here, its documentation does.
    const job: Job<unknown> | undefined = await this.getNextJob(token, { block: false });
    return job ?? this.#nextDueMs;
  }

  protected override async moveToActive(token: string, name?: string): Promise<Job<unknown>> {
    const [data, id, , nextDueMs] = await this.backend.moveToActive(token, name);
    if (!data) {
      this.#nextDueMs = Number(nextDueMs ?? 0);
    }
    return await this.nextJobFromJobData(data, id, token);
  }
}

async function fetchJobs(self: Fetching): Promise<void> {
  const { worker, underWay } = self;
  await worker.waitUntilReady();
  let wanted = 1;
  while (!isClosing(worker)) {
    const room = self.concurrency - underWay.size;
    if (room <= 0) {
      await woken(self);
      continue;
    }
    const asked = Math.min(wanted, room, maxFetches);
    const { found, nextDueMs } = await fetchAtOnce(self, asked);
    wanted = found < asked ? 1 : asked * 2;
    if (found < asked) {
      await untilNextLook(self, nextDueMs);
    }
  }
  self.timer?.cancel();
  // Each may fetch one more while it ends.
  while (underWay.size > 0) {
    await Promise.all(underWay);
  }
}

function isClosing({ closing }: JobWorker): boolean {
  return closing !== undefined;
}

function woken(self: Fetching): Promise<void> {
  return new Promise((resolve) => (self.onWake = resolve));
}

function wake(self: Fetching): void {
  const { onWake } = self;
  self.onWake = undefined;
  onWake?.();
}

async function untilNextLook(self: Fetching, nextDueMs: number): Promise<void> {
  const latestMs = self.clock.now() + self.lookIntervalMs;
  // What was told of during the look may be earlier.
  const toldMs = self.nextLookMs;
  self.nextLookMs = Math.min(nextDueMs === 0 ? latestMs : nextDueMs, latestMs, toldMs);
  while (self.nextLookMs > self.clock.now() && !isClosing(self.worker)) {
    lookAt(self, self.nextLookMs);
    await woken(self);
  }
  self.timer?.cancel();
  self.nextLookMs = Infinity;
}

function lookAt(self: Fetching, atMs: number): void {
  self.timer?.cancel();
  self.nextLookMs = atMs;
  const delayMs = Math.min(Math.max(0, atMs - self.clock.now()), self.lookIntervalMs);
  self.timer = self.clock.setTimer(delayMs, () => wake(self));
}

interface Fetched {
  readonly found: number;
  /** When the next job is due, as far as Redis has said; 0 when it has not. */
  readonly nextDueMs: number;
}

/** Asks for so many jobs in one round trip; those that are there have begun. */
async function fetchAtOnce(self: Fetching, count: number): Promise<Fetched> {
  try {
    const fetched = await Promise.all(Array.from({ length: count }, () => fetchOne(self)));
    const nextDueMs = fetched.find((one) => one !== 'begun') ?? 0;
    return { found: fetched.filter((one) => one === 'begun').length, nextDueMs };
  } catch (error) {
    if (!isClosing(self.worker)) {
      self.worker.emit('error', error instanceof Error ? error : new Error(String(error)));
      await new Promise<void>((resolve) => self.clock.setTimer(self.retryDelayMs, resolve));
    }
    return { found: 0, nextDueMs: 0 };
  }
}

async function fetchOne(self: Fetching): Promise<'begun' | number> {
  self.tokens += 1;
  const token = `${self.worker.id}:${self.tokens}`;
  const fetched = await self.worker.fetch(token);
  if (typeof fetched === 'number') {
    return fetched;
  }
  begin(self, fetched, token);
  return 'begun';
}

function begin(self: Fetching, job: Job<unknown>, token: string): void {
  const { worker, underWay } = self;
  const ended = doJobs(self, job, token)
    .catch(
      (error: unknown) =>
        void worker.emit('error', error instanceof Error ? error : new Error(String(error))),
    )
    .finally(() => {
      underWay.delete(ended);
      if (underWay.size === self.concurrency - 1) {
        wake(self);
      }
    });
  underWay.add(ended);
}

/** Does a job, and those that the end of each one brings along: it costs no command of its own to fetch them. */
async function doJobs({ worker }: Fetching, first: Job<unknown>, token: string): Promise<void> {
  let job: Job<unknown> | void = first;
  while (job !== undefined) {
    job = await worker.processJob(job, token);
  }
}
