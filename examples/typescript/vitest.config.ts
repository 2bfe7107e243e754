import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // Each test has a session of its own in the simulator, so all of them run at the same time.
    sequence: { concurrent: true },
    maxConcurrency: 50,
    // Longer than the ten seconds of `session.await`, which then says what was near.
    testTimeout: 15_000,
  },
});
