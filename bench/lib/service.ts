import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startNode } from './child.ts';
import { callOnce } from './create-call.ts';
import { cpuMicros } from './process-usage.ts';
import { freePort } from '../../test/support/free-port.ts';

/** The real service in a process of its own, as a user would start it. */
export interface Service {
  readonly pid: number;
  readonly apiPort: number;
  /** Where its log goes. */
  readonly logPath: string;
  /** From the start of the process to the first answered call, in milliseconds. */
  readonly firstAnswerMs: number;
  /** The CPU time it took until then, in milliseconds. */
  readonly firstAnswerCpuMs: number;
  /** Heap in use after a full collection, in bytes; only with `options.probe`. */
  heapUsed(): Promise<number>;
  /** The value of a metric, by its name with labels; 0 when it is not there yet. */
  metric(nameWithLabels: string): Promise<number>;
  /** Resolves when no settlement is due any more, so that the next measurement has the machine to itself. */
  settled(): Promise<void>;
  stop(): Promise<void>;
}

/** Longest time for the first answer, in milliseconds. */
const startTimeoutMs = 20_000;

/** Files of this run; gone when it ends. */
export const scratch = mkdtempSync(join(tmpdir(), 'payment-sim-bench-'));
process.once('exit', () => rmSync(scratch, { recursive: true, force: true }));

let services = 0;

/**
 * Starts the service on loopback and waits for the first answered call. Everything is on: info log to
 * a file, metrics, validation; EventBridge only when `env` says so, because most runs have no endpoint.
 *
 * @param options.probe adds `heapUsed`; the service itself is not changed.
 * @param options.entry what to start, `src/main.ts` unless told otherwise.
 * @param options.sharedPort of services that run already with REUSE_PORT, for one more of them.
 */
export async function startService(
  env: Readonly<Record<string, string>> = {},
  options: { readonly probe?: boolean; readonly entry?: string; readonly sharedPort?: number } = {},
): Promise<Service> {
  const [apiPort, opsPort] = [options.sharedPort ?? (await freePort()), await freePort()];
  services += 1;
  const logPath = join(scratch, `service-${services}.log`);
  const startedAtMs = performance.now();
  const child = startNode(options.entry ?? 'src/main.ts', {
    env: {
      HOST: '127.0.0.1',
      GRPC_PORT: String(apiPort),
      HEALTH_PORT: String(opsPort),
      SHUTDOWN_GRACE_MS: '0',
      EVENTBRIDGE: 'off',
      ...env,
    },
    nodeArguments: options.probe === true ? ['--expose-gc', '--import', './bench/lib/heap-probe.ts'] : [],
    logPath,
  });
  // Which of the processes at a shared port answers is not for us to say; the ops port is its own.
  const probe = options.sharedPort === undefined ? () => callOnce(apiPort) : () => requireReady(opsPort);
  await firstAnswer(probe, startedAtMs + startTimeoutMs);
  const firstAnswerMs = performance.now() - startedAtMs;
  const firstAnswerCpuMs = cpuMicros(child.pid) / 1000;
  const metric = (name: string) => readMetric(opsPort, name);
  return {
    pid: child.pid,
    apiPort,
    logPath,
    firstAnswerMs,
    firstAnswerCpuMs,
    heapUsed: async () => Number(await child.ask('heapUsed')),
    metric,
    async settled() {
      while ((await metric('payment_settlements_scheduled')) > 0) {
        await delay(100);
      }
    },
    stop: () => child.stop(),
  };
}

async function requireReady(opsPort: number): Promise<void> {
  const { status } = await fetch(`http://127.0.0.1:${opsPort}/readyz`);
  if (status !== 200) {
    throw new Error(`/readyz answers ${status}`);
  }
}

async function firstAnswer(call: () => Promise<void>, untilMs: number): Promise<void> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (performance.now() > untilMs) {
        throw error;
      }
      await delay(2);
    }
  }
}

async function readMetric(opsPort: number, name: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${opsPort}/metrics`)).text();
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${name} `));
  return Number(line?.slice(name.length + 1) ?? 0);
}
