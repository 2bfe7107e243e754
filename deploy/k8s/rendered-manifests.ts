import { createHash } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const overlays = ['development', 'staging', 'production', 'production-grpc-probes'] as const;
export type Overlay = (typeof overlays)[number];

const folder = fileURLToPath(new URL('.', import.meta.url));

/** Where the manifests of an overlay are. */
export function renderedFile(overlay: Overlay): string {
  return `${folder}rendered/${overlay}.yaml`;
}

/** A digest of all that kustomize reads; the rendered files carry it, so that old ones are noticed. */
export function digestOfSources(): string {
  const hash = createHash('sha256');
  const files = globSync('{base,worker,components,overlays}/**/*.{yaml,env}', { cwd: folder }).toSorted();
  for (const file of files) {
    hash.update(`${file}\0${readFileSync(folder + file, 'utf8')}\0`);
  }
  return hash.digest('hex').slice(0, 16);
}
