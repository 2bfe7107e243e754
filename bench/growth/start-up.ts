import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { root } from '../lib/child.ts';
import { startService } from '../lib/service.ts';

/** From the start of the process to the first answered create, in milliseconds, one per start. */
export interface StartUpResult {
  readonly source: readonly number[];
  readonly built: readonly number[];
}

/** Starts the service from `src` and from a fresh `dist` in turns. */
export async function measureStartUp(starts: number): Promise<StartUpResult> {
  await promisify(execFile)('npm', ['run', 'build'], { cwd: root });
  const result = { source: [] as number[], built: [] as number[] };
  for (let start = 0; start < starts; start += 1) {
    result.source.push(await startOnce('src/main.ts'));
    result.built.push(await startOnce('dist/main.js'));
  }
  return result;
}

async function startOnce(entry: string): Promise<number> {
  const service = await startService({ EVENTBRIDGE: 'auto' }, { entry });
  await service.stop();
  return service.firstAnswerMs;
}
