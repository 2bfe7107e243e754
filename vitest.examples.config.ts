import { defineConfig } from 'vitest/config';

/** The tests of the projects in examples/, against the service; `npm run test:examples`. */
export default defineConfig({
  test: {
    include: ['test/examples/**/*.examples.ts'],
    // Each first gets what it needs from its registry, and is compiled.
    testTimeout: 600_000,
    hookTimeout: 60_000,
    // One at a time: each uses all cores by itself.
    maxWorkers: 1,
    fileParallelism: false,
  },
});
