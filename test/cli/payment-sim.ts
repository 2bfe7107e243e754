import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { compileCache } from '../support/compile-cache.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** How a command has ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that runs. */
export interface Running {
  /** Resolves with the first group of the pattern, or all of it, once standard output has it. */
  shown(pattern: RegExp): Promise<string>;
  stdout(): string;
  signal(name: NodeJS.Signals): void;
  readonly ended: Promise<Ended>;
}

/** Starts `payment-sim` with nothing of this process's environment; killed when the test is finished. */
export function startPaymentSimCommand(
  args: readonly string[],
  { env = {}, input }: { readonly env?: Readonly<Record<string, string>>; readonly input?: string } = {},
): Running {
  const child = spawn(process.execPath, ['src/main.ts', ...args], {
    cwd: root,
    env: { PATH: process.env['PATH'], ...compileCache, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let [stdout, stderr] = ['', ''];
  const waiters = new Set<() => void>();
  child.stdin.on('error', () => undefined);
  child.stdin.end(input ?? '');
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk;
    waiters.forEach((look) => look());
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, stdout, stderr }));
  return {
    stdout: () => stdout,
    signal: (name) => void child.kill(name),
    ended,
    shown: (pattern) =>
      new Promise((resolve, reject) => {
        function look(): void {
          const found = pattern.exec(stdout);
          if (found !== null) {
            waiters.delete(look);
            resolve(found[1] ?? found[0]);
          }
        }
        waiters.add(look);
        look();
        void ended.then(() => reject(new Error(`ended without ${String(pattern)}: ${stdout}${stderr}`)));
      }),
  };
}

/** Runs `payment-sim` to its end. */
export async function runPaymentSim(
  args: readonly string[],
  options: Parameters<typeof startPaymentSimCommand>[1] = {},
): Promise<Ended> {
  return await startPaymentSimCommand(args, options).ended;
}
