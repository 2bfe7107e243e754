import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/** A server of others that runs. */
export interface StandIn {
  /** `http://127.0.0.1:<port>`. */
  readonly url: string;
  stop(): Promise<void>;
}

/** Until it listens, and until it has ended after SIGTERM; in milliseconds. */
const startMs = 45_000;
const stopMs = 5_000;
/** Of its output, in characters; what is older would fill the memory, as it logs each call. */
const keptOutput = 10_000;

/**
 * Starts a server that was told to choose a free port of 127.0.0.1, and resolves when it has said which.
 *
 * @param portPattern its first group is the port.
 */
export async function startStandIn(
  command: string,
  args: readonly string[],
  portPattern: RegExp,
): Promise<StandIn> {
  const child = spawn(command, args, {
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], PYTHONUNBUFFERED: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  try {
    const port = await portOf(child, portPattern);
    return { url: `http://127.0.0.1:${port}`, stop: () => end(child) };
  } catch (error) {
    await end(child);
    throw error;
  }
}

function portOf(child: ChildProcess, pattern: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = '';
    const fail = (why: string) => reject(new Error(`${child.spawnfile} ${why}:\n${output}`));
    const timeout = setTimeout(() => fail('did not listen in time'), startMs);
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (chunk: string) => {
        output = (output + chunk).slice(-keptOutput);
        const port = pattern.exec(output)?.[1];
        if (port !== undefined) {
          clearTimeout(timeout);
          resolve(port);
        }
      });
    }
    child.once('error', (error) => fail(error.message));
    child.once('close', () => {
      clearTimeout(timeout);
      fail('has ended');
    });
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) {
    return;
  }
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const timeout = setTimeout(() => child.kill('SIGKILL'), stopMs);
  await exited;
  clearTimeout(timeout);
}
