import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../src/observability/logger.ts';
import { type Replica, startReplica } from './replica.ts';

/** How the replicas are started. */
interface ReplicasOptions {
  /** Their whole environment, but for their ports. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Of all of them; 0 lets the system choose. */
  readonly apiPort: number;
  /** One for each replica. */
  readonly opsPorts: readonly number[];
  /** Takes their log lines. */
  readonly write: (replica: number, line: string) => void;
  /** For lines about one of them; replicas count from 1. */
  readonly loggerOf: (replica: number) => Logger;
}

/** Several services behind one port. */
export interface Replicas {
  readonly apiPort: number;
  readonly opsPorts: readonly number[];
  /** Ends them in order, all at the same time. */
  stop(): Promise<void>;
}

/** The wait before one that ended is started again, in milliseconds. */
const restartDelayMs = 1_000;

interface ReplicasState {
  readonly options: ReplicasOptions;
  readonly stopping: AbortController;
  /** By number; one that ended stays here until its successor runs. */
  readonly running: Map<number, Replica>;
  /** One for each replica that has started; resolves in a stop. */
  readonly watches: Promise<void>[];
}

/**
 * Starts replicas of the service that share a port, and their state where `env` names a Redis. One that
 * ends is started again, as an orchestrator would.
 *
 * @throws when one does not start; the others are stopped.
 */
export async function startReplicas(options: ReplicasOptions): Promise<Replicas> {
  const self: ReplicasState = {
    options,
    stopping: new AbortController(),
    running: new Map(),
    watches: [],
  };
  try {
    // The others listen at the port that the first one has, which the system may have chosen.
    const first = await startAndWatch(self, 0, options.apiPort);
    const others = await Promise.all(
      options.opsPorts.slice(1).map((_port, index) => startAndWatch(self, index + 1, first.apiPort)),
    );
    return {
      apiPort: first.apiPort,
      opsPorts: [first, ...others].map(({ opsPort }) => opsPort),
      stop: () => stopReplicas(self),
    };
  } catch (error) {
    await stopReplicas(self);
    throw error;
  }
}

/** @param index in `opsPorts`; the replica's number is one more. */
async function startAndWatch(self: ReplicasState, index: number, apiPort: number): Promise<Replica> {
  const replica = await startNumber(self, index + 1, apiPort, self.options.opsPorts[index] ?? 0);
  self.watches.push(keepRunning(self, index + 1, replica));
  return replica;
}

async function startNumber(
  { options, running, stopping }: ReplicasState,
  number: number,
  apiPort: number,
  opsPort: number,
): Promise<Replica> {
  const replica = await startReplica({
    env: {
      ...options.env,
      REUSE_PORT: 'true',
      GRPC_PORT: String(apiPort),
      HEALTH_PORT: String(opsPort),
    },
    onLine: (line) => options.write(number, line),
  });
  options.loggerOf(number).info({ replica_pid: replica.pid }, 'Replica runs');
  running.set(number, replica);
  // A stop that came while it started has not signalled it.
  if (stopping.signal.aborted) {
    replica.signal('SIGTERM');
  }
  return replica;
}

/** Starts a replica again whenever it ends; resolves when it has ended in a stop. */
async function keepRunning(self: ReplicasState, number: number, first: Replica): Promise<void> {
  const { signal } = self.stopping;
  const { apiPort, opsPort } = first;
  const logger = self.options.loggerOf(number);
  let replica: Replica | undefined = first;
  for (;;) {
    const end = await replica?.ended;
    if (signal.aborted) {
      return;
    }
    logger.warn({ replica_pid: replica?.pid, ...end }, 'Replica ended; it starts again');
    await delay(restartDelayMs, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) {
      return;
    }
    replica = await startNumber(self, number, apiPort, opsPort).catch((error: unknown) => {
      logger.error({ err: error }, 'Replica did not start');
      return undefined;
    });
  }
}

async function stopReplicas({ stopping, running, watches }: ReplicasState): Promise<void> {
  stopping.abort();
  for (const replica of running.values()) {
    replica.signal('SIGTERM');
  }
  await Promise.all(watches);
}
