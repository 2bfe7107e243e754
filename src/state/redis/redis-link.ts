import type { MachineClock, Timer } from '../../base/clock.ts';
import { within } from '../../base/within.ts';
import type { Logger } from '../../observability/logger.ts';
import type { Metrics } from '../../observability/metrics.ts';
import { PaymentError } from '../../payment/errors.ts';
import type { RedisClient } from './redis-clients.ts';
import { describeRedisError, isOutOfMemory } from './redis-error.ts';
import { probeKey } from './redis-keys.ts';
import { UnfitRedisError } from './server-check.ts';

/** Knows whether Redis answers, and bounds how long a call waits for it. */
export interface RedisLink {
  /**
   * Runs a command; while Redis is known to be unusable it fails without sending it.
   *
   * @throws PaymentError `state-unavailable` when Redis is unusable or does not answer in time: then it is
   *   not known whether the command was carried out; `state-full` when Redis has no memory left.
   */
  run<T>(command: () => Promise<T>): Promise<T>;
  /** Why Redis cannot be used, or undefined. */
  problem(): string | undefined;
  /**
   * Connects, again and again until it can. Resolves when Redis was reached or the first try has failed,
   * after `patienceMs` at the latest.
   *
   * @throws UnfitRedisError when the Redis that was reached must not be used.
   */
  open(patienceMs: number): Promise<void>;
  /** Ends the probes; the connection stays with its owner. */
  close(): void;
}

/** What the link works with; times in milliseconds. */
interface RedisLinkDeps {
  readonly client: RedisClient;
  readonly clock: MachineClock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Longest wait for an answer. */
  readonly timeoutMs: number;
  /** From the end of one probe to the next; a probe is a write. */
  readonly probeIntervalMs: number;
  /** Checks a Redis that was reached for the first time; it is not used before this resolves. */
  readonly check: () => Promise<void>;
  /** Called after that, once. */
  readonly onReached: () => void;
}

interface Link {
  readonly deps: RedisLinkDeps;
  /** Why Redis cannot be used, or undefined. */
  problem: string | undefined;
  /** Whether `check` has resolved. */
  isChecked: boolean;
  /** The probe under way. */
  probing: Promise<void> | undefined;
  /** Why the connection failed last, undefined once there is one. */
  lastError: string | undefined;
  /** Of the next probe. */
  timer: Timer | undefined;
  isClosed: boolean;
  /** What `open` waits for; rejects with an `UnfitRedisError` only. */
  readonly firstTry: PromiseWithResolvers<void>;
}

const notReached = 'Redis has not been reached yet';

const probeTtlMs = 60_000;

/** See `RedisLink`. */
export function createRedisLink(deps: RedisLinkDeps): RedisLink {
  const self: Link = {
    deps,
    problem: notReached,
    isChecked: false,
    probing: undefined,
    lastError: undefined,
    timer: undefined,
    isClosed: false,
    firstTry: Promise.withResolvers(),
  };
  for (const reason of ['unreachable', 'timeout', 'out_of_memory', 'failed']) {
    deps.metrics.redisErrors.inc({ reason }, 0);
  }
  followConnection(self);
  // It may reject after `open` has returned, and a rejection without a handler ends the process.
  self.firstTry.promise.catch(() => undefined);
  return {
    run: (command) => run(self, command),
    problem: () => self.problem,
    open: (patienceMs) => open(self, patienceMs),
    close() {
      self.isClosed = true;
      self.timer?.cancel();
    },
  };
}

function run<T>(self: Link, command: () => Promise<T>): Promise<T> {
  return self.problem === undefined
    ? withTimeout(self, command)
    : Promise.reject(unavailable(self, 'unreachable', 'cannot be reached'));
}

