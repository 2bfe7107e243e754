import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** Where the built console is, and how it comes there. */
export interface ConsoleBuild {
  readonly folder: string;
  /** Builds it where its sources are and have changed since. @throws when they cannot be built. */
  bringUpToDate(): Promise<void>;
}

const root = new URL('../../../', import.meta.url);
const folder = fileURLToPath(new URL('dist/console', root));
const sources = fileURLToPath(new URL('console', root));
const script = `${sources}/build.ts`;
/** A build takes about half a second. In milliseconds. */
const timeoutMs = 60_000;

/**
 * The console of this package. A checkout builds it when somebody opens it, so that its start waits for nothing; the
 * package and the image have it built, and no sources.
 */
export function findConsole(): ConsoleBuild {
  if (!existsSync(script)) {
    return { folder, bringUpToDate: async () => undefined };
  }
  let underWay: Promise<void> | undefined;
  return {
    folder,
    bringUpToDate: () => (underWay ??= buildIfStale().finally(() => (underWay = undefined))),
  };
}

async function buildIfStale(): Promise<void> {
  const builtMs = await changedMs(`${folder}/index.html`);
  if (builtMs < (await newestMs())) {
    // In a process of its own: bundling would hold up calls.
    await promisify(execFile)(process.execPath, [script], { timeout: timeoutMs });
  }
}

async function newestMs(): Promise<number> {
  const names = await readdir(sources, { recursive: true });
  const times = await Promise.all(names.map((name) => changedMs(`${sources}/${name}`)));
  return Math.max(...times);
}

async function changedMs(path: string): Promise<number> {
  return await stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  );
}
