import { expect, test } from 'vitest';
import { copyExample, has, runIn, startSim, testsOfEach } from './run-example.ts';

const isMissing = !has('mvn') || !has('java', '-version');

test.skipIf(isMissing && process.env['CI'] !== 'true')(
  'the order service in Kotlin passes its tests',
  async () => {
    const folder = copyExample('kotlin', ['proto']);
    const output = await runIn(folder, 'mvn --batch-mode --no-transfer-progress test', {
      PAYMENT_SIM_URL: await startSim(),
    });
    const [, run, failures, errors, skipped] =
      /Tests run: (\d+), Failures: (\d+), Errors: (\d+), Skipped: (\d+)\s*$/m.exec(output) ?? [];
    expect(Number(run)).toBeGreaterThanOrEqual(testsOfEach);
    expect([failures, errors, skipped]).toEqual(['0', '0', '0']);
  },
);
