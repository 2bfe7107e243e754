import { describe, expect, onTestFinished, test } from 'vitest';
import type { WebhookDelivery } from '../../src/delivery/webhook/delivery.ts';
import { createMemoryAttemptLog } from '../../src/state/memory/attempt-log.ts';
import { createMemoryDeliveryQueue } from '../../src/state/memory/delivery-queue.ts';
import { createMemoryIdempotencyStore } from '../../src/state/memory/idempotency-store.ts';
import { createMemoryPaymentIntake } from '../../src/state/memory/payment-intake.ts';
import { createMemoryPaymentStore } from '../../src/state/memory/payment-store.ts';
import { createMemorySettlementScheduler } from '../../src/state/memory/settlement-scheduler.ts';
import { createFakeClock, type FakeClock } from '../support/fake-clock.ts';
import { samplePayment, sampleSettlement } from '../support/sample-payment.ts';
import { describeAttemptLog } from './attempt-log.contract.ts';
import { describeDeliveryQueue } from './delivery-queue.contract.ts';
import type { PortHarness } from './harness.ts';
import { describeIdempotencyStore } from './idempotency-store.contract.ts';
import { describePaymentStore } from './payment-store.contract.ts';
import { describeSettlementScheduler } from './settlement-scheduler.contract.ts';

function harness<T>(build: (clock: FakeClock) => T): PortHarness<T> {
  const clock = createFakeClock();
  return {
    port: build(clock),
    now: () => clock.now(),
    passTime: (ms) => clock.advance(ms),
    outlivesProcess: false,
  };
}

/** Closed at the end, when nothing may be left that would keep the process alive. */
function closing<T extends { close(): Promise<void> }>(build: (clock: FakeClock) => T): PortHarness<T> {
  const opened = harness((clock) => ({ clock, port: build(clock) }));
  onTestFinished(async () => {
    await opened.port.port.close();
    expect(opened.port.clock.timerCount()).toBe(0);
  });
  return { ...opened, port: opened.port.port };
}

function openPayments(clock: FakeClock, options: { ttlMs: number; maxPayments: number }) {
  const store = createMemoryPaymentStore({ clock, ...options });
  const scheduler = createMemorySettlementScheduler(clock);
  const close = async () => {
    await store.close();
    await scheduler.drain(0);
  };
  return { store, intake: createMemoryPaymentIntake(store, scheduler), close };
}

describePaymentStore('memory', async (options) => closing((clock) => openPayments(clock, options)), {
  isBounded: true,
});
describeIdempotencyStore('memory', async ({ ttlMs }) =>
  closing((clock) => createMemoryIdempotencyStore({ clock, ttlMs, maxKeys: 1_000 })),
);
describeSettlementScheduler('memory', async () => harness(createMemorySettlementScheduler));
describeDeliveryQueue(
  'memory',
  async (options) => harness((clock) => createMemoryDeliveryQueue<WebhookDelivery>({ clock, ...options })),
  { isBounded: true },
);
describeAttemptLog('memory', async (options) =>
  closing((clock) => createMemoryAttemptLog({ clock, maxPayments: 1_000, ...options })),
);

test('expired payments leave memory by themselves, although nobody asks for them', async () => {
  const {
    port: { store, intake },
    now,
    passTime,
  } = closing((clock) => openPayments(clock, { ttlMs: 86_400_000, maxPayments: 10 }));
  await intake.register(samplePayment());
  await store.settle('pay-1', () => sampleSettlement(now()));
  await passTime(86_400_000 - 1);
  expect(await store.count()).toEqual({ pending: 0, settled: 1 });
  await passTime(10_000);
  expect(await store.count()).toEqual({ pending: 0, settled: 0 });
});

const openKeys = (maxKeys: number) =>
  closing((clock) => createMemoryIdempotencyStore({ clock, ttlMs: 60_000, maxKeys }));
const callOf = (key: string) => ({ key, fingerprint: 'f' });
const propose = () => 'v';
const value = async () => undefined;

describe('the idempotency store in memory', () => {
  test('forgets the oldest key at its limit, and only that', async () => {
    const { port: store } = openKeys(2);
    for (const key of ['a', 'b', 'c']) {
      await store.once(callOf(key), propose, value);
    }
    expect((await store.once(callOf('c'), propose, value)).outcome).toBe('replayed');
    expect((await store.once(callOf('b'), propose, value)).outcome).toBe('replayed');
    expect((await store.once(callOf('a'), propose, value)).outcome).toBe('executed');
  });

  test('at its limit still replays its oldest key', async () => {
    const { port: store } = openKeys(1);
    await store.once(callOf('a'), propose, value);
    expect((await store.once(callOf('a'), propose, value)).outcome).toBe('replayed');
  });

  test('never forgets a call that still runs', async () => {
    const { port: store } = openKeys(1);
    const slow = Promise.withResolvers<void>();
    const first = store.once(callOf('a'), propose, () => slow.promise);
    await store.once(callOf('b'), propose, value);
    await store.once(callOf('c'), propose, value);
    const second = store.once(callOf('a'), propose, value);
    slow.resolve();
    expect(await first).toEqual({ outcome: 'executed', value: 'v' });
    expect(await second).toEqual({ outcome: 'replayed', value: 'v' });
  });

  test('failed calls push out no good ones', async () => {
    const { port: store } = openKeys(2);
    await store.once(callOf('good'), propose, value);
    for (let i = 0; i < 10; i += 1) {
      await expect(
        store.once(callOf(`bad-${i}`), propose, () => Promise.reject(new Error('full'))),
      ).rejects.toThrow('full');
    }
    expect((await store.once(callOf('good'), propose, value)).outcome).toBe('replayed');
  });
});

test('many payments due in one millisecond share a timer', async () => {
  const clock = createFakeClock();
  const scheduler = createMemorySettlementScheduler(clock);
  const settled = new Set<string>();
  scheduler.start(async (id) => void settled.add(id));
  for (let i = 0; i < 10_000; i += 1) {
    await scheduler.schedule(`pay-${i}`, clock.now() + 100);
  }
  expect(clock.timerCount()).toBe(1);
  await clock.advance(100);
  expect(settled.size).toBe(10_000);
  expect(clock.timerCount()).toBe(0);
});

const openLog = (maxPayments: number) =>
  closing((clock) => createMemoryAttemptLog({ clock, ttlMs: 60_000, maxAttempts: 8, maxPayments }));

describe('the attempt log in memory', () => {
  const noted = { attempt: 1, startedAtMs: 1, durationMs: 1, statusCode: 200, error: undefined };
  test('forgets the payment that was noted first at its limit, and only that', async () => {
    const { port: log, now } = openLog(2);
    for (const id of ['a', 'b', 'a', 'c']) {
      await log.record(id, now(), noted);
    }
    expect(await Promise.all(['a', 'b', 'c'].map(async (id) => (await log.list(id)).length))).toEqual([
      0, 1, 1,
    ]);
  });
});
