import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll } from 'vitest';

/** The program itself: `node_modules/.bin/buf` is a script that starts Node, which starts this. */
export const bufCommand = findProgram() ?? 'node_modules/.bin/buf';

function findProgram(): string | undefined {
  const architecture = process.arch === 'arm64' && process.platform === 'linux' ? 'aarch64' : process.arch;
  try {
    const ofBuf = createRequire(createRequire(import.meta.url).resolve('@bufbuild/buf/package.json'));
    return ofBuf.resolve(`@bufbuild/buf-${process.platform}-${architecture}/bin/buf`);
  } catch {
    return undefined;
  }
}

/**
 * Compiles the contract in `proto/` once for all calls of a test file, which calls this at its beginning.
 *
 * @returns the path of what is compiled, for `--schema`.
 */
export function compileSchema(): string {
  const folder = mkdtempSync(join(tmpdir(), 'payment-sim-schema-'));
  const schema = join(folder, 'contract.binpb');
  beforeAll(() => {
    const cwd = fileURLToPath(new URL('../../../', import.meta.url));
    execFileSync(bufCommand, ['build', '--output', schema], { cwd });
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  return schema;
}
