import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { missingGo, runTool } from '../conformance/tools.ts';

const folder = fileURLToPath(new URL('go/', import.meta.url));
const service = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

test.skipIf(missingGo())(
  'grpc-go sees what it should of calls, stops, restarts, health and reflection (needs Go)',
  async () => {
    const { code, output } = await runTool(
      'sh',
      ['-ec', `cd '${folder}' && go vet ./... && go test -count=1 -v ./...`],
      {
        PAYMENT_SIM: `${process.execPath} ${service}`,
        GOTOOLCHAIN: 'local',
      },
    );
    expect(code, output).toBe(0);
    expect(output.match(/^--- PASS/gm)?.length).toBe(12);
    expect(output).not.toMatch(/--- (FAIL|SKIP)/);
  },
);
