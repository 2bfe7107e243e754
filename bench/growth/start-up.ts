import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { root } from '../lib/child.ts';
import { startService } from '../lib/service.ts';

/** From the start of the process to the first answered create, in milliseconds. */
export interface Start {
  readonly wallMs: number;
  readonly cpuMs: number;
}

/** Every start. */
export interface StartUpResult {
  readonly source: readonly Start[];
  readonly built: readonly Start[];
}

/** Starts the service from `src` and from a fresh `dist` in turns. */
export async function measureStartUp(starts: number): Promise<StartUpResult> {
  await promisify(execFile)('npm', ['run', 'build'], { cwd: root });
  const result = { source: [] as Start[], built: [] as Start[] };
  for (let start = 0; start < starts; start += 1) {
    result.source.push(await startOnce('src/main.ts'));
    result.built.push(await startOnce('dist/main.js'));
  }
  return result;
}

async function startOnce(entry: string): Promise<Start> {
  const service = await startService({ EVENTBRIDGE: 'auto' }, { entry });
  await service.stop();
  return { wallMs: service.firstAnswerMs, cpuMs: service.firstAnswerCpuMs };
}
