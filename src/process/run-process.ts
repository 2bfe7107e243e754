import { inspect } from 'node:util';
import { ConfigError } from '../base/env/config-error.ts';
import { createLineBuffer, type LineSink, type LogDestination } from './line-buffer.ts';
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
  /** The variables that say where it listens, for the message on a taken port. */
  readonly addressVariables: string;
}

/** Makes of a line, without its end, what is written instead, if anything. */
export type FormatLine = (line: string) => string | undefined;

/** The log of a process. */
export interface ProcessLog {
  readonly destination: LogDestination;
  /** Has every line written so. */
  formatLines(format: FormatLine): void;
  /** Writes a text for people as it is. */
  write(text: string): void;
}

/** Longest wait for the last lines to be written: at an end in order, and at once; in milliseconds. */
const logEndMs = 1_500;
const logEndNowMs = 100;

/**
 * The life of a process: builds and starts, stops in order on the
 * first SIGTERM or SIGINT (exit code 0) and at once on a second (130), and writes to standard error why
 * it cannot run (1).
 *
 * @param identity what it is.
 * @param build reads the configuration and wires everything up.
 */
export async function runProcess(
  { name, addressVariables }: Identity,
  build: (log: ProcessLog) => Stoppable | Promise<Stoppable>,
): Promise<void> {
  const output = createLogOutput(openLogFile(1));
  const formatted = createFormattedSink(output);
  const lines = { ...createLineBuffer(formatted), lostLines: () => output.lostLines() };
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
    app = await build({
      destination: lines,
      formatLines: (format) => formatted.formatLines(format),
      write(text) {
        lines.flush();
        output.write(text, 1, true);
      },
    });
    await app.start();
  } catch (error) {
    endWithError(error);
  }
}

/** A sink that may be told to make something else of the lines. */
function createFormattedSink(output: LineSink) {
  let format: FormatLine | undefined;
  return {
    formatLines(formatLine: FormatLine): void {
      format = formatLine;
    },
    write(text: string, count: number, isUrgent: boolean): void {
      if (format === undefined) {
        output.write(text, count, isUrgent);
        return;
      }
      const shown = text.slice(0, -1).split('\n').map(format);
      const lines = shown.flatMap((line) => (line === undefined ? [] : `${line}\n`));
      output.write(lines.join(''), count, isUrgent);
    },
  };
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
