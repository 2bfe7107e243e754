import { describe, expect, test } from 'vitest';
import type { IdempotencyStore } from '../../src/payment/ports.ts';
import type { PortHarness } from './harness.ts';

/** What the suite asks for: an empty store of its own per test, closed when the test is finished. */
export type IdempotencyStoreFactory = (options: {
  readonly ttlMs: number;
}) => Promise<PortHarness<IdempotencyStore>>;

const ttlMs = 1_000;

/** Something to execute that counts its runs and ends when it is told to. */
function gatedExecution() {
  let runs = 0;
  const gate = Promise.withResolvers<void>();
  return {
    execute: () => {
      runs += 1;
      return gate.promise;
    },
    runs: () => runs,
    succeed: () => gate.resolve(),
    fail: (message: string) => gate.reject(new Error(message)),
  };
}

const first = () => 'pay-1';

async function done(): Promise<void> {
  // Executed.
}

function mustNotRun(): Promise<void> {
  return Promise.reject(new Error('executed'));
}

/** What every IdempotencyStore does. */
export function describeIdempotencyStore(name: string, open: IdempotencyStoreFactory): void {
  describe(`IdempotencyStore contract: ${name}`, () => {
    test('executes the first call and replays its value to later ones', async () => {
      const { port: store } = await open({ ttlMs: 60_000 });
      const call = { key: 'k', fingerprint: 'f' };
      expect(await store.once(call, first, done)).toEqual({ outcome: 'executed', value: 'pay-1' });
      expect(await store.once(call, first, mustNotRun)).toEqual({ outcome: 'replayed', value: 'pay-1' });
      expect(await store.once(call, first, mustNotRun)).toEqual({ outcome: 'replayed', value: 'pay-1' });
    });

    test('another fingerprint is a mismatch and spoils nothing', async () => {
      const { port: store } = await open({ ttlMs: 60_000 });
      await store.once({ key: 'k', fingerprint: 'f' }, first, done);
      expect(await store.once({ key: 'k', fingerprint: 'g' }, first, mustNotRun)).toEqual({
        outcome: 'mismatch',
      });
      expect(await store.once({ key: 'k', fingerprint: 'f' }, first, mustNotRun)).toEqual({
        outcome: 'replayed',
        value: 'pay-1',
      });
    });

    test('keys do not touch each other, whatever is in them', async () => {
      const { port: store } = await open({ ttlMs: 60_000 });
      const keys = [
        'a',
        'A',
        'a ',
        '',
        '["create","u","k"]',
        '키',
        'a:b',
        'a\u0000b',
        '__proto__',
        '*',
        '{a}',
      ];
      for (const key of keys) {
        const result = await store.once({ key, fingerprint: 'f' }, () => `value of ${key}`, done);
        expect(result.outcome, key).toBe('executed');
      }
      for (const key of keys) {
        expect(await store.once({ key, fingerprint: 'f' }, first, mustNotRun)).toEqual({
          outcome: 'replayed',
          value: `value of ${key}`,
        });
      }
    });

    test('duplicates at the same time wait for the one execution', async () => {
      const { port: store } = await open({ ttlMs: 60_000 });
      const gate = gatedExecution();
      const call = { key: 'k', fingerprint: 'f' };
      const calls = Array.from({ length: 50 }, () => store.once(call, first, gate.execute));
      await expect.poll(() => gate.runs()).toBe(1);
      expect(await store.once({ key: 'k', fingerprint: 'g' }, first, mustNotRun)).toEqual({
        outcome: 'mismatch',
      });
      gate.succeed();
      const results = await Promise.all(calls);
      expect(results.filter((result) => result.outcome === 'executed')).toHaveLength(1);
      expect(results.filter((result) => result.outcome === 'replayed')).toHaveLength(49);
      expect(results.every((result) => result.outcome !== 'mismatch' && result.value === 'pay-1')).toBe(true);
      expect(gate.runs()).toBe(1);
    });

    test('a failure goes to all who wait and frees the key', async () => {
      const { port: store } = await open({ ttlMs: 60_000 });
      const gate = gatedExecution();
      const call = { key: 'k', fingerprint: 'f' };
      const calls = Array.from({ length: 5 }, () => store.once(call, first, gate.execute));
      const settled = Promise.allSettled(calls);
      await expect.poll(() => gate.runs()).toBe(1);
      gate.fail('no room');
      for (const result of await settled) {
        expect(result).toMatchObject({ status: 'rejected', reason: { message: 'no room' } });
      }
      const other = { key: 'k', fingerprint: 'g' };
      expect(await store.once(other, () => 'pay-2', done)).toEqual({ outcome: 'executed', value: 'pay-2' });
    });

    test('keys are forgotten after their time', async () => {
      const { port: store, passTime } = await open({ ttlMs });
      await store.once({ key: 'k', fingerprint: 'f' }, first, done);
      await passTime(ttlMs);
      const other = { key: 'k', fingerprint: 'g' };
      expect(await store.once(other, () => 'pay-2', done)).toEqual({ outcome: 'executed', value: 'pay-2' });
    });

    test('a replay does not make a key last longer', async () => {
      const { port: store, passTime } = await open({ ttlMs });
      const call = { key: 'k', fingerprint: 'f' };
      await store.once(call, first, done);
      await passTime(ttlMs / 2);
      expect((await store.once(call, () => 'pay-2', done)).outcome).toBe('replayed');
      await passTime(ttlMs / 2);
      expect((await store.once(call, () => 'pay-3', done)).outcome).toBe('executed');
    });
  });
}
