import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../src/observability/logger.ts';
import { type Replica, startReplica } from './replica.ts';

/** How the replicas are started. */
export interface ReplicasOptions {
  /** All that they see of the environment, but for their ports. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Of all of them; 0 lets the system choose. */
  readonly apiPort: number;
  /** Of each of them, which says how many there are. */
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

/** How long one that ended stays away, in milliseconds. */
const restartDelayMs = 1_000;

/**
 * Starts replicas of the service that share a port and whatever state `env` leads them to. One that
 * ends is started again, as a cluster would.
 */
export async function startReplicas(options: ReplicasOptions): Promise<Replicas> {
  const stopping = new AbortController();
  const running = new Map<number, Replica>();
  const watches: Promise<void>[] = [];

  async function start(number: number, apiPort: number, opsPort: number): Promise<Replica> {
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
    if (stopping.signal.aborted) {
      replica.signal('SIGTERM');
    }
    return replica;
  }

  /** Resolves when it has ended in a stop. */
  async function keepUp(number: number, first: Replica): Promise<void> {
    const { apiPort, opsPort } = first;
    const logger = options.loggerOf(number);
    let replica: Replica | undefined = first;
    for (;;) {
      const end = await replica?.ended;
      if (stopping.signal.aborted) {
        return;
      }
      logger.warn({ replica_pid: replica?.pid, ...end }, 'Replica ended; it starts again');
      await delay(restartDelayMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      if (stopping.signal.aborted) {
        return;
      }
      replica = await start(number, apiPort, opsPort).catch((error: unknown) => {
        logger.error({ err: error }, 'Replica did not start');
        return undefined;
      });
    }
  }

  async function stop(): Promise<void> {
    stopping.abort();
    for (const replica of running.values()) {
      replica.signal('SIGTERM');
    }
    await Promise.all(watches);
  }

  async function startFirst(index: number, apiPort: number): Promise<Replica> {
    const replica = await start(index + 1, apiPort, options.opsPorts[index] ?? 0);
    watches.push(keepUp(index + 1, replica));
    return replica;
  }

  const replicas: Replica[] = [];
  try {
    // The others listen where the first one does.
    const first = await startFirst(0, options.apiPort);
    const others = options.opsPorts.slice(1).map((_port, index) => startFirst(index + 1, first.apiPort));
    replicas.push(first, ...(await Promise.all(others)));
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    apiPort: replicas[0]?.apiPort ?? 0,
    opsPorts: replicas.map(({ opsPort }) => opsPort),
    stop,
  };
}
