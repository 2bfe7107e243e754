import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import type { State } from '../../src/state/state.ts';
import { startPaymentLife, type Step, stepsOf } from '../support/payment-life.ts';
import {
  launchRedisServer,
  missingRedis,
  requireRedisInCi,
  type RedisServer,
} from '../support/redis-server.ts';
import { openRedisState } from '../support/redis-state.ts';
import { createSeededRandom } from '../support/seeded-random.ts';

requireRedisInCi();

const runs = 12;
const restart = fc.constant<Step>({ kind: 'restart' });
const steps = fc.array(
  fc.oneof(
    { weight: 20, arbitrary: stepsOf({ settlesMs: 300, refundMs: 200, passMs: 100, simulateSeconds: 1 }) },
    { weight: 1, arbitrary: restart },
  ),
  { minLength: 15, maxLength: 40, size: 'max' },
);

describe.skipIf(missingRedis !== undefined)('with a Redis', () => {
  let redis: RedisServer;
  let database = 0;

  beforeAll(async () => {
    redis = await launchRedisServer({ args: ['--databases', String(100 * runs)] });
  });
  afterAll(() => redis.stop());

  test('whatever happens in whichever order, restarts included: statuses, refunds, events and lists add up', async () => {
    await fc.assert(
      fc.asyncProperty(steps, fc.nat(), async (all, seed) => {
        database += 1;
        const url = `${redis.url}/${database}`;
        const random = createSeededRandom(seed);
        let state: State | undefined;
        const life = await startPaymentLife({
          clock: systemClock,
          pass: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
          async open() {
            state = await openRedisState(url);
            return state;
          },
          close: async () => state?.close(),
          isExact: false,
          announce: async () => {
            await new Promise((resolve) => setImmediate(resolve));
            if (random() < 0.1) {
              throw new Error('not handed over');
            }
          },
        });
        try {
          for (const step of all) {
            await life.step(step);
          }
          await expect.poll(() => life.isQuiet(), { timeout: 40_000, interval: 100 }).toBe(true);
          await life.checkTold();
          await life.step({ kind: 'list', pageSize: 3 });
        } finally {
          await state?.close();
        }
      }),
      { numRuns: runs, endOnFailure: true },
    );
  }, 300_000);
});
