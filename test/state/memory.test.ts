import { setImmediate as nextLoop } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { newDelivery, type WebhookDelivery } from '../../src/delivery/delivery.ts';
import { settle } from '../../src/payment/lifecycle.ts';
import type { PendingPayment } from '../../src/payment/payment.ts';
import type { Payments } from '../../src/payment/ports.ts';
import { createManualClock } from '../../src/simulator/manual-clock.ts';
import { createMemoryDeliveryQueue } from '../../src/state/memory/delivery-queue.ts';
import { createMemoryIdempotencyStore } from '../../src/state/memory/idempotency-store.ts';
import { defaultPaymentsBytes } from '../../src/state/heap-share.ts';
import {
  bytesOfPayment,
  countWebhookBytes,
  type MemoryBudget,
} from '../../src/state/memory/memory-budget.ts';
import { createMemoryJournalStore } from '../../src/state/memory/journal-store.ts';
import { createMemoryPayments } from '../../src/state/memory/payments.ts';
import { createMemorySteeringStore } from '../../src/state/memory/steering-store.ts';
import { createFakeClock, type FakeClock } from '../support/fake-clock.ts';
import { sampleEvent, samplePayment, sampleSettlement } from '../support/sample-payment.ts';
import { describeDeliveryQueue } from './delivery-queue.contract.ts';
import type { PortHarness } from './harness.ts';
import { describeIdempotencyStore } from './idempotency-store.contract.ts';
import { describePayments } from './payments.contract.ts';
import { describeJournalStore } from './journal-store.contract.ts';
import { describeSteeringStore } from './steering-store.contract.ts';

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
  const payments = createMemoryPayments({ clock, machine: clock, ...options });
  const close = async () => {
    await payments.drain(0);
    await payments.close();
  };
  return { ...payments, close };
}

describePayments('memory', async (options) => closing((clock) => openPayments(clock, options)), {
  isBounded: true,
});
describeIdempotencyStore('memory', async ({ ttlMs }) =>
  closing((clock) => createMemoryIdempotencyStore({ clock, ttlMs, maxKeys: 1_000 })),
);
describeDeliveryQueue(
  'memory',
  async (options) =>
    harness((clock) =>
      createMemoryDeliveryQueue<WebhookDelivery>({
        clock,
        originOf: ({ url }) => new URL(url).origin,
        ...options,
      }),
    ),
  { isBounded: true },
);
describeSteeringStore('memory', async () => harness(() => createMemorySteeringStore()));
describeJournalStore('memory', async ({ maxBytes }) =>
  closing((clock) => createMemoryJournalStore(clock, maxBytes)),
);

/** Settles payments, and keeps whose events were announced. */
function settleAll(payments: Payments, now: () => number) {
  const ids = new Set<string>();
  payments.start({
    settle: (payment) => settle(payment, sampleSettlement(now(), payment.id)),
    changed: () => undefined,
    endRefund: () => undefined,
    hasRoom: () => true,
    announce: ({ payment }) => void ids.add(payment.id),
    failed(_id, error) {
      throw error;
    },
  });
  return ids;
}

test('expired payments leave memory by themselves, although nobody asks for them', async () => {
  const {
    port: payments,
    now,
    passTime,
  } = closing((clock) => openPayments(clock, { ttlMs: 86_400_000, maxPayments: 10 }));
  settleAll(payments, now);
  await payments.register(samplePayment());
  await payments.hasten('pay-1');
  await passTime(86_400_000 - 1);
  expect(await payments.count()).toEqual({ pending: 0, settled: 1 });
  await passTime(10_000);
  expect(await payments.count()).toEqual({ pending: 0, settled: 0 });
});

test('with a clock that stands still, drain ends in its time and settles all that is left', async () => {
  const clock = createManualClock();
  const payments = createMemoryPayments({ clock, machine: systemClock, ttlMs: 60_000, maxPayments: 5_000 });
  onTestFinished(() => payments.close());
  const settled = settleAll(payments, () => clock.now());
  for (let i = 0; i < 2_500; i += 1) {
    await payments.register(samplePayment({ id: `pay-${i}`, dueAtMs: clock.now() + (i % 3) }));
  }
  await payments.drain(20);
  expect(settled.size).toBe(2_500);
  expect(clock.timerCount()).toBe(0);
});