function withTimeout<T>(self: Link, command: () => Promise<T>): Promise<T> {
  const { clock, timeoutMs } = self.deps;
  return new Promise((resolve, reject) => {
    const timeout = clock.setTimer(timeoutMs, () => {
      setProblem(self, `Redis did not answer within ${timeoutMs} ms`);
      reject(unavailable(self, 'timeout', `did not answer within ${timeoutMs} ms`));
    });
    command()
      .finally(() => timeout.cancel())
      .then(resolve, (error: unknown) => reject(toDomain(self, error)));
  });
}

async function open(self: Link, patienceMs: number): Promise<void> {
  const { client, clock } = self.deps;
  const tried = within(clock, patienceMs, self.firstTry.promise);
  // The client retries by itself, and reports what failed as an event too.
  client.connect().catch(() => undefined);
  scheduleProbe(self);
  if (!(await tried)) {
    setProblem(self, `Redis did not answer within ${patienceMs} ms`);
  }
}

function followConnection(self: Link): void {
  const { client } = self.deps;
  client.on('error', (error: unknown) => {
    self.lastError = describeRedisError(error);
  });
  client.on('ready', () => {
    self.lastError = undefined;
    void probe(self);
  });
  client.on('close', () => {
    const { lastError } = self;
    setProblem(self, `Redis cannot be reached${lastError === undefined ? '' : `: ${lastError}`}`);
    self.firstTry.resolve();
  });
}

function scheduleProbe(self: Link): void {
  if (!self.isClosed) {
    const { clock, probeIntervalMs } = self.deps;
    self.timer = clock.setTimer(probeIntervalMs, () => void probe(self).then(() => scheduleProbe(self)));
  }
}

/** Joins the probe under way: two first probes in parallel would both call `onReached`. */
function probe(self: Link): Promise<void> {
  self.probing ??= probeOnce(self).finally(() => (self.probing = undefined));
  return self.probing;
}

async function probeOnce(self: Link): Promise<void> {
  const { check, onReached } = self.deps;
  try {
    await writeProbe(self);
    if (!self.isChecked) {
      await check();
      self.isChecked = true;
      // Before `onReached`, which begins to send commands.
      setProblem(self, undefined);
      onReached();
      self.firstTry.resolve();
    }
    setProblem(self, undefined);
  } catch (error) {
    if (error instanceof UnfitRedisError) {
      self.firstTry.reject(error);
    }
    setProblem(self, `Redis cannot be used: ${self.lastError ?? detailOf(error)}`);
  }
}

/**
 * A write, because after a failover the old primary answers `PING` but refuses writes. One whose memory is
 * full passes: it still answers reads.
 */
async function writeProbe(self: Link): Promise<void> {
  const { client } = self.deps;
  try {
    await withTimeout(self, () => client.set(probeKey, '1', 'PX', probeTtlMs));
  } catch (error) {
    if (!(error instanceof PaymentError && error.reason.kind === 'state-full')) {
      throw error;
    }
  }
}

/** Logs when Redis becomes usable and when it no longer is, not each new reason. */
function setProblem(self: Link, found: string | undefined): void {
  const { problem } = self;
  if (found === problem || self.isClosed) {
    return;
  }
  const { logger } = self.deps;
  if (found === undefined) {
    logger.info('Redis answers');
  } else if (problem === undefined || problem === notReached) {
    logger.error({ error: found }, 'Redis cannot be used');
  }
  self.problem = found;
}

function toDomain(self: Link, error: unknown): Error {
  if (error instanceof PaymentError) {
    return error;
  }
  if (isOutOfMemory(error)) {
    self.deps.metrics.redisErrors.inc({ reason: 'out_of_memory' });
    return new PaymentError({ kind: 'state-full' });
  }
  return unavailable(self, 'failed', describeRedisError(error));
}

function unavailable(self: Link, reason: string, detail: string): PaymentError {
  self.deps.metrics.redisErrors.inc({ reason });
  return new PaymentError({ kind: 'state-unavailable', detail });
}

function detailOf(error: unknown): string {
  return error instanceof PaymentError && error.reason.kind === 'state-unavailable'
    ? error.reason.detail
    : describeRedisError(error);
}
