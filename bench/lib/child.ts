import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The repository. */
export const root = fileURLToPath(new URL('../../', import.meta.url));

const running = new Set<ChildProcess>();
process.once('exit', () => running.forEach((child) => child.kill('SIGKILL')));
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => process.exit(130));
}

/** A Node process of the benchmark, with a channel for messages. */
export interface NodeChild {
  readonly pid: number;
  /** Sends a message and resolves with the next one that comes back. @throws when the process ends first. */
  ask(message: unknown): Promise<unknown>;
  /** SIGTERM, and SIGKILL if it takes more than five seconds. */
  stop(): Promise<void>;
}

/**
 * Starts a script with this Node. It dies with the benchmark at the latest.
 *
 * @param script path in the repository.
 * @param options.logPath where its standard output goes, as `> file` would do it; the terminal otherwise.
 */
export function startNode(
  script: string,
  options: {
    readonly env?: Readonly<Record<string, string>>;
    readonly nodeArguments?: readonly string[];
    readonly logPath?: string;
  } = {},
): NodeChild {
  const log = options.logPath === undefined ? undefined : openSync(options.logPath, 'w');
  const child = fork(script, {
    cwd: root,
    // Nothing of the caller's shell shall change what is measured.
    env: { PATH: process.env['PATH'] ?? '', ...options.env },
    execArgv: [...(options.nodeArguments ?? [])],
    stdio: ['ignore', log ?? 'inherit', 'inherit', 'ipc'],
  });
  if (log !== undefined) {
    closeSync(log);
  }
  running.add(child);
  const ended = once(child, 'exit').then(() => void running.delete(child));
  return {
    pid: child.pid ?? 0,
    async ask(message) {
      const answer = once(child, 'message');
      child.send(message as object);
      const first = await Promise.race([answer, ended]);
      if (first === undefined) {
        throw new Error(`${script} has ended`);
      }
      return (first as unknown[])[0];
    },
    async stop() {
      child.kill();
      const force = setTimeout(() => child.kill('SIGKILL'), 5_000);
      await ended;
      clearTimeout(force);
    },
  };
}
