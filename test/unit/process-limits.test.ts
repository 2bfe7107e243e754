import { expect, test } from 'vitest';
import { memoryLimitBytes } from '../../src/observability/process-limits.ts';

const machineBytes = 24_000;

test.each([
  ['a container has its own limit', 512, 512],
  ['no container', 0, machineBytes],
  ['a container without a limit', 2 ** 64, machineBytes],
])('%s', (_case, constrainedBytes, limit) => {
  expect(memoryLimitBytes(constrainedBytes, machineBytes)).toBe(limit);
});
