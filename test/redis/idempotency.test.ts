import { Redis } from 'ioredis';
import { describe, expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { createMetrics } from '../../src/observability/metrics.ts';
import { PaymentError } from '../../src/payment/errors.ts';
import type { IdempotencyStore } from '../../src/payment/ports.ts';
import { createRedisIdempotencyStore } from '../../src/state/redis/idempotency-store.ts';
import { createRedisClients } from '../../src/state/redis/redis-clients.ts';
import { createRedisLink } from '../../src/state/redis/redis-link.ts';
import { defineScripts } from '../../src/state/redis/redis-scripts.ts';
import { missingRedis, requireRedisInCi, startRedisServer } from '../support/redis-server.ts';

requireRedisInCi();

const call = { key: 'key', fingerprint: 'fingerprint' };

/** The stores of two processes on one Redis. */
async function openStores(leaseMs: number): Promise<readonly [IdempotencyStore, IdempotencyStore]> {
  const { a, b } = await openProcesses(leaseMs);
  return [a.store, b.store];
}

/** The same, with their links to Redis and a connection of its own. */
async function openProcesses(leaseMs: number, timeoutMs = 5_000) {
  const redis = await startRedisServer();
  const admin = new Redis(redis.url);
  onTestFinished(() => admin.disconnect());
  const open = async () => {
    const { calls: client, jobs } = createRedisClients(redis.url, false);
    defineScripts(client);
    const link = createRedisLink({
      client,
      clock: systemClock,
      logger: createLogger('silent', { write: () => undefined }),
      metrics: createMetrics(false),
      timeoutMs,
      probeIntervalMs: 100,
      check: () => Promise.resolve(),
      onReached: () => undefined,
      onFull: () => undefined,
    });
    onTestFinished(() => {
      link.close();
      client.disconnect();
      jobs.disconnect();
    });
    await link.open(5_000);
    const deps = { client, link, clock: systemClock, ttlMs: 60_000, leaseMs };
    return { link, store: createRedisIdempotencyStore(deps) };
  };
  return { redis, admin, a: await open(), b: await open() };
}

/** Something to execute that tells with which values, and goes on when it is told to. */
function gated() {
  const values: string[] = [];
  const gate = Promise.withResolvers<void>();
  return {
    values,
    gate,
    execute: (value: string) => {
      values.push(value);
      return gate.promise;
    },
  };
}

/** Something to execute that fails. */
function failWith(error: Error) {
  return async (): Promise<never> => {
    throw error;
  };
}

describe.skipIf(missingRedis !== undefined)('an idempotency key that two processes use', () => {
  test('is executed by one, and the other waits for it', async () => {
    const [a, b] = await openStores(60_000);
    const { values, gate, execute } = gated();
    const first = a.once(call, () => 'pay-a', execute);
    await expect.poll(() => values).toEqual(['pay-a']);
    const second = b.once(call, () => 'pay-b', execute);
    expect(await b.once({ ...call, fingerprint: 'other' }, () => 'pay-c', execute)).toEqual({
      outcome: 'mismatch',
    });
    gate.resolve();
    expect(await first).toEqual({ outcome: 'executed', value: 'pay-a' });
    expect(await second).toEqual({ outcome: 'replayed', value: 'pay-a' });
    expect(values).toEqual(['pay-a']);
  });

  test('is taken over with its value when its process has died', async () => {
    const [a, b] = await openStores(200);
    const dead = gated();
    void a.once(call, () => 'pay-a', dead.execute);
    await expect.poll(() => dead.values).toEqual(['pay-a']);
    const heir = gated();
    heir.gate.resolve();
    expect(await b.once(call, () => 'pay-b', heir.execute)).toEqual({ outcome: 'executed', value: 'pay-a' });
    expect(heir.values).toEqual(['pay-a']);
    expect(await b.once(call, () => 'pay-c', heir.execute)).toEqual({ outcome: 'replayed', value: 'pay-a' });
  });

  test('is executed again at once, with its value, when nobody knows whether it was', async () => {
    const [a, b] = await openStores(60_000);
    const lost = new PaymentError({ kind: 'state-unavailable', detail: 'no answer' });
    await expect(
      a.once(
        call,
        () => 'pay-a',
        () => Promise.reject(lost),
      ),
    ).rejects.toThrow(lost);
    const heir = gated();
    heir.gate.resolve();
    expect(await b.once(call, () => 'pay-b', heir.execute)).toEqual({ outcome: 'executed', value: 'pay-a' });
  });

  test('keeps its value when what was done again fails: the first time may have done it', async () => {
    const [a, b] = await openStores(60_000);
    const lost = new PaymentError({ kind: 'state-unavailable', detail: 'did not answer' });
    const full = new PaymentError({ kind: 'state-full' });
    await expect(a.once(call, () => 'pay-a', failWith(lost))).rejects.toThrow(lost);
    await expect(b.once(call, () => 'pay-b', failWith(full))).rejects.toThrow(full);
    const heir = gated();
    heir.gate.resolve();
    expect(await b.once(call, () => 'pay-c', heir.execute)).toEqual({ outcome: 'executed', value: 'pay-a' });
  });
});

/** Longer than any test: nobody may wait for its end. */
const longLeaseMs = 600_000;

describe.skipIf(missingRedis !== undefined)(
  'a process that lives takes its own reservations over at once',
  () => {
    test('after its connection was lost in the middle of a call', async () => {
      const { a, admin } = await openProcesses(longLeaseMs);
      const lost = new PaymentError({ kind: 'state-unavailable', detail: 'cannot be reached' });
      await expect(
        a.store.once(
          call,
          () => 'pay-a',
          async () => {
            await admin.client('KILL', 'TYPE', 'NORMAL');
            await expect.poll(() => a.link.problem()).toBeDefined();
            throw lost;
          },
        ),
      ).rejects.toThrow(lost);
      await expect.poll(() => a.link.problem()).toBeUndefined();
      const heir = gated();
      heir.gate.resolve();
      expect(await a.store.once(call, () => 'pay-b', heir.execute)).toEqual({
        outcome: 'executed',
        value: 'pay-a',
      });
    });

    test('after a pause in which Redis did not answer, and carried all out when it was over', async () => {
      const { a, admin } = await openProcesses(longLeaseMs, 300);
      const first = gated();
      await admin.client('PAUSE', 1_000, 'ALL');
      await expect(a.store.once(call, () => 'pay-a', first.execute)).rejects.toThrow('did not answer');
      await expect.poll(() => a.link.problem()).toBeUndefined();
      expect(await admin.keys('payment-sim:idempotency:*')).toHaveLength(1);
      const heir = gated();
      heir.gate.resolve();
      expect(await a.store.once(call, () => 'pay-b', heir.execute)).toEqual({
        outcome: 'executed',
        value: 'pay-a',
      });
      expect(first.values).toEqual([]);
    });
  },
);
