import { createRequire } from 'node:module';

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
