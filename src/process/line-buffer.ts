import type { DestinationStream } from 'pino';

/** Gathers log lines and passes them on together. */
export interface LineBuffer extends DestinationStream {
  /** Passes on what is gathered. */
  flush(): void;
}

/** So much is gathered at most, in characters, and for so long, in milliseconds. */
const maxLength = 32_768;
const maxWaitMs = 100;
/** How the lines of errors begin. */
const errorStart = '{"level":"error"';

/**
 * A system call for every line was a tenth of a busy service's CPU time. pino's own destination can
 * gather lines too, but measures all it has gathered again for every line: 9 kB of garbage each.
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
      // An error may be the last thing that is heard of a process, or of an event.
      if (length >= maxLength || line.startsWith(errorStart)) {
        flush();
      } else {
        timer ??= setTimeout(flush, maxWaitMs);
      }
    },
    flush,
  };
}
