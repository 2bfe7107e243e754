import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Nothing waits that long: it is what ends a test that hangs, on a busy machine too.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Of `expect.poll`: its default of one second is less than a busy machine of two cores may take.
    expect: { poll: { timeout: 20_000 } },
    // Real servers and child processes, on two cores in CI: much of what they do is to wait.
    maxWorkers: 4,
    // A worker imports the service once for all of its files, instead of once for each: a fifth of the CPU
    // time. So a file has to put back what it changes in its process.
    isolate: false,
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      reporter: ['text-summary', 'html'],
    },
  },
});
