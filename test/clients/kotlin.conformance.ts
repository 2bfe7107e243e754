import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { runTool } from '../conformance/tools.ts';

const project = fileURLToPath(new URL('kotlin/pom.xml', import.meta.url));
const service = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
// Maven does not say it when there is no JDK, only a runtime.
const isMissing = ['mvn', 'javac'].some((program) => spawnSync(program, ['-version']).error !== undefined);

test.skipIf(isMissing && process.env['CI'] !== 'true')(
  'grpc-kotlin sees what it should of calls, stops, restarts, health and reflection (needs a JDK and Maven)',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'payment-sim-grpc-kotlin-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const { code, output } = await runTool(
      'mvn',
      ['--batch-mode', '--no-transfer-progress', '--file', project, `-DbuildDirectory=${folder}`, 'test'],
      { PAYMENT_SIM: `${process.execPath} ${service}` },
    );
    expect(code, output).toBe(0);
    expect(output).toMatch(/Tests run: 12, Failures: 0, Errors: 0, Skipped: 0\s*$/m);
  },
  // The first run fetches what it needs, and the compiler is slow where other work runs.
  900_000,
);
