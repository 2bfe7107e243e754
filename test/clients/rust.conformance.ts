import { spawnSync } from 'node:child_process';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { runTool } from '../conformance/tools.ts';

const manifest = fileURLToPath(new URL('rust/Cargo.toml', import.meta.url));
const service = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const isMissing = spawnSync('cargo', ['--version']).error !== undefined;

test.skipIf(isMissing && process.env['CI'] !== 'true')(
  'tonic sees what it should of calls, stops, restarts, health and reflection (needs Rust)',
  async () => {
    const { code, output } = await runTool(
      'cargo',
      ['test', '--locked', '--manifest-path', manifest, '--', '--test-threads=4'],
      {
        PAYMENT_SIM: `${process.execPath} ${service}`,
        // Kept between runs, as the tools in Go are.
        CARGO_TARGET_DIR: join(homedir(), '.cache/payment-sim/tonic'),
        CARGO_TERM_COLOR: 'never',
      },
    );
    expect(code, output).toBe(0);
    expect(output).toContain('test result: ok. 13 passed; 0 failed; 0 ignored;');
  },
  // The first run compiles tonic.
  800_000,
);
