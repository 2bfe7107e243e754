import type { MachineClock, Timer } from '../../base/clock.ts';
import { within } from '../../base/within.ts';
import type { Logger } from '../../observability/logger.ts';
import type { Metrics } from '../../observability/metrics.ts';
import { PaymentError } from '../../payment/errors.ts';
import { createLimitedLog } from './limited-log.ts';
import type { RedisClient } from './redis-clients.ts';
import { toCallError, unavailable } from './call-error.ts';
import { describeRedisError, isOutOfMemory } from './redis-error.ts';
import { probeKey } from './redis-keys.ts';
import { UnfitRedisError } from './unfit-error.ts';

/** Knows whether Redis answers, and bounds how long a call waits for it. */
export interface RedisLink {
  /**
   * Runs a command; while Redis is known to be unusable it fails without sending it.
   *
   * @throws PaymentError `state-unavailable` when Redis is unusable or does not answer in time: then it is
   *   not known whether the command was carried out; `state-full` when Redis has no memory left.
   * @throws RedisFaultError for an answer that is not to be expected; this too says nothing about whether a
   *   transaction was carried out.
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
  /**
   * Checks a Redis that has answered a probe; it is not used while this rejects, after a connection was lost
   * until this has resolved again.
   *
   * @throws UnfitRedisError when it must not be used: ends the start, and later keeps it from being used.
   */
  readonly check: () => Promise<void>;
  /** Called after the first check, once. */
  readonly onReached: () => void;
  /** Called when Redis refuses a command for want of memory. */
  readonly onFull: () => void;
}

/** Why Redis cannot be used: for operators, and for callers, where it follows on "it". */
interface Problem {
  readonly text: string;
  readonly detail: string;
}

interface Link {
  readonly deps: RedisLinkDeps;
  /** Logs what Redis answered to commands of calls. */
  readonly noteRefusal: (error: unknown) => void;
  problem: Problem | undefined;
  /** Whether Redis could be used at some time. */
  isReached: boolean;
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

const unreachable = 'cannot be reached';
const notReached: Problem = { text: 'Redis has not been reached yet', detail: unreachable };

const probeTtlMs = 60_000;

/** See `RedisLink`. */
export function createRedisLink(deps: RedisLinkDeps): RedisLink {
  const self: Link = {
    deps,
    noteRefusal: createLimitedLog(deps.clock, (error: unknown, commands) =>
      deps.logger.warn({ error: describeRedisError(error), commands }, 'Redis refused a command'),
    ),
    problem: notReached,
    isReached: false,
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
    problem: () => self.problem?.text,
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
    : Promise.reject(unavailable(self.deps, 'unreachable', self.problem.detail));
}

function withTimeout<T>(self: Link, command: () => Promise<T>): Promise<T> {
  const { clock, timeoutMs } = self.deps;
  return new Promise((resolve, reject) => {
    let isLate = false;
    const timeout = clock.setTimer(timeoutMs, () => {
      const detail = `did not answer within ${timeoutMs} ms`;
      isLate = true;
      setProblem(self, { text: `Redis ${detail}`, detail });
      reject(unavailable(self.deps, 'timeout', detail));
    });
    command()
      .finally(() => {
        timeout.cancel();
        if (isLate) {
          // It answers again: who tries again need not wait for the next probe.
          void probe(self);
        }
      })
      .then(resolve, (error: unknown) => {
        const failure = toCallError(error, self.deps);
        // Of what is not to be expected the call is logged, with its cause.
        if (failure instanceof PaymentError && error !== failure) {
          self.noteRefusal(error);
        }
        reject(failure);
      });
  });
}

async function open(self: Link, patienceMs: number): Promise<void> {
  const { client, clock } = self.deps;
  const tried = within(clock, patienceMs, self.firstTry.promise);
  // The client retries by itself, and reports what failed as an event too.
  client.connect().catch(() => undefined);
  scheduleProbe(self);
  if (!(await tried)) {
    const detail = `did not answer within ${patienceMs} ms`;
    setProblem(self, { text: `Redis ${detail}`, detail });
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
    const reason = lastError === undefined ? '' : `: ${lastError}`;
    setProblem(self, { text: `Redis cannot be reached${reason}`, detail: unreachable });
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
  const { client, clock, timeoutMs, check, onReached } = self.deps;
  try {
    const checked = writeProbe(self, client).then(check);
    if (!(await within(clock, timeoutMs, checked))) {
      throw unavailable(self.deps, 'timeout', `did not answer within ${timeoutMs} ms`);
    }
    // Before `onReached`, which begins to send commands.
    setProblem(self, undefined);
    if (!self.isReached) {
      self.isReached = true;
      onReached();
      self.firstTry.resolve();
    }
  } catch (error) {
    if (error instanceof UnfitRedisError) {
      self.firstTry.reject(error);
    }
    setProblem(self, problemOf(self, error));
  }
}

/**
 * A write, because after a failover the old primary answers `PING` but refuses writes. One whose memory is
 * full passes: it still answers reads.
 */
async function writeProbe(self: Link, client: RedisClient): Promise<void> {
  try {
    await client.set(probeKey, '1', 'PX', probeTtlMs);
  } catch (error) {
    if (!isOutOfMemory(error)) {
      throw error;
    }
    self.deps.onFull();
  }
}

/** Logs when Redis becomes usable and when it no longer is, not each new reason. */
function setProblem(self: Link, found: Problem | undefined): void {
  const { problem } = self;
  if (found?.text === problem?.text || self.isClosed) {
    return;
  }
  const { logger } = self.deps;
  if (found === undefined) {
    logger.info('Redis answers');
  } else if (problem === undefined || problem === notReached) {
    logger.error({ error: found.text }, 'Redis cannot be used');
  }
  self.problem = found;
}

/** What a probe or a check that failed says. */
function problemOf(self: Link, error: unknown): Problem {
  if (error instanceof UnfitRedisError) {
    return { text: error.message, detail: 'is not fit for this replica' };
  }
  const failure = toCallError(error, self.deps);
  const detail =
    failure instanceof PaymentError && failure.reason.kind === 'state-unavailable'
      ? failure.reason.detail
      : 'does not work';
  const words = error === failure ? detail : describeRedisError(error);
  return { text: `Redis cannot be used: ${self.lastError ?? words}`, detail };
}
