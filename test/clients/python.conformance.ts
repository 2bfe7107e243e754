import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { runTool } from '../conformance/tools.ts';

const script = fileURLToPath(new URL('python/run.sh', import.meta.url));
const service = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const isMissing = spawnSync('python3', ['--version']).error !== undefined;

test.skipIf(isMissing && process.env['CI'] !== 'true')(
  'grpcio sees what it should of calls, stops, restarts, health and reflection (needs Python)',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'payment-sim-grpcio-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const { code, output } = await runTool('bash', [script, folder], {
      PAYMENT_SIM: `${process.execPath} ${service}`,
      PYTHONDONTWRITEBYTECODE: '1',
    });
    expect(code, output).toBe(0);
    expect([...output.matchAll(/=+ (\d+ passed) in/g)].map(([, passed]) => passed)).toEqual([
      '12 passed',
      '1 passed',
    ]);
  },
);
