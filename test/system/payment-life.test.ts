import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createMemoryIdempotencyStore } from '../../src/state/memory/idempotency-store.ts';
import { createMemoryPayments } from '../../src/state/memory/payments.ts';
import type { MemoryBudget } from '../../src/state/memory/memory-budget.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { startPaymentLife, stepsOf } from '../support/payment-life.ts';

/** Longer than all steps take. */
const ttlMs = 600_000;
const steps = fc.array(stepsOf({ settlesMs: 3_000, refundMs: 3_000, passMs: 2_000, simulateSeconds: 3 }), {
  maxLength: 40,
  size: 'max',
});

async function startInMemory(budget: MemoryBudget) {
  const clock = createFakeClock();
  const payments = createMemoryPayments({ clock, machine: clock, ttlMs, maxPayments: 1_000, budget });
  const idempotency = createMemoryIdempotencyStore({ clock, ttlMs, maxKeys: 1_000 });
  const close = async () => {
    await payments.close();
    await idempotency.close();
  };
  const life = await startPaymentLife({
    clock,
    pass: (ms) => clock.advance(ms),
    open: () => Promise.resolve({ payments, idempotency }),
    close,
    isExact: true,
    announce: () => undefined,
  });
  return { life, clock, payments, close };
}

test('in memory, whatever happens in whichever order: statuses, refunds, events and lists add up', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (all) => {
      const budget: MemoryBudget = { maxBytes: 100_000_000, usedBytes: 0 };
      const { life, clock, payments, close } = await startInMemory(budget);
      for (const step of all) {
        await life.step(step);
      }
      await clock.advance(60_000);
      expect(await life.isQuiet()).toBe(true);
      await life.checkTold();
      expect(await payments.scheduled()).toBe(0);
      // What has left takes nothing.
      await clock.advance(ttlMs + 20_000);
      expect(await payments.count()).toEqual({ pending: 0, settled: 0 });
      expect(budget.usedBytes).toBe(0);
      await close();
      expect(clock.timerCount()).toBe(0);
    }),
    { numRuns: 300 },
  );
}, 60_000);

test('in memory, a drain at any moment ends everything', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (all) => {
      const { life, clock, payments, close } = await startInMemory({ maxBytes: 100_000_000, usedBytes: 0 });
      for (const step of all) {
        await life.step(step);
      }
      const drained = payments.drain(500);
      await clock.advance(500);
      await drained;
      expect(await life.isQuiet()).toBe(true);
      await life.checkTold();
      await close();
      expect(clock.timerCount()).toBe(0);
    }),
    { numRuns: 100 },
  );
}, 60_000);
