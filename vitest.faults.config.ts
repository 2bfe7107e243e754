import { defineConfig } from 'vitest/config';

/** Those that mostly wait, for Redis, for receivers or for processes to start: two at a time save four minutes. */
const waiting = [
  'crash-points',
  'idempotency',
  'killed-replicas',
  'life-crash-points',
  'redis-big-bucket',
  'redis-cluster',
  'redis-failover',
  'redis-flush',
  'redis-full',
  'redis-more-shards',
  'redis-outage',
  'redis-pauses',
  'redis-reshard',
  'slow-receiver',
].map((name) => `test/faults/${name}.faults.ts`);

/** Fault tests that take longer than a few seconds; `npm run test:faults`. */
export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 20_000 } },
    projects: [
      {
        extends: true,
        test: { name: 'waiting', include: waiting, maxWorkers: 2, sequence: { groupOrder: 0 } },
      },
      {
        extends: true,
        test: {
          name: 'loading',
          include: ['test/faults/**/*.faults.ts'],
          exclude: waiting,
          // One at a time: they load the machine.
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
