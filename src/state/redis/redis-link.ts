import type { Clock, Timer } from '../../base/clock.ts';
import type { Logger } from '../../observability/logger.ts';
import type { Metrics } from '../../observability/metrics.ts';
import { PaymentError } from '../../payment/errors.ts';
import type { RedisClient } from './redis-clients.ts';
import { probeKey } from './redis-keys.ts';
import { UnfitRedisError } from './server-check.ts';
import { describeRedisError, isOutOfMemory } from './redis-error.ts';

/** Knows whether Redis answers, and bounds how long a call waits for it. */
export interface RedisLink {
  /**
   * Runs a command, unless Redis is known to be gone.
   *
   * @throws PaymentError `state-unavailable` when Redis is gone or does not answer in time: then it is
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
  close(): void;
}

/** What the link works with; times in milliseconds. */
export interface RedisLinkDeps {
  readonly client: RedisClient;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Longest wait for an answer. */
  readonly timeoutMs: number;
  /** Between two looks at whether Redis takes writes. */
  readonly probeIntervalMs: number;
  /** Checks a Redis that was reached for the first time; it is not used before this resolves. */
  readonly check: () => Promise<void>;
  /** Called after that, once. */
  readonly onReached: () => void;
}

const notReached = 'Redis has not been reached yet';

const probeTtlMs = 60_000;

function detailOf(error: unknown): string {
  return error instanceof PaymentError && error.reason.kind === 'state-unavailable'
    ? error.reason.detail
    : describeRedisError(error);
}

/** See `RedisLink`. */
export function createRedisLink(deps: RedisLinkDeps): RedisLink {
  const { client, clock, logger, metrics, timeoutMs } = deps;
  for (const reason of ['unreachable', 'timeout', 'out_of_memory', 'failed']) {
    metrics.redisErrors.inc({ reason }, 0);
  }
  let problem: string | undefined = notReached;
  let isChecked = false;
  let probing: Promise<void> | undefined;
  let lastError: string | undefined;
  let timer: Timer | undefined;
  let closed = false;
  const firstTry = Promise.withResolvers<void>();

  function setProblem(found: string | undefined): void {
    if (found === problem || closed) {
      return;
    }
    if (found === undefined) {
      logger.info('Redis answers');
    } else if (problem === undefined || problem === notReached) {
      logger.error({ error: found }, 'Redis cannot be used');
    }
    problem = found;
  }

  function withTimeout<T>(command: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const timeout = clock.setTimer(timeoutMs, () => {
        setProblem(`Redis did not answer within ${timeoutMs} ms`);
        reject(unavailable('timeout', `did not answer within ${timeoutMs} ms`));
      });
      command()
        .finally(() => timeout.cancel())
        .then(resolve, (error: unknown) => reject(toDomain(error)));
    });
  }

  function unavailable(reason: string, detail: string): PaymentError {
    metrics.redisErrors.inc({ reason });
    return new PaymentError({ kind: 'state-unavailable', detail });
  }

  function toDomain(error: unknown): Error {
    if (error instanceof PaymentError) {
      return error;
    }
    if (isOutOfMemory(error)) {
      metrics.redisErrors.inc({ reason: 'out_of_memory' });
      return new PaymentError({ kind: 'state-full' });
    }
    return unavailable('failed', describeRedisError(error));
  }

  /** One look at a time, or the first two might both begin to work on jobs. */
  function probe(): Promise<void> {
    probing ??= look().finally(() => (probing = undefined));
    return probing;
  }

  async function look(): Promise<void> {
    try {
      await writeProbe();
      if (!isChecked) {
        await deps.check();
        isChecked = true;
        setProblem(undefined);
        deps.onReached();
        firstTry.resolve();
      }
      setProblem(undefined);
    } catch (error) {
      if (error instanceof UnfitRedisError) {
        firstTry.reject(error);
      }
      setProblem(`Redis cannot be used: ${lastError ?? detailOf(error)}`);
    }
  }

  /** A `PING` would be answered by a Redis as well that takes no writes, as after a failover. */
  async function writeProbe(): Promise<void> {
    try {
      await withTimeout(() => client.set(probeKey, '1', 'PX', probeTtlMs));
    } catch (error) {
      if (!(error instanceof PaymentError && error.reason.kind === 'state-full')) {
        throw error;
      }
    }
  }

  function probeAgain(): void {
    if (!closed) {
      timer = clock.setTimer(deps.probeIntervalMs, () => void probe().then(probeAgain));
    }
  }

  client.on('error', (error: unknown) => {
    lastError = describeRedisError(error);
  });
  client.on('ready', () => {
    lastError = undefined;
    void probe();
  });
  client.on('close', () => {
    setProblem(`Redis cannot be reached${lastError === undefined ? '' : `: ${lastError}`}`);
    firstTry.resolve();
  });
  // Nobody may be waiting any more when a Redis that comes late turns out to be unfit.
  firstTry.promise.catch(() => undefined);

  return {
    run(command) {
      return problem === undefined
        ? withTimeout(command)
        : Promise.reject(unavailable('unreachable', 'cannot be reached'));
    },

    problem: () => problem,

    async open(patienceMs) {
      const patience = clock.setTimer(patienceMs, () => {
        setProblem(`Redis did not answer within ${patienceMs} ms`);
        firstTry.resolve();
      });
      // It goes on trying by itself; what it fails with comes as an event as well.
      client.connect().catch(() => undefined);
      probeAgain();
      try {
        await firstTry.promise;
      } finally {
        patience.cancel();
      }
    },

    close() {
      closed = true;
      timer?.cancel();
    },
  };
}
