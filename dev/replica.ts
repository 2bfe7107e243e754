import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { isJsonObject } from '../src/base/json.ts';

/** A service in a process of its own. */
export interface Replica {
  /** Of the process. */
  readonly pid: number;
  readonly apiPort: number;
  readonly opsPort: number;
  /** Resolves when it has ended and its output is read. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: string | null }>;
  signal(name: NodeJS.Signals): void;
}

/** How a replica is started. */
interface ReplicaOptions {
  /** All that it sees of the environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Called with each line of its log, line feed included. */
  readonly onLine: (line: string) => void;
  /** Its entry; replica-main.ts unless told otherwise. */
  readonly entry?: string;
  /** Options of Node, in front of the entry. */
  readonly execArgv?: readonly string[];
}

const standardEntry = fileURLToPath(new URL('replica-main.ts', import.meta.url));

/**
 * Starts a replica, which ends with this process. Resolves when it listens.
 *
 * @throws Error with what it wrote to standard error, when it ends before that.
 */
export async function startReplica(options: ReplicaOptions): Promise<Replica> {
  const child = spawn(process.execPath, [...(options.execArgv ?? []), options.entry ?? standardEntry], {
    env: { ...options.env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    // In a process group of its own: Ctrl-C reaches this process only, which stops things in their order.
    detached: true,
  });
  const { stdout, stderr } = child;
  if (stdout === null || stderr === null) {
    throw new Error('the output of a replica is not a pipe');
  }
  let isReady = false;
  let errors = '';
  stderr.on('data', (chunk: Buffer) => {
    if (isReady) {
      process.stderr.write(chunk);
    } else {
      errors += chunk.toString();
    }
  });
  createInterface(stdout).on('line', (line) => options.onLine(`${line}\n`));
  const ended = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
  const ports = await readPorts(child, () => errors.trim());
  isReady = true;
  return { ...ports, pid: child.pid ?? 0, ended, signal: (name) => void child.kill(name) };
}

async function readPorts(
  child: ChildProcess,
  errors: () => string,
): Promise<{ readonly apiPort: number; readonly opsPort: number }> {
  return await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => reject(new Error(`a replica ended at its start: ${errors()}`)));
    child.once('message', (message) => {
      if (isJsonObject(message)) {
        resolve({ apiPort: Number(message['apiPort']), opsPort: Number(message['opsPort']) });
      }
    });
  });
}
