import { type Job, Worker, type WorkerOptions } from 'bullmq';
import type { MachineClock } from '../../base/clock.ts';

/** What a worker works with, besides what BullMQ's takes. */
interface JobWorkerDeps {
  readonly clock: MachineClock;
  /** Jobs under way at the same time. */
  readonly concurrency: number;
  /** Before it asks for jobs again, after Redis failed it; in milliseconds. */
  readonly retryDelayMs: number;
}

interface Fetching extends JobWorkerDeps {
  readonly worker: JobWorker;
  readonly underWay: Set<Promise<void>>;
  /** How many lock tokens were made. */
  tokens: number;
  /** Whether BullMQ waits for a job. */
  isWaiting: boolean;
  /** Called when a job has ended. */
  onRoom: (() => void) | undefined;
}

/** Longest row of commands that ask for a job each; every one that finds none is in vain. */
const maxFetches = 32;

/**
 * A worker of BullMQ that fetches jobs in its own way. BullMQ's fetches one per round trip until `concurrency`
 * of them are in hand, and begins none before: at 25 ms that is 40 a second, and with 300 the first waits for
 * 7.5 s, longer than the lock that nobody renews until it begins. Here each begins when it is there, and as
 * long as jobs are found as many are asked for in one round trip as twice those before.
 */
export class JobWorker extends Worker<unknown> {
  readonly #deps: JobWorkerDeps;

  constructor(
    name: string,
    run: (job: Job<unknown>) => Promise<void>,
    options: WorkerOptions & JobWorkerDeps,
  ) {
    const { clock, retryDelayMs, ...bullOptions } = options;
    super(name, run, { ...bullOptions, runRetryDelay: retryDelayMs, autorun: false });
    this.#deps = { clock, retryDelayMs, concurrency: options.concurrency };
  }

  /** Begins to do jobs; resolves when it was closed and the last one has ended. */
  override async run(): Promise<void> {
    await this.startStalledCheckTimer();
    this.lockManager.start();
    // `close` waits for it before it closes the connections.
    this.mainLoopRunning = fetchJobs({
      ...this.#deps,
      worker: this,
      underWay: new Set(),
      tokens: 0,
      isWaiting: false,
      onRoom: undefined,
    });
    await this.mainLoopRunning;
  }
}

async function fetchJobs(self: Fetching): Promise<void> {
  const { worker, underWay } = self;
  // A fetch that waits for the connections could not be taken back by `close`.
  await worker.waitUntilReady();
  let wanted = 1;
  while (!isClosing(worker)) {
    const room = self.concurrency - underWay.size;
    if (room <= 0) {
      await new Promise<void>((resolve) => (self.onRoom = resolve));
      continue;
    }
    const asked = Math.min(wanted, room, maxFetches);
    const found = await fetchAtOnce(self, asked);
    wanted = found < asked ? 1 : asked * 2;
  }
  // Each may fetch one more while it ends.
  while (underWay.size > 0) {
    await Promise.all(underWay);
  }
}

function isClosing({ closing }: JobWorker): boolean {
  return closing !== undefined;
}

/**
 * Asks for so many jobs in one round trip; a single one is waited for.
 *
 * @returns how many there were. They have begun.
 */
async function fetchAtOnce(self: Fetching, count: number): Promise<number> {
  try {
    if (count === 1) {
      return (await fetchWaiting(self)) ? 1 : 0;
    }
    const found = await Promise.all(Array.from({ length: count }, () => fetchOne(self, false)));
    return found.filter(Boolean).length;
  } catch (error) {
    if (!isClosing(self.worker)) {
      self.worker.emit('error', error instanceof Error ? error : new Error(String(error)));
      await new Promise<void>((resolve) => self.clock.setTimer(self.retryDelayMs, resolve));
    }
    return 0;
  }
}

/**
 * Waits for a job. BullMQ's own wait ends after five seconds, unless its connection has lost the command with a node
 * of a cluster: then it may never end, and jobs are asked for without waiting, until it does. What it finds after all
 * begins all the same.
 */
async function fetchWaiting(self: Fetching): Promise<boolean> {
  if (self.isWaiting) {
    const isFound = await fetchOne(self, false);
    if (!isFound) {
      await new Promise<void>((resolve) => self.clock.setTimer(self.retryDelayMs, resolve));
    }
    return isFound;
  }
  self.isWaiting = true;
  const waiting = fetchOne(self, true).finally(() => (self.isWaiting = false));
  const late = new Promise<false>((resolve) => {
    const timer = self.clock.setTimer(maxWaitMs, () => resolve(false));
    waiting.catch(() => undefined).finally(() => timer.cancel());
  });
  return await Promise.race([waiting, late]);
}

/** In milliseconds; three times as long as BullMQ waits. */
const maxWaitMs = 15_000;

/** Whether there was a job. */
async function fetchOne(self: Fetching, block: boolean): Promise<boolean> {
  self.tokens += 1;
  const token = `${self.worker.id}:${self.tokens}`;
  // BullMQ's types have no undefined here, its documentation does.
  const job: Job<unknown> | undefined = await self.worker.getNextJob(token, { block });
  if (job === undefined) {
    return false;
  }
  begin(self, job, token);
  return true;
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
      self.onRoom?.();
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
