import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { digestOfSources, overlays, renderedFile } from './rendered-manifests.ts';

/**
 * `npm run k8s:render`: writes what kustomize makes of every overlay, so that it can be reviewed,
 * checked and applied without kustomize. Needs kubectl 1.27 or newer.
 */
const folder = fileURLToPath(new URL('.', import.meta.url));
for (const overlay of overlays) {
  const manifests = execFileSync('kubectl', ['kustomize', `${folder}overlays/${overlay}`], {
    encoding: 'utf8',
  });
  writeFileSync(
    renderedFile(overlay),
    `# Made by \`npm run k8s:render\`; do not edit. Sources: ${digestOfSources()}\n${manifests}`,
  );
  process.stdout.write(`rendered/${overlay}.yaml\n`);
}
