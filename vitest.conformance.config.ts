import { defineConfig } from 'vitest/config';

/** Suites that others wrote, against the service; `npm run test:conformance`. */
export default defineConfig({
  test: {
    include: ['test/{conformance,clients,stand-ins}/**/*.conformance.ts'],
    // The first run compiles the suites.
    testTimeout: 400_000,
    hookTimeout: 60_000,
    maxWorkers: 1,
    fileParallelism: false,
  },
});
