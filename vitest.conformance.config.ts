import { defineConfig } from 'vitest/config';

/** Suites that others wrote, against the service; `npm run test:conformance`. */
export default defineConfig({
  test: {
    include: ['test/{conformance,clients,stand-ins}/**/*.conformance.ts'],
    // The first run compiles the suites.
    testTimeout: 400_000,
    hookTimeout: 60_000,
    // Many wait most of the time: for keepalive, deadlines, restarts.
    maxWorkers: 2,
  },
});