test('drain settles early no faster than there is room, each origin by its own, and all of it at the end', async () => {
  const clock = createFakeClock();
  const payments = createMemoryPayments({ clock, machine: systemClock, ttlMs: 60_000, maxPayments: 1_000 });
  onTestFinished(() => payments.close());
  const room = new Map<string | undefined, number>();
  const settled: string[] = [];
  payments.start({
    settle: (payment) => settle(payment, sampleSettlement(clock.now(), payment.id)),
    changed: () => undefined,
    announce({ destination, payment }) {
      const origin = destination && new URL(destination).origin;
      room.set(origin, (room.get(origin) ?? 0) - 1);
      settled.push(payment.id);
    },
    endRefund: () => undefined,
    hasRoom: (origin) => (room.get(origin) ?? 0) > 0,
    failed(_id, error) {
      throw error;
    },
  });
  const origins = ['http://a.example.com', 'http://b.example.com', undefined];
  for (let i = 0; i < 900; i += 1) {
    const origin = origins[i % 3];
    const webhookUrl = origin && `${origin}/hooks/${i}`;
    await payments.register(
      samplePayment({ id: `pay-${i}`, webhookUrl, dueAtMs: clock.now() + 86_400_000 + i }),
    );
  }
  const ofEach = () => [0, 1, 2].map((nth) => settled.filter((id) => Number(id.slice(4)) % 3 === nth).length);
  room.set(origins[0], 5).set(undefined, 1_000);
  const drained = payments.drain(3_000);
  await expect.poll(ofEach).toEqual([5, 0, 300]);
  room.set(origins[1], 250);
  await expect.poll(ofEach).toEqual([5, 250, 300]);
  // The earliest due come first.
  expect(settled.slice(-250)).toEqual(Array.from({ length: 250 }, (_, i) => `pay-${i * 3 + 1}`));
  await drained;
  expect(settled).toHaveLength(900);
  expect(await payments.count()).toEqual({ pending: 0, settled: 900 });
});

test('many expired payments leave in slices, between which timers have their turn', async () => {
  const clock = createFakeClock();
  const payments = createMemoryPayments({ clock, machine: clock, ttlMs: 1_000, maxPayments: 100_000 });
  onTestFinished(() => payments.close());
  settleAll(payments, () => clock.now());
  for (let i = 0; i < 25_000; i += 1) {
    await payments.register(samplePayment({ id: `pay-${i}`, dueAtMs: clock.now() }));
  }
  await clock.advance(500);
  expect(await payments.count()).toEqual({ pending: 0, settled: 25_000 });
  const counts: unknown[] = [];
  clock.setTimer(500, () => counts.push(payments.count()));
  await clock.advance(500);
  expect(counts).toEqual([{ pending: 0, settled: 15_000 }]);
  expect(await payments.count()).toEqual({ pending: 0, settled: 0 });
});

test('drain ends when a call settles the last payment', async () => {
  // Neither clock is moved: it ends by the call, or not at all.
  const clock = createFakeClock();
  const payments = createMemoryPayments({ clock, machine: clock, ttlMs: 60_000, maxPayments: 10 });
  settleAll(payments, () => clock.now());
  await payments.register(samplePayment({ id: 'pay-called', dueAtMs: clock.now() + 500 }));
  const drained = payments.drain(1_000);
  await nextLoop(); // Drain waits by now.
  await payments.hasten('pay-called');
  await drained;
  expect(await payments.count()).toEqual({ pending: 0, settled: 1 });
});

