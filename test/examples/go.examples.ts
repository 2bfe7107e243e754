import { expect, test } from 'vitest';
import { copyExample, has, runIn, startSim, testsOfEach } from './run-example.ts';

const isMissing = !has('go', 'version');

test.skipIf(isMissing && process.env['CI'] !== 'true')(
  'the order service in Go passes its tests',
  async () => {
    const folder = copyExample('go');
    const output = await runIn(folder, 'go vet ./... && go test -count=1 -v ./...', {
      PAYMENT_SIM_URL: await startSim(),
      // The Go of the machine, and no other that a registry may have.
      GOTOOLCHAIN: 'local',
    });
    expect(output.match(/^--- PASS/gm)?.length).toBeGreaterThanOrEqual(testsOfEach);
    expect(output).not.toMatch(/--- (FAIL|SKIP)/);
  },
);
