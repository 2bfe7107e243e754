import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/* What pip and Maven bring, kept between runs. */

const run = promisify(execFile);
const cache = join(homedir(), '.cache/payment-sim');

/** Of an install, with all that it downloads; in milliseconds. */
export const installMs = 300_000;

/** Whether a command is missing where that is no failure; in CI it is one, of the install. */
export function isMissing(command: string, versionOption: string): boolean {
  return process.env['CI'] !== 'true' && spawnSync(command, [versionOption]).error !== undefined;
}

/** What is to be installed. */
interface Wanted {
  readonly name: string;
  /** The file that says which versions. */
  readonly list: string;
  /** Its first group is the version, for who looks at the folders. */
  readonly version: RegExp;
  /** A path in the folder that exists only when all is there. */
  readonly proof: string;
}

/**
 * The folder with what `install` puts into the one it is given, which happens once for each content of the list.
 *
 * @throws Error when `install` does.
 */
export async function keptInstall(
  { name, list, version, proof }: Wanted,
  install: (folder: string) => Promise<void>,
): Promise<string> {
  const text = readFileSync(list, 'utf8');
  const mark = createHash('sha256').update(text).digest('hex').slice(0, 8);
  const folder = join(cache, `${name}-${version.exec(text)?.[1] ?? ''}-${mark}`);
  if (!existsSync(join(folder, proof))) {
    // Renamed when it is complete, so that a run that is cut short leaves nothing half installed.
    const draft = `${folder}.${process.pid}`;
    rmSync(draft, { recursive: true, force: true });
    mkdirSync(draft, { recursive: true });
    await install(draft);
    rmSync(folder, { recursive: true, force: true });
    renameSync(draft, folder);
  }
  return folder;
}

/** Runs a command of an install. @throws Error with its output when it fails or takes too long. */
export async function runInstall(command: string, args: readonly string[]): Promise<void> {
  await run(command, args, { timeout: installMs });
}