test('a settlement that throws is told of and holds no other back', async () => {
  const clock = createFakeClock();
  const payments = createMemoryPayments({ clock, machine: clock, ttlMs: 60_000, maxPayments: 10 });
  const told: unknown[] = [];
  payments.start({
    settle(payment) {
      if (payment.id === 'pay-bad') {
        throw new Error('cannot');
      }
      return settle(payment, sampleSettlement(clock.now()));
    },
    changed: () => undefined,
    endRefund: () => undefined,
    hasRoom: () => true,
    announce: ({ payment }) => void told.push(payment.id),
    failed: (id, error) => void told.push([id, String(error)]),
  });
  for (const id of ['pay-bad', 'pay-good']) {
    await payments.register(samplePayment({ id, dueAtMs: clock.now() }));
  }
  await clock.advance(0);
  expect(told).toEqual([['pay-bad', 'Error: cannot'], 'pay-good']);
  await payments.close();
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

const refused = () => Promise.reject(new Error('refused'));

describe('many keys that expire together', () => {
  const many = 2_000;
  const budget: MemoryBudget = { maxBytes: Infinity, usedBytes: 0 };

  async function openExpired() {
    budget.usedBytes = 0;
    const { port, passTime } = closing((clock) =>
      createMemoryIdempotencyStore({ clock, ttlMs: 60_000, maxKeys: many, budget }),
    );
    for (let i = 0; i < many; i += 1) {
      await port.once(callOf(`key-${i + 10_000}`), propose, value);
    }
    await passTime(60_000);
    return port;
  }

  test('are forgotten a hundred in a call', async () => {
    const store = await openExpired();
    const bytesPerKey = budget.usedBytes / many;
    for (let left = many - 100; left >= 0; left -= 100) {
      await expect(store.once(callOf('next'), propose, refused)).rejects.toThrow('refused');
      expect(budget.usedBytes / bytesPerKey).toBeCloseTo(left);
    }
  });

  test('are not known any more, although not yet forgotten, and known when they are used again', async () => {
    const store = await openExpired();
    const call = { key: `key-${many - 1 + 10_000}`, fingerprint: 'another' };
    expect(await store.once(call, () => 'new', value)).toEqual({ outcome: 'executed', value: 'new' });
    for (let i = 0; i < many / 100; i += 1) {
      await store.once(callOf(`later-${i}`), propose, value);
      expect(await store.once(call, propose, value)).toEqual({ outcome: 'replayed', value: 'new' });
    }
  });
});

test('many payments due in one millisecond share a timer', async () => {
  const clock = createFakeClock();
  const payments = createMemoryPayments({ clock, machine: clock, ttlMs: 60_000, maxPayments: 20_000 });
  const settled = settleAll(payments, () => clock.now());
  const before = clock.timerCount();
  for (let i = 0; i < 10_000; i += 1) {
    await payments.register(samplePayment({ id: `pay-${i}`, dueAtMs: clock.now() + 100 }));
  }
  expect(clock.timerCount()).toBe(before + 1);
  await clock.advance(100);
  expect(settled.size).toBe(10_000);
  expect(clock.timerCount()).toBe(before);
  await payments.close();
});

function openBudget(maxBytes: number) {
  const budget: MemoryBudget = { maxBytes, usedBytes: 0 };
  const { port, now } = closing((clock) => {
    const payments = createMemoryPayments({
      clock,
      machine: clock,
      ttlMs: 60_000,
      maxPayments: 1_000,
      budget,
    });
    settleAll(payments, () => clock.now());
    const close = async () => {
      await payments.drain(0);
      await payments.close();
    };
    return { ...payments, close };
  });
  const register = (id: string, change: Partial<PendingPayment> = {}) =>
    port.register(samplePayment({ id, dueAtMs: now() + 1_000_000, ...change }));
  return { budget, payments: port, register };
}

describe('the budget of bytes', () => {
  const url = 'http://127.0.0.1:1/';

  test('the oldest settled payments leave first, and with pending ones alone none is taken', async () => {
    const long = { userId: 'u'.repeat(2_000) };
    const { budget, payments, register } = openBudget(20_000);
    for (const id of ['a', 'b', 'c', 'd']) {
      expect(await register(id, long)).toBe('registered');
    }
    expect(await register('e', long)).toBe('out-of-bytes');
    await payments.hasten('b');
    await payments.hasten('c');
    expect(await register('e', long)).toBe('registered');
    expect(await payments.get('b')).toBeUndefined();
    expect(await payments.get('c')).toBeDefined();
    // Small ones fit where large ones do not, and a large one takes as many places as it needs.
    expect(await register('f')).toBe('registered');
    expect(budget.usedBytes).toBeLessThanOrEqual(20_000);
    expect(await register('g', { userId: 'u'.repeat(20_000) })).toBe('out-of-bytes');
  });

  test('what has left takes nothing', async () => {
    const { budget, payments, register } = openBudget(1_000_000);
    for (let i = 0; i < 50; i += 1) {
      await register(`pay-${i}`, { webhookUrl: url, userId: 'u'.repeat(i) });
      await payments.hasten(`pay-${i}`);
    }
    expect(budget.usedBytes).toBeGreaterThan(50_000);
    // One that takes all there is, but for the byte that half a character would be.
    const large = { webhookUrl: undefined, userId: '' };
    const room = budget.maxBytes - bytesOfPayment(samplePayment(large));
    await register('large', { ...large, userId: 'u'.repeat(Math.floor(room / 2)) });
    expect(payments.count()).toEqual({ pending: 1, settled: 0 });
    expect(budget.maxBytes - budget.usedBytes).toBeLessThanOrEqual(1);
    expect(budget.usedBytes).toBeLessThanOrEqual(budget.maxBytes);
  });

  test('keys leave beyond their quarter, and give back what they took', async () => {
    const budget: MemoryBudget = { maxBytes: 40_000, usedBytes: 0 };
    const { port: store, passTime } = closing((clock) =>
      createMemoryIdempotencyStore({ clock, ttlMs: 60_000, maxKeys: 1_000, budget }),
    );
    for (let i = 0; i < 100; i += 1) {
      await store.once(callOf(`${i}`.padEnd(100, 'k')), propose, value);
      expect(budget.usedBytes).toBeLessThanOrEqual(10_000);
    }
    expect((await store.once(callOf('99'.padEnd(100, 'k')), propose, value)).outcome).toBe('replayed');
    expect((await store.once(callOf('0'.padEnd(100, 'k')), propose, value)).outcome).toBe('executed');
    await passTime(60_000);
    await expect(
      store.once(callOf('last'), propose, () => Promise.reject(new Error('refused'))),
    ).rejects.toThrow('refused');
    expect(budget.usedBytes).toBe(0);
  });

  test('refused calls push out no good keys, even at the limit', async () => {
    const { port: store } = openKeys(1);
    await store.once(callOf('good'), propose, value);
    await expect(store.once(callOf('bad'), propose, () => Promise.reject(new Error('full')))).rejects.toThrow(
      'full',
    );
    expect((await store.once(callOf('good'), propose, value)).outcome).toBe('replayed');
  });

  test('a webhook counts from its event to its end', () => {
    const budget: MemoryBudget = { maxBytes: 40_000, usedBytes: 0 };
    const observe = countWebhookBytes(budget);
    const event = { ...sampleEvent({ eventId: 'evt-1', settledAtMs: 0 }), destination: url };
    const delivery = { ...newDelivery(event), url };
    observe({ kind: 'accepted', event: { ...event, destination: undefined } });
    expect(budget.usedBytes).toBe(0);
    observe({ kind: 'accepted', event });
    observe({ kind: 'accepted', event });
    expect(budget.usedBytes).toBeGreaterThan(2_000);
    const ended = { delivery, url, statusCode: 200 };
    observe({ kind: 'delivered', channel: 'eventbridge', ...ended });
    observe({ kind: 'delivered', channel: 'webhook', ...ended });
    const letter = { channel: 'webhook', delivery, url, reason: 'exhausted', error: 'e' } as const;
    observe({ kind: 'given-up', letter });
    expect(budget.usedBytes).toBe(0);
  });
});

test('by default payments may take a share of the old generation, however its size was given', () => {
  const mebibyte = 2 ** 20;
  // A container of 512 MiB: 200,000 payments of usual length fit.
  const plain = samplePayment({ webhookUrl: undefined, trace: undefined });
  const inContainer = defaultPaymentsBytes(259 * mebibyte, ['']);
  expect(inContainer).toBeGreaterThan(200_000 * bytesOfPayment(plain));
  expect(inContainer).toBeLessThan(0.5 * 259 * mebibyte);
  const told = 0.6 * (256 - 40) * mebibyte;
  for (const options of ['--max-old-space-size=256', '--no-warnings --max_old_space_size=256']) {
    expect(defaultPaymentsBytes(448 * mebibyte, ['', options])).toBe(Math.floor(told));
  }
  expect(defaultPaymentsBytes(30 * mebibyte, [])).toBe(8_000_000);
});

test('payments that come and go during a list neither hide nor double those that stay', async () => {
  const { port: payments, now } = closing((clock) =>
    openPayments(clock, { ttlMs: 60_000, maxPayments: 40_000 }),
  );
  settleAll(payments, now);
  const far = now() + 1_000_000;
  const register = (id: string, createdAtMs: number) =>
    payments.register(samplePayment({ id, createdAtMs, dueAtMs: far }));
  // Every second one may leave, to make room for others.
  for (let i = 0; i < 40_000; i += 1) {
    await register(`pay-${i}`, i);
    if (i % 2 === 1) {
      await payments.hasten(`pay-${i}`);
    }
  }
  const state = { isListing: true };
  const listed = payments
    .list({ filter: { status: 'PENDING' }, from: undefined, skip: 0, limit: 100_000 })
    .finally(() => (state.isListing = false));
  let added = 0;
  while (state.isListing) {
    for (let i = 0; i < 1_000; i += 1) {
      added += 1;
      await register(`pay-new-${added}`, -added);
    }
    await nextLoop();
  }
  expect(added).toBeGreaterThan(1_000);
  const ids = (await listed).payments.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.filter((id) => !id.startsWith('pay-new'))).toEqual(
    Array.from({ length: 20_000 }, (_, at) => `pay-${39_998 - 2 * at}`),
  );
});
