import { clearLine, cursorTo } from 'node:readline';

/** Where something that takes long says how far it is. */
export interface Progress {
  /** Replaces what was said before; at most ten times a second. */
  tell(text: string): void;
  /** Takes away what was said, so that other lines may follow. */
  end(): void;
}

const everyMs = 100;

/** Says how far something is, in the last line of a terminal; elsewhere nothing. */
export function createProgress(stream: NodeJS.WriteStream): Progress {
  let toldAtMs = -Infinity;
  let isShown = false;
  return {
    tell(text) {
      const nowMs = performance.now();
      if (stream.isTTY && nowMs - toldAtMs >= everyMs) {
        toldAtMs = nowMs;
        isShown = true;
        cursorTo(stream, 0);
        stream.write(text.slice(0, Math.max(0, stream.columns - 1)));
        clearLine(stream, 1);
      }
    },
    end() {
      if (isShown) {
        isShown = false;
        cursorTo(stream, 0);
        clearLine(stream, 0);
      }
    },
  };
}
