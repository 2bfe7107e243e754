import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** A command on a terminal of its own. */
export interface TerminalProcess {
  /** All that the terminal shows so far, of standard output and standard error. */
  output(): string;
  /** Resolves with the first group of the pattern, or all of it, once it is shown; rejects at the end. */
  shown(pattern: RegExp): Promise<string>;
  /** As the keys do: SIGINT to every process in the foreground. */
  pressCtrlC(): void;
  /** Stops reading what the terminal shows, until its end. */
  stopReading(): void;
  /** Reads on. */
  readOn(): void;
  /** Resolves with the exit code. */
  readonly ended: Promise<number | null>;
}

/** Runs a line of shell on a terminal, by `script` of util-linux; killed when the test is finished. */
export function startOnTerminal(
  command: string,
  env: Readonly<Record<string, string>> = {},
): TerminalProcess {
  const child = spawn('script', ['-qefc', command, '/dev/null'], {
    cwd: root,
    env: {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      SHELL: '/bin/sh',
      HOST: '127.0.0.1',
      GRPC_PORT: '0',
      HEALTH_PORT: '0',
      WORKER_HEALTH_PORT: '0',
      EVENTBRIDGE: 'off',
      ...env,
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  // The end of the terminal sends SIGHUP to all who run on it.
  onTestFinished(() => void child.kill('SIGKILL'));
  let output = '';
  const waiters = new Set<() => void>();
  child.stdin.on('error', () => undefined); // it may have ended meanwhile
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk;
    waiters.forEach((look) => look());
  });
  const ended = once(child, 'close').then(([code]) => code as number | null);
  return {
    output: () => output,
    shown: (pattern) =>
      new Promise((resolve, reject) => {
        function look(): void {
          const found = pattern.exec(output);
          if (found !== null) {
            waiters.delete(look);
            resolve(found[1] ?? found[0]);
          }
        }
        waiters.add(look);
        look();
        void ended.then(() => reject(new Error(`ended without ${String(pattern)}: ${output}`)));
      }),
    pressCtrlC: () => void child.stdin.write('\u0003'),
    stopReading: () => void child.stdout.pause(),
    readOn: () => void child.stdout.resume(),
    ended,
  };
}
