import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { codeBlocksOf } from '../docs/readme.ts';
import { copyExample, has, runIn, startSim, testsOfEach } from './run-example.ts';

const isMissing = !has('python3');

test.skipIf(isMissing && process.env['CI'] !== 'true')(
  'the order service in Python passes its tests, by the commands of its README',
  async () => {
    const folder = copyExample('python', ['proto']);
    const commands = codeBlocksOf(readFileSync(join(folder, 'README.md'), 'utf8'))
      .filter(({ language, text }) => language === 'sh' && !text.startsWith('npm'))
      .map(({ text }) => text.trim());
    expect(commands).toHaveLength(3);
    const output = await runIn(folder, [...commands, 'mypy'].join('\n'), {
      PAYMENT_SIM_URL: await startSim(),
    });
    const [, passed] = /(\d+) passed/.exec(output) ?? [];
    expect(Number(passed)).toBeGreaterThanOrEqual(testsOfEach);
    expect(output).not.toMatch(/\d+ (failed|skipped)/);
  },
);
