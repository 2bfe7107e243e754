import { constants, openSync } from 'node:fs';
import { isatty } from 'node:tty';

/**
 * A file descriptor for standard output or standard error whose writes fail instead of blocking: libuv joins
 * its threads when the process ends, so one that is blocked in a write would hold up the end for as long as
 * nobody reads.
 *
 * @param fd 1 or 2.
 * @returns the same, or a descriptor of the same terminal.
 */
export function openLogFile(fd: 1 | 2): number {
  if (isatty(fd)) {
    // A description of its own: that of `fd` is shared with the shell, which a non-blocking terminal would confuse.
    try {
      return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    } catch {
      // Not Linux. There a terminal that was stopped (Ctrl-S) holds up the end until it goes on.
      return fd;
    }
  }
  // Node makes pipes and sockets non-blocking when it opens its stream for them. Files never block.
  const stream = fd === 1 ? process.stdout : process.stderr;
  stream.on('error', ignore);
  return fd;
}

function ignore(): void {}
