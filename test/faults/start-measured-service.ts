import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

/** Memory of the service after a garbage collection. */
export interface HeldMemory {
  /** JavaScript objects and buffers. */
  readonly heldBytes: number;
  /** Everything, as the operating system sees it. */
  readonly rssBytes: number;
}

export interface MeasuredService {
  readonly apiPort: number;
  readonly apiUrl: string;
  /** Open connections as the service counts them, all kinds together. */
  connections(): Promise<number>;
  memory(): Promise<HeldMemory>;
}

/** Starts the service in a process of its own; killed when the test is finished. */
export async function startMeasuredService(
  env: Readonly<Record<string, string>> = {},
): Promise<MeasuredService> {
  const child = fork(fileURLToPath(new URL('measured-service.ts', import.meta.url)), {
    execArgv: ['--expose-gc'],
    env: { HOST: '127.0.0.1', GRPC_PORT: '0', HEALTH_PORT: '0', EVENTBRIDGE: 'off', ...env },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [{ apiPort, opsPort }] = (await once(child, 'message')) as [{ apiPort: number; opsPort: number }];

  return {
    apiPort,
    apiUrl: `http://127.0.0.1:${apiPort}`,
    async connections() {
      const text = await (await fetch(`http://127.0.0.1:${opsPort}/metrics`)).text();
      const counts = [...text.matchAll(/^api_connections\{.*\} (\d+)$/gm)].map(([, count]) => Number(count));
      return counts.reduce((sum, count) => sum + count, 0);
    },
    async memory() {
      child.send('measure');
      const [memory] = (await once(child, 'message')) as [HeldMemory];
      return memory;
    },
  };
}
