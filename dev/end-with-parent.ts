import { spawn } from 'node:child_process';

/**
 * Sees that a process does not outlive this one, however this one ends: a shell waits for the end of
 * a pipe that the system closes with us.
 *
 * @param signal what the process gets then.
 * @param directory removed with it, when given.
 * @returns ends the watch, for a process that has ended by itself.
 */
export function endWithParent(pid: number, signal: 'KILL' | 'TERM', directory?: string): () => void {
  const script = `read line || { kill -${signal} "$1"; test -z "$2" || { sleep 1; rm -rf "$2"; }; }`;
  const watch = spawn('sh', ['-c', script, 'end-with-parent', String(pid), directory ?? ''], {
    stdio: ['pipe', 'ignore', 'ignore'],
    // Ctrl-C is for us: the watch must still be there afterwards.
    detached: true,
  });
  watch.unref();
  watch.on('error', () => undefined);
  watch.stdin.on('error', () => undefined);
  return () => void watch.stdin.end('\n');
}
