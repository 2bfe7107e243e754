import { constants, openSync } from 'node:fs';
import { isatty } from 'node:tty';

/**
 * A file descriptor for standard output whose writes fail instead of blocking: libuv joins its threads when
 * the process ends, so one that is blocked in a write would hold up the end for as long as nobody reads.
 *
 * @returns 1 itself, or a descriptor of the same terminal.
 */
export function openLogFile(): number {
  if (isatty(1)) {
    // A description of its own: that of 1 is shared with the shell, which a non-blocking terminal would confuse.
    try {
      return openSync('/proc/self/fd/1', constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    } catch {
      // Not Linux. There a terminal that was stopped (Ctrl-S) holds up the end until it goes on.
      return 1;
    }
  }
  // Node makes pipes and sockets non-blocking when it opens its stream for them. Files never block.
  process.stdout.on('error', ignore);
  return 1;
}

function ignore(): void {}
