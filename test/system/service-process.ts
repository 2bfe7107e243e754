import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

/** The service as a process of its own. */
export interface ServiceProcess {
  /** `http://127.0.0.1:<port>` once it listens. */
  readonly ready: Promise<{ readonly apiUrl: string; readonly opsUrl: string; readonly apiPort: number }>;
  /** Log lines so far, parsed; throws when one is no JSON. */
  logs(message?: string): Record<string, unknown>[];
  /** Resolves with the first line that has this message. */
  line(message: string): Promise<Record<string, unknown>>;
  readonly pid: number;
  /** Standard error so far. */
  stderr(): string;
  signal(name: 'SIGTERM' | 'SIGINT' | 'SIGKILL'): void;
  /** Stops reading its log, so that the pipe runs full, and reads on. */
  pauseLog(): void;
  resumeLog(): void;
  /** Resolves when the process has ended and its output is read. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: string | null }>;
}

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Starts `node src/main.ts` with nothing but these variables; killed when the test is finished. */
export function startServiceProcess(env: Readonly<Record<string, string>> = {}): ServiceProcess {
  const child = spawn(process.execPath, ['src/main.ts'], {
    cwd: root,
    env: { HOST: '127.0.0.1', GRPC_PORT: '0', HEALTH_PORT: '0', EVENTBRIDGE: 'off', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let output = '';
  let errors = '';
  const waiters = new Set<() => void>();
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk;
    for (const waiter of waiters) {
      waiter();
    }
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (errors += chunk));
  const ended = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal }));
  });

  function logs(message?: string): Record<string, unknown>[] {
    // The last piece is empty, or a line that is not complete yet.
    return output
      .split('\n')
      .slice(0, -1)
      .map((text) => JSON.parse(text) as Record<string, unknown>)
      .filter((entry) => message === undefined || entry['msg'] === message);
  }

  function line(message: string): Promise<Record<string, unknown>> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const [found] = logs(message);
        if (found !== undefined) {
          waiters.delete(look);
          resolve(found);
        }
      };
      waiters.add(look);
      look();
      child.on('close', () => reject(new Error(`ended without the line "${message}": ${errors}`)));
    });
  }

  async function ready() {
    const { api_port: apiPort, ops_port: opsPort } = await line('Payment Sim is ready');
    return {
      apiPort: Number(apiPort),
      apiUrl: `http://127.0.0.1:${String(apiPort)}`,
      opsUrl: `http://127.0.0.1:${String(opsPort)}`,
    };
  }

  const whenReady = ready();
  whenReady.catch(() => undefined); // a process that is meant to fail is never ready
  return {
    ready: whenReady,
    logs,
    line,
    pid: child.pid ?? 0,
    stderr: () => errors,
    signal: (name) => void child.kill(name),
    pauseLog: () => void child.stdout.pause(),
    resumeLog: () => void child.stdout.resume(),
    ended,
  };
}
