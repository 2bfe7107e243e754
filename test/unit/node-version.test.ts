import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { describeNodeProblem } from '../../src/base/node-version.ts';

test.each(['22.20.0', '22.21.1', '23.0.0', '24.21.0', '100.0.0'])('%s will do', (version) => {
  expect(describeNodeProblem(version)).toBeUndefined();
});

test.each(['20.20.2', '22.19.9', '18.0.0', '9.99.9'])('%s will not', (version) => {
  expect(describeNodeProblem(version)).toBe(`payment-sim needs Node 22.20 or newer, this is ${version}`);
});

test('the oldest that will do is that of the manifest', () => {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const { engines } = JSON.parse(manifest) as { engines: { node: string } };
  const oldest = engines.node.replace('>=', '');
  expect(describeNodeProblem(oldest)).toBeUndefined();
  expect(describeNodeProblem('0.0.0')).toContain(`Node ${oldest.replace(/\.0$/, '')} or newer`);
});
