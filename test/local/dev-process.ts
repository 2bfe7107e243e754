import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { onTestFinished } from 'vitest';
import { compileCache } from '../support/compile-cache.ts';

/** Lets the system choose every port. */
export const anyPorts = {
  GRPC_PORT: '0',
  HEALTH_PORT: '0',
  WORKER_HEALTH_PORT: '0',
  DEV_RESERVATION_API_PORT: '0',
  DEV_WEBHOOK_PORT: '0',
  DEV_EVENTBRIDGE_PORT: '0',
  DEV_SQS_PORT: '0',
};

/** `npm run dev` as a process. */
export interface DevProcess {
  readonly child: ChildProcess;
  /** Resolves with the first group of the pattern, or all of it, as soon as the output has it. */
  readonly shown: (pattern: RegExp) => Promise<string>;
  /** Standard error so far. */
  readonly errors: () => string;
}

/** Starts it on free ports; killed when the test is finished. */
export function startDev(env: Readonly<Record<string, string>>, args: readonly string[] = []): DevProcess {
  const child = spawn(process.execPath, ['src/main.ts', 'dev', ...args], {
    env: { ...process.env, ...compileCache, ...anyPorts, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let output = '';
  let errors = '';
  const waiters = new Set<() => void>();
  const ended = once(child, 'close');
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString('utf8')));
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString('utf8');
    waiters.forEach((check) => check());
  });
  return {
    child,
    errors: () => errors,
    shown: async (pattern) => {
      return await new Promise((resolve, reject) => {
        function check(): void {
          const found = pattern.exec(output);
          if (found !== null) {
            waiters.delete(check);
            resolve(found[1] ?? found[0]);
          }
        }
        waiters.add(check);
        check();
        void ended.then(() => reject(new Error(`ended without ${String(pattern)}: ${errors}`)));
      });
    },
  };
}
