import { inspect } from 'node:util';
import { envFileOption, readCommandLine, UsageError } from '../base/command-line.ts';
import { ConfigError } from '../base/env/config-error.ts';
import { loadEnvFiles } from '../base/env/env-file.ts';
import { createLineBuffer, type LogDestination } from './line-buffer.ts';
import { openLogFile } from './log-file.ts';
import { createLogOutput } from './log-output.ts';
import { type Pending, tellWhatIsWaitedFor } from './stop-notice.ts';
import { onStopSignals } from './stop-signals.ts';

/** Something that runs until it is told to stop. */
interface Stoppable {
  start(): Promise<unknown>;
  stop(): Promise<void>;
  /** What a stop waits for; asked while it does. */
  pending?(): Pending | Promise<Pending>;
}

/** What a process is. */
interface Identity {
  /** What it is called on standard error, and by its users. */
  readonly name: string;
  /** One sentence, for `--help`. */
  readonly summary: string;
  /** The variables that say where it listens, for the message on a taken port. */
  readonly addressVariables: string;
}

/** Longest wait for the last lines to be written: at an end in order, and at once; in milliseconds. */
const logEndMs = 1_500;
const logEndNowMs = 100;

/**
 * The life of a process: reads the files named by `--env-file`, builds and starts, stops in order on the
 * first SIGTERM or SIGINT (exit code 0) and at once on a second (130), and writes to standard error why
 * it cannot run (1).
 *
 * @param identity what it is.
 * @param build reads the configuration and wires everything up.
 */
export async function runProcess(
  { name, summary, addressVariables }: Identity,
  build: (logDestination: LogDestination) => Stoppable | Promise<Stoppable>,
): Promise<void> {
  const output = createLogOutput(openLogFile(1));
  const lines = { ...createLineBuffer(output), lostLines: () => output.lostLines() };
  const errors = createLogOutput(openLogFile(2));
  const tell = (text: string): void => errors.write(`${text}\n`, 1, true);

  function endWithError(error: unknown): void {
    tell(`${name} cannot run: ${describeFailure(error, addressVariables)}`);
    void exitAfterLog(1, logEndMs);
  }

  /** The first call whose lines are written, or whose time is over, ends the process. */
  async function exitAfterLog(code: number, withinMs: number): Promise<void> {
    lines.flush();
    const lost = await output.end(withinMs);
    if (lost !== undefined) {
      tell(`${name}: ${lost.lines} log line(s) could not be written: ${lost.cause}`);
    }
    await errors.end(logEndNowMs);
    process.exit(code);
  }

  // A defect leaves the process in an unknown state: only the buffered log lines are written, `stop` is not called.
  process.on('uncaughtException', endWithError);
  process.on('unhandledRejection', endWithError);
  // Before anything else: as PID 1, in a container, a process without a handler ignores SIGTERM.
  let app: Stoppable | undefined;
  onStopSignals({
    stop() {
      tellWhatIsWaitedFor(name, () => app?.pending?.() ?? {}, tell);
      void (app?.stop() ?? Promise.resolve()).then(() => exitAfterLog(0, logEndMs), endWithError);
    },
    stopNow() {
      tell(`${name}: ended at once by a second signal`);
      void exitAfterLog(130, logEndNowMs);
    },
  });
  try {
    const line = readCommandLine({ name, summary, options: envFileOption }, process.argv.slice(2));
    if (line.answer !== undefined) {
      output.write(`${line.answer}\n`, 1, false);
      await exitAfterLog(0, logEndMs);
    }
    loadEnvFiles(line.values('env-file'));
    app = await build(lines);
    await app.start();
  } catch (error) {
    endWithError(error);
  }
}

/** Without a stack for mistakes of configuration: wrong variables, a taken port, an unknown host. */
function describeFailure(error: unknown, addressVariables: string): string {
  if (error instanceof ConfigError || error instanceof UsageError) {
    return error.message;
  }
  if (error instanceof Error && 'syscall' in error) {
    return `${error.message} (see ${addressVariables})`;
  }
  return inspect(error);
}
