import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { copyExample, root, runIn, testsOfEach } from './run-example.ts';

test('the order service in TypeScript passes its tests, with the package as it would be published', async () => {
  const folder = copyExample('typescript');
  const packed = await runIn(root, `npm pack --silent --pack-destination ${folder}`);
  const file = packed.trim().split('\n').at(-1) ?? '';
  await rename(join(folder, file), join(folder, 'payment-sim.tgz'));
  const output = await runIn(folder, 'npm ci --no-audit --no-fund && npm run typecheck && npm test', {
    // Not those of the suite that this runs in.
    VITEST: '',
    CI: 'true',
  });
  const [, passed] = /Tests\s+(\d+) passed/.exec(stripVTControlCharacters(output)) ?? [];
  expect(Number(passed)).toBeGreaterThanOrEqual(testsOfEach);
});
