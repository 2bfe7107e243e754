import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Manifest } from './manifests.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const run = promisify(execFile);

/**
 * Checks manifests against Kubernetes' own OpenAPI schemas, and those of the Prometheus operator,
 * as npm's `kubernetes-models` has them: by its types, which refuse a field that does not exist (the
 * schemas let it pass), and by its validators, which look at values as well.
 *
 * @returns what is wrong; empty when nothing is.
 */
export async function findSchemaMistakes(manifests: readonly Manifest[]): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'payment-sim-manifests-'));
  try {
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
    writeFileSync(join(folder, 'manifests.ts'), manifests.map(toTypeScript).join('\n'));
    const tsc = [
      join(root, 'node_modules/typescript/bin/tsc'),
      'manifests.ts',
      '--noEmit',
      '--strict',
      '--skipLibCheck',
    ];
    const options = ['--target', 'es2022', '--module', 'nodenext', '--ignoreConfig'];
    await run(process.execPath, [...tsc, ...options], { cwd: folder });
    await run(process.execPath, ['manifests.ts'], { cwd: folder });
    return '';
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    return stdout + stderr;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function toTypeScript(manifest: Manifest, index: number): string {
  const { apiVersion, kind } = manifest;
  const base = apiVersion.startsWith('monitoring.coreos.com/')
    ? '@kubernetes-models/prometheus-operator'
    : 'kubernetes-models';
  const name = `${kind}${index}`;
  return `import { ${kind} as ${name}, type I${kind} as I${name} } from '${base}/${apiVersion}';
const manifest${index}: I${name} = ${JSON.stringify(manifest, undefined, 2)};
new ${name}(manifest${index}).validate();
`;
}
