import { inspect } from 'node:util';
import { destination, type DestinationStream } from 'pino';
import { ConfigError } from '../base/env/config-error.ts';
import { loadEnvFiles } from '../base/env/env-file.ts';
import { createLineBuffer } from './line-buffer.ts';
import { onStopSignals } from './stop-signals.ts';

/** Something that runs until it is told to stop. */
interface Stoppable {
  start(): Promise<unknown>;
  stop(): Promise<void>;
}

/** Longest wait for the last lines to be written, in milliseconds. */
const logEndMs = 2_000;

/**
 * The life of a process: reads the files named by `--env-file`, builds and starts, stops in order on the
 * first SIGTERM or SIGINT (exit code 0) and at once on a second (130), and writes to standard error why
 * it cannot run (1).
 *
 * @param name what it is called on standard error.
 * @param addressVariables the variables that say where it listens, for the message on a taken port.
 * @param build reads the configuration and wires everything up.
 */
export async function runProcess(
  name: string,
  addressVariables: string,
  build: (logDestination: DestinationStream) => Stoppable | Promise<Stoppable>,
): Promise<void> {
  const log = destination({ fd: 1, sync: false });
  const lines = createLineBuffer(log);

  function endWithError(error: unknown): void {
    process.exitCode = 1;
    process.stderr.write(`${name} cannot run: ${describeFailure(error, addressVariables)}\n`);
    exitAfterLog(1);
  }

  /** By `end`, since `flushSync` does not wait for a write in progress, and lines would be out of order. */
  function exitAfterLog(code: number): void {
    lines.flush();
    log.once('close', () => process.exit(code));
    log.end();
    // A pipe without a reader (EPIPE) never emits `close`.
    setTimeout(() => process.exit(code), logEndMs);
  }

  // A defect leaves the process in an unknown state: only the buffered log lines are written, `stop` is not called.
  process.on('uncaughtException', endWithError);
  process.on('unhandledRejection', endWithError);
  // Before anything else: as PID 1, in a container, a process without a handler ignores SIGTERM.
  let app: Stoppable | undefined;
  onStopSignals({
    stop: () => void (app?.stop() ?? Promise.resolve()).then(() => exitAfterLog(0), endWithError),
    stopNow: () => exitAfterLog(130),
  });
  try {
    refuseWords(loadEnvFiles(process.argv.slice(2)).words);
    app = await build(lines);
    await app.start();
  } catch (error) {
    endWithError(error);
  }
}

/** Positional arguments are mistakes: `payment-sim-api x.env` would otherwise start without x.env. */
function refuseWords(words: readonly string[]): void {
  if (words.length > 0) {
    throw new ConfigError(words.map((word) => `"${word}" is not understood; there is --env-file FILE`));
  }
}

/** Without a stack for mistakes of configuration: wrong variables, a taken port, an unknown host. */
function describeFailure(error: unknown, addressVariables: string): string {
  if (error instanceof ConfigError) {
    return error.message;
  }
  if (error instanceof Error && 'syscall' in error) {
    return `${error.message} (see ${addressVariables})`;
  }
  return inspect(error);
}
