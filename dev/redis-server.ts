import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runSteps } from '../src/base/run-steps.ts';
import { endWithParent } from './end-with-parent.ts';

/** How the server is started; everything has a default. */
export interface RedisServerOptions {
  /** Whether writes go to an append-only file and when it reaches the disk; `off` unless told otherwise. */
  readonly appendOnly?: 'off' | 'everysec' | 'always';
  readonly password?: string;
  /** Further arguments, such as `--maxmemory 10mb` in two parts. */
  readonly args?: readonly string[];
}

/** A `redis-server` on 127.0.0.1 that this process has started. */
export interface RedisServer {
  /** `redis://127.0.0.1:<port>`, with the password if there is one. */
  readonly url: string;
  readonly port: number;
  /** Of the process that runs now; undefined when none does. */
  pid(): number | undefined;
  /** Ends it in order (SIGTERM) and removes its directory. Calling it again changes nothing. */
  stop(): Promise<void>;
  /** Ends it without a chance to write anything (SIGKILL). Its files stay. */
  kill(): Promise<void>;
  /** Starts it again after `kill`, on the same port with the same files; resolves when they are read. */
  restart(): Promise<void>;
  /** Suspends the process (SIGSTOP): connections stay open, nothing is answered. */
  pause(): void;
  resume(): void;
}

/** Thrown when there is no `redis-server` on the PATH. */
export class RedisMissingError extends Error {
  constructor() {
    super('there is no redis-server on the PATH: apt-get install redis-server');
    this.name = 'RedisMissingError';
  }
}

/** How often another port is tried when one is taken. */
const portAttempts = 20;

/**
 * Starts a `redis-server` from the PATH with a directory of its own. It ends with this process,
 * however that ends. A tool for development and tests: nothing in production imports it.
 *
 * @throws RedisMissingError
 */
export async function startRedisServer(options: RedisServerOptions = {}): Promise<RedisServer> {
  const directory = await mkdtemp(join(tmpdir(), 'payment-sim-redis-'));
  let running: RunningRedis | undefined;
  let port = 0;
  try {
    for (let attempt = 1; running === undefined; attempt += 1) {
      port = choosePort();
      try {
        running = await spawnRedis(directory, port, options);
      } catch (error) {
        if (attempt === portAttempts || !isPortTaken(error)) {
          throw error;
        }
      }
    }
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    throw error;
  }

  async function end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const ending = running;
    running = undefined;
    await ending?.end(signal);
  }

  return {
    url: `redis://${options.password === undefined ? '' : `:${encodeURIComponent(options.password)}@`}127.0.0.1:${port}`,
    port,
    pid: () => running?.pid,
    async stop() {
      await runSteps([() => end('SIGTERM'), () => rm(directory, { recursive: true, force: true })]);
    },
    kill: () => end('SIGKILL'),
    async restart() {
      running ??= await spawnRedis(directory, port, options);
    },
    pause: () => running?.signal('SIGSTOP'),
    resume: () => running?.signal('SIGCONT'),
  };
}

/** Below the ephemeral ports (from 32,768 on Linux), so that no client socket takes it before a `restart`. */
function choosePort(): number {
  return randomInt(20_000, 32_000);
}

function isPortTaken(error: unknown): boolean {
  return error instanceof Error && error.message.includes('Address already in use');
}

interface RunningRedis {
  readonly pid: number;
  signal(name: NodeJS.Signals): void;
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
}

async function spawnRedis(
  directory: string,
  port: number,
  options: RedisServerOptions,
): Promise<RunningRedis> {
  const { appendOnly = 'off', password, args = [] } = options;
  const child = spawn(
    'redis-server',
    [
      '--port',
      String(port),
      '--bind',
      '127.0.0.1',
      '--dir',
      directory,
      // The log goes to standard output, where `waitUntilReady` reads it.
      '--logfile',
      '',
      '--loglevel',
      'notice',
      // No snapshots beside the append-only file.
      '--save',
      '',
      '--maxmemory-policy',
      'noeviction',
      ...(appendOnly === 'off' ? [] : ['--appendonly', 'yes', '--appendfsync', appendOnly]),
      ...(password === undefined ? [] : ['--requirepass', password]),
      ...args,
    ],
    // In a process group of its own: Ctrl-C must not end it before its clients have stopped.
    { stdio: ['ignore', 'pipe', 'pipe'], detached: true },
  );
  await waitUntilReady(child);
  const { pid } = child;
  if (pid === undefined) {
    throw new RedisMissingError();
  }
  const endWatch = endWithParent(pid, 'KILL', directory);
  child.once('exit', endWatch);
  return {
    pid,
    signal: (name) => void child.kill(name),
    async end(signal) {
      if (child.exitCode === null && child.signalCode === null) {
        const ended = once(child, 'exit');
        child.kill(signal);
        // A suspended process handles SIGTERM only after SIGCONT.
        child.kill('SIGCONT');
        await ended;
      }
    },
  };
}

/**
 * Resolves when its log says that it accepts connections, which it does after reading its files.
 *
 * @throws RedisMissingError, or Error with its log when it ends before that.
 */
async function waitUntilReady(child: ChildProcess): Promise<void> {
  let output = '';
  await new Promise<void>((resolve, reject) => {
    child.once('error', (error) => {
      reject('code' in error && error.code === 'ENOENT' ? new RedisMissingError() : error);
    });
    child.once('close', () => reject(new Error(`redis-server ended at its start: ${output}`)));
    child.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stdout?.on('data', function read(chunk: Buffer) {
      output += chunk.toString();
      if (output.includes('Ready to accept connections')) {
        child.stdout?.off('data', read).resume();
        resolve();
      }
    });
  });
}
