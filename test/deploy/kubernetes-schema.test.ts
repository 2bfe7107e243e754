import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { digestOfSources, overlays, renderedFile } from '../../deploy/k8s/rendered-manifests.ts';
import { findSchemaMistakes } from './check-schema.ts';
import { type Manifest, readManifests } from './manifests.ts';

const folder = fileURLToPath(new URL('../../deploy/k8s/', import.meta.url));

/** `kubectl kustomize` of 1.27 or newer; older ones do not know components. */
function hasKubectl(): boolean {
  try {
    const { kustomizeVersion } = JSON.parse(
      execFileSync('kubectl', ['version', '--client', '--output=json'], { encoding: 'utf8' }),
    ) as { kustomizeVersion: string };
    return kustomizeVersion.startsWith('v5');
  } catch {
    return false;
  }
}

describe.each(overlays)('rendered/%s.yaml', (overlay) => {
  test('is up to date: else `npm run k8s:render`', () => {
    expect(readFileSync(renderedFile(overlay), 'utf8').split('\n')[0]).toContain(digestOfSources());
  });

  test.runIf(hasKubectl())('is what kustomize makes', () => {
    const made = execFileSync('kubectl', ['kustomize', `${folder}overlays/${overlay}`], { encoding: 'utf8' });
    expect(readManifests(overlay)).toEqual(
      parseAllDocuments(made).map((document) => document.toJS() as unknown),
    );
  });
});

test('the manifests have only what the schemas of Kubernetes know', async () => {
  const all = overlays.flatMap((overlay) => readManifests(overlay));
  expect(all.length).toBeGreaterThan(30);
  expect(await findSchemaMistakes(all)).toBe('');
});

/** The manifests of production with a mistake in them. */
function withMistake(right: string, wrong: string): Manifest[] {
  const text = JSON.stringify(readManifests('production'));
  expect(text).toContain(right);
  return JSON.parse(text.replace(right, wrong)) as Manifest[];
}

test('misspelt, missing and wrong fields are found', async () => {
  const selector = '"selector":{"matchLabels":{"app.kubernetes.io/name":"payment-sim"}},';
  const mistakes = await findSchemaMistakes([
    ...withMistake('"livenessProbe"', '"livenessprobe"'),
    ...withMistake('"periodSeconds":10', '"periodSeconds":"10s"'),
    ...withMistake(`${selector}"strategy"`, '"strategy"'),
    ...withMistake('"interval"', '"intervall"'),
  ]);
  expect(mistakes).toMatch(/"livenessprobe"' does not exist in type 'IContainer'/);
  expect(mistakes).toMatch(/'string' is not assignable to type 'number'/);
  expect(mistakes).toMatch(/"selector"' is missing in type/);
  expect(mistakes).toMatch(/"intervall"' does not exist in type 'IEndpoint'/);
  expect(mistakes.match(/error TS/g)).toHaveLength(4);
});

test('so are values that only look right', async () => {
  const mistakes = await findSchemaMistakes(withMistake('"memory":"512Mi"', '"memory":"512 Mi"'));
  expect(mistakes).toContain('/spec/template/spec/containers/0/resources/limits/memory');
});
