import type { DestinationStream } from 'pino';

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
export function createLineBuffer(destination: DestinationStream): LineBuffer {
  let lines: string[] = [];
  let length = 0;
  let timer: NodeJS.Timeout | undefined;

  function flush(): void {
    clearTimeout(timer);
    timer = undefined;
    if (length > 0) {
      const text = lines.join('');
      lines = [];
      length = 0;
      destination.write(text);
    }
  }

  return {
    write(line) {
      lines.push(line);
      length += line.length;
      // An error may be the last line before a crash, which would lose what is buffered.
      if (length >= maxLength || line.startsWith(errorStart)) {
        flush();
      } else {
        timer ??= setTimeout(flush, maxWaitMs);
      }
    },
    flush,
  };
}
