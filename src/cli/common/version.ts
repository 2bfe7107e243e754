import { readFileSync } from 'node:fs';

/** Of the package, which lies three folders above this file in `src` and in `dist`. */
export function readVersion(): string {
  const manifest: { readonly version: string } = JSON.parse(
    readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'),
  );
  return manifest.version;
}
