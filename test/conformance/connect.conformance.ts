import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { goTool, missingGo, runTool } from './tools.ts';

/*
 * Connect's conformance suite, https://github.com/connectrpc/conformance: nearly 2,000 cases of all three protocols on
 * both versions of HTTP, called by connect-go. What is known to fail is in known-failing.txt.
 */

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));

test.skipIf(missingGo()).each([
  ['by the lane', 'on'],
  ['by the stock handlers of Connect', 'off'],
])('the Connect conformance suite is served %s (needs Go)', async (_who, unaryLane) => {
  const suite = goTool('connectconformance');
  const known = `@${here('known-failing.txt')}`;
  const { code, output } = await runTool(
    suite,
    [
      '--mode',
      'server',
      '--conf',
      here('config.yaml'),
      '--known-failing',
      known,
      '--',
      process.execPath,
      here('server.ts'),
    ],
    { UNARY_LANE: unaryLane },
  );
  const summary = output.trim().split('\n').slice(-30).join('\n');
  expect(code, summary).toBe(0);
  const [, passed] = /(\d+) passed/.exec(output) ?? [];
  expect(Number(passed), summary).toBeGreaterThan(1_850);
});
