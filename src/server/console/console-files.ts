import { readdir, readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

/** A file of the console, as it is sent. */
export interface ConsoleFile {
  readonly type: string;
  readonly bytes: Buffer;
  readonly gzipped: Buffer;
  /** Whether its name changes with what is in it. */
  readonly lasts: boolean;
}

const types: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.txt': 'text/plain; charset=utf-8',
};

/** Reads the built console, by path. @throws when the folder is not there. */
export async function readConsoleFiles(folder: string): Promise<ReadonlyMap<string, ConsoleFile>> {
  const assets = await readdir(`${folder}/assets`);
  const paths = ['/index.html', ...assets.map((name) => `/assets/${name}`)];
  const files = await Promise.all(
    paths.map(async (path) => [path === '/index.html' ? '/' : path, await read(folder, path)] as const),
  );
  return new Map(files);
}

async function read(folder: string, path: string): Promise<ConsoleFile> {
  const bytes = await readFile(`${folder}${path}`);
  return {
    type: types[extname(path)] ?? 'application/octet-stream',
    bytes,
    gzipped: await promisify(gzip)(bytes),
    lasts: path.startsWith('/assets/'),
  };
}
