import { onTestFinished } from 'vitest';
import { Pool } from 'undici';
import { type Replica, startReplica } from '../../dev/replica.ts';
import { callOver, type ConnectAnswer } from '../system/connect-json.ts';

/** A service of the cluster, which may be killed and started again. */
export interface ClusterReplica {
  /** From 0. */
  readonly index: number;
  isUp(): boolean;
  /** @throws when the call gets no answer. */
  call(method: string, message: Readonly<Record<string, unknown>>): Promise<ConnectAnswer>;
  /** The HTTP status of a path on its ops port. */
  ops(path: string): Promise<number>;
  metric(nameWithLabels: string): Promise<number | undefined>;
  /** Stands still from SIGSTOP to SIGCONT. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void;
  /** SIGKILL; resolves when it has ended. */
  kill(): Promise<void>;
  /** Resolves when it has ended, by whatever. */
  ended(): Promise<void>;
  /** Starts it again after it has ended, with more variables if need be. */
  restart(env?: Readonly<Record<string, string>>): Promise<void>;
}

/** Services with the same environment, and so with the same Redis. */
export interface Cluster {
  readonly replicas: readonly ClusterReplica[];
  /** Transaction ids by payment id, of every settlement that was logged. */
  readonly settlements: ReadonlyMap<string, readonly string[]>;
  /** From create to settlement, in milliseconds, of every settlement that was logged. */
  readonly latenciesMs: readonly number[];
  /** Lines of level warn and above. */
  readonly warnings: readonly string[];
}

/** How a cluster is started. */
export interface ClusterOptions {
  readonly env: Readonly<Record<string, string>>;
  /** Of the process; the service itself unless told otherwise. */
  readonly entry?: string;
}

const connectionsPerReplica = 32;

/** Starts so many replicas on free ports; they are killed when the test is finished. */
export async function startCluster(count: number, options: ClusterOptions): Promise<Cluster> {
  const settlements = new Map<string, string[]>();
  const latenciesMs: number[] = [];
  const warnings: string[] = [];

  function readLine(line: string): void {
    if (line.includes('Payment processed successfully')) {
      const entry = JSON.parse(line) as Record<string, unknown>;
      const paymentId = String(entry['payment_id']);
      settlements.set(paymentId, [...(settlements.get(paymentId) ?? []), String(entry['transaction_id'])]);
      latenciesMs.push(Number(entry['latency_ms']));
    } else if (/"level":"(warn|error|fatal)"/.test(line)) {
      warnings.push(line);
    }
  }

  async function start(index: number): Promise<ClusterReplica> {
    let process: Replica | undefined;
    let pool: Pool | undefined;

    async function launch(env: Readonly<Record<string, string>> = {}): Promise<void> {
      const replica = await startReplica({
        env: { HOST: '127.0.0.1', GRPC_PORT: '0', HEALTH_PORT: '0', ...options.env, ...env },
        onLine: readLine,
        ...(options.entry === undefined ? {} : { entry: options.entry }),
      });
      process = replica;
      const calls = new Pool(`http://127.0.0.1:${replica.apiPort}`, { connections: connectionsPerReplica });
      pool = calls;
      void replica.ended.then(() => {
        process = undefined;
        return calls.destroy();
      });
    }

    await launch();
    onTestFinished(async () => {
      const ended = process?.ended;
      process?.signal('SIGKILL');
      await ended;
    });
    const opsUrl = (path: string) => `http://127.0.0.1:${process?.opsPort}${path}`;
    return {
      index,
      isUp: () => process !== undefined,
      async call(method, message) {
        if (pool === undefined) {
          throw new Error('not started');
        }
        return await callOver(pool, method, message);
      },
      async ops(path) {
        const response = await fetch(opsUrl(path));
        await response.arrayBuffer();
        return response.status;
      },
      async metric(nameWithLabels) {
        const text = await (await fetch(opsUrl('/metrics'))).text();
        const line = text.split('\n').find((candidate) => candidate.startsWith(`${nameWithLabels} `));
        return line === undefined ? undefined : Number(line.slice(nameWithLabels.length + 1));
      },
      signal: (signal) => process?.signal(signal),
      async kill() {
        const ended = process?.ended;
        process?.signal('SIGKILL');
        await ended;
      },
      async ended() {
        await process?.ended;
      },
      restart: launch,
    };
  }

  const replicas = await Promise.all(Array.from({ length: count }, (_, index) => start(index)));
  return { replicas, settlements, latenciesMs, warnings };
}
