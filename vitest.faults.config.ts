import { defineConfig } from 'vitest/config';

/** Fault tests that take longer than a few seconds; `npm run test:faults`. */
export default defineConfig({
  test: {
    include: ['test/faults/**/*.faults.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 20_000 } },
    // One at a time: they load the machine.
    maxWorkers: 1,
  },
});
