import { execFileSync } from 'node:child_process';

/** Puts a process, its threads and what it starts later on one core. */
export function pin(pid: number, core: number): void {
  execFileSync('taskset', ['-a', '-c', '-p', String(core), String(pid)], { stdio: 'ignore' });
}

/** Puts the main thread of a process on one core, and leaves its helpers where they are. */
export function pinMainThread(pid: number, core: number): void {
  execFileSync('taskset', ['-c', '-p', String(core), String(pid)], { stdio: 'ignore' });
}
