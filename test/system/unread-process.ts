import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { startWebhookReceiver } from '../support/webhook-receiver.ts';
import { createConnectCaller, createPayment } from './connect-json.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** What standard output is. */
export type Unread = 'a pipe that nobody reads' | 'a pipe without a reader' | 'a full disk';

/** The service or the worker, whose output nobody reads. */
export interface UnreadProcess {
  readonly apiUrl: string;
  readonly opsUrl: string;
  /** Standard error so far. */
  stderr(): string;
  signal(name: NodeJS.Signals): void;
  /** Resolves with the exit code. */
  readonly ended: Promise<number | null>;
  /** The value of the first series that begins like this, 0 without one. */
  metric(name: string): Promise<number>;
  /** What is in the pipe. */
  readLog(): string;
}

/** Starts it and waits until it answers; killed when the test is finished. */
export async function startUnread(
  what: Unread,
  command: 'start' | 'worker',
  env: Readonly<Record<string, string>> = {},
): Promise<UnreadProcess> {
  const [apiPort, opsPort] = [await freePort(), await freePort()];
  const { output, reader } = openOutput(what);
  const child: ChildProcess = spawn(process.execPath, ['src/main.ts', command], {
    cwd: root,
    env: {
      HOST: '127.0.0.1',
      GRPC_PORT: String(apiPort),
      HEALTH_PORT: String(opsPort),
      WORKER_HEALTH_PORT: String(opsPort),
      EVENTBRIDGE: 'off',
      SHUTDOWN_GRACE_MS: '1000',
      ...env,
    },
    stdio: ['ignore', output, 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  closeSync(output);
  let errors = '';
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => (errors += chunk));
  const ended = once(child, 'close').then(([code]) => code as number | null);
  const opsUrl = `http://127.0.0.1:${opsPort}`;
  await expect.poll(() => isAlive(opsUrl), { timeout: 20_000 }).toBe(true);
  return {
    apiUrl: `http://127.0.0.1:${apiPort}`,
    opsUrl,
    stderr: () => errors,
    signal: (name) => void child.kill(name),
    ended,
    async metric(name) {
      const text = await (await fetch(`${opsUrl}/metrics`)).text();
      const line = text.split('\n').find((candidate) => candidate.startsWith(name));
      return Number(line?.split(' ').at(-1) ?? 0);
    },
    readLog: () => (reader === undefined ? '' : readAll(reader)),
  };
}

/** More than two kilobytes of log each: the line of a delivered webhook has its URL. */
export async function deliverWebhooks(apiUrl: string, count: number): Promise<void> {
  const receiver = await startWebhookReceiver();
  const call = createConnectCaller(apiUrl);
  const change = { webhook_url: `${receiver.url}/${'a'.repeat(1_980)}` };
  await Promise.all(Array.from({ length: count }, () => createPayment(call, change)));
  await receiver.waitFor(count);
}

async function isAlive(opsUrl: string): Promise<boolean> {
  try {
    const response = await fetch(`${opsUrl}/livez`);
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}

function openOutput(what: Unread): { readonly output: number; readonly reader: number | undefined } {
  if (what === 'a full disk') {
    return { output: openSync('/dev/full', 'w'), reader: undefined };
  }
  const folder = mkdtempSync(join(tmpdir(), 'payment-sim-output-'));
  const path = join(folder, 'pipe');
  execFileSync('mkfifo', [path]);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const output = openSync(path, 'w');
  if (what === 'a pipe without a reader') {
    closeSync(reader);
    rmSync(folder, { recursive: true });
    return { output, reader: undefined };
  }
  onTestFinished(() => {
    closeSync(reader);
    rmSync(folder, { recursive: true });
  });
  return { output, reader };
}

/** All that is in the pipe at the moment. */
function readAll(fd: number): string {
  const chunks: Buffer[] = [];
  for (;;) {
    const buffer = Buffer.alloc(65_536);
    try {
      const length = readSync(fd, buffer);
      if (length === 0) {
        break;
      }
      chunks.push(buffer.subarray(0, length));
    } catch {
      break; // EAGAIN: nothing more for now
    }
  }
  return Buffer.concat(chunks).toString('utf8');
}
