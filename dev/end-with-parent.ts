import { spawn } from 'node:child_process';

/**
 * Ends another process when this one ends, by SIGKILL too: a shell reads from a pipe of which this
 * process is the only writer, and the kernel closes it with the process.
 *
 * @param signal sent to the process `pid` then.
 * @param directory removed after it, when given.
 * @returns ends the shell; to be called when the process `pid` has ended by itself.
 */
export function endWithParent(pid: number, signal: 'KILL' | 'TERM', directory?: string): () => void {
  const script = `read line || { kill -${signal} "$1"; test -z "$2" || { sleep 1; rm -rf "$2"; }; }`;
  const watch = spawn('sh', ['-c', script, 'end-with-parent', String(pid), directory ?? ''], {
    stdio: ['pipe', 'ignore', 'ignore'],
    // In a process group of its own: Ctrl-C must not end the shell before it has done its work.
    detached: true,
  });
  watch.unref();
  watch.on('error', () => undefined);
  watch.stdin.on('error', () => undefined);
  return () => void watch.stdin.end('\n');
}
