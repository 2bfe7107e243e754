import type { DestinationStream } from 'pino';

/** Where log lines go. */
export interface LogDestination extends DestinationStream {
  /** How many lines could not be written so far; not there when none is ever lost. */
  lostLines?(): number;
}

/** Takes lines together. */
export interface LineSink {
  /**
   * @param text whole lines, with their line feeds.
   * @param lines how many.
   * @param isUrgent whether an error is among them.
   */
  write(text: string, lines: number, isUrgent: boolean): void;
}

/** Collects log lines and writes them together. */
interface LineBuffer extends DestinationStream {
  /** Writes what is buffered. */
  flush(): void;
}

/** The buffer is written at this length, in characters, or after this time, in milliseconds. */
const maxLength = 32_768;
const maxWaitMs = 100;
/** How pino's lines of the level `error` begin. */
const errorStart = '{"level":"error"';

/**
 * A buffer in front of `destination`: a system call for every line was a tenth of a busy service's CPU
 * time. pino's own destination can buffer too, but measures its whole buffer again with every line,
 * which allocates 9 kB each.
 */
export function createLineBuffer(destination: LineSink): LineBuffer {
  let lines: string[] = [];
  let length = 0;
  let timer: NodeJS.Timeout | undefined;

  function flush(isUrgent: boolean): void {
    clearTimeout(timer);
    timer = undefined;
    if (length > 0) {
      const text = lines.join('');
      const count = lines.length;
      lines = [];
      length = 0;
      destination.write(text, count, isUrgent);
    }
  }

  const flushInTime = (): void => flush(false);

  return {
    write(line) {
      // An error may be the last line before a crash, which would lose what is buffered.
      const isUrgent = line.startsWith(errorStart);
      lines.push(line);
      length += line.length;
      if (length >= maxLength || isUrgent) {
        flush(isUrgent);
      } else {
        timer ??= setTimeout(flushInTime, maxWaitMs);
      }
    },
    flush: flushInTime,
  };
}
