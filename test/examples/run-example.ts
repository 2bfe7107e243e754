import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { startPaymentSim } from '../../src/index.ts';

/* A project of examples/, copied to where nothing of this repository is around it, as those do who take it. */

export const root = fileURLToPath(new URL('../../', import.meta.url));

/** Every test that each project has, whatever its language calls it: see examples/README.md. */
export const testsOfEach = 10;

/** Whether a program is there. */
export function has(program: string, versionFlag = '--version'): boolean {
  return spawnSync(program, [versionFlag]).error === undefined;
}

/** The folder of a copy of the project, without what running it has left; it goes when the test is finished. */
export function copyExample(name: string, alsoCopied: readonly string[] = []): string {
  const folder = mkdtempSync(join(tmpdir(), `payment-sim-${name}-`));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const path of [`examples/${name}`, ...alsoCopied]) {
    cpSync(join(root, path), join(folder, path), {
      recursive: true,
      filter: (source) => !leftovers.has(basename(source)),
    });
  }
  return join(folder, 'examples', name);
}

/** What a run makes, and git does not know. */
const leftovers = new Set([
  'node_modules',
  'target',
  'generated',
  '.venv',
  '.pytest_cache',
  '.mypy_cache',
  '__pycache__',
]);

/** Starts the simulator that the project's tests call. @returns its address. */
export async function startSim(): Promise<string> {
  const sim = await startPaymentSim();
  onTestFinished(() => sim.stop());
  return sim.apiUrl;
}

/**
 * Runs a shell command in a folder.
 *
 * @returns what it wrote, both ways. @throws with that when it fails.
 */
export async function runIn(
  folder: string,
  command: string,
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const child = spawn('bash', ['-euo', 'pipefail', '-c', command], {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
  }
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  if (code !== 0) {
    throw new Error(`${command}\nended with ${code}:\n${output}`);
  }
  return output;
}
