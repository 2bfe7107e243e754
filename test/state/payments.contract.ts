import { describe, expect, test } from 'vitest';
import { type Decide, settle } from '../../src/payment/lifecycle.ts';
import { isSettled, type Payment, type SettledPayment } from '../../src/payment/payment.ts';
import { refundALittle, samplePayment, sampleSettlement } from '../support/sample-payment.ts';
import type { PortTraits } from './harness.ts';
import { describeLaterEvents } from './later-events.contract.ts';
import { describeLists } from './payment-list.contract.ts';
import { describeRemoval } from './payment-removal.contract.ts';
import { type PaymentsFactory, roomy, startRecording } from './recorded-payments.ts';

const ttlMs = 1_000;
const delayMs = 700;

/** A decision that settles a pending payment, under ids that bear `mark`. */
function settling(now: () => number, mark: string): Decide {
  return (payment: Payment) =>
    isSettled(payment) ? undefined : settle(payment, sampleSettlement(now(), mark));
}

function cannotDecide(): undefined {
  throw new Error('cannot decide');
}

/** A decision that gives a settled payment one more event. */
function adding(now: () => number, id: string): Decide {
  return (payment: Payment) => (isSettled(payment) ? refundALittle(payment, id, now()) : undefined);
}

/** What every implementation of Payments does. */
export function describePayments(name: string, open: PaymentsFactory, traits: PortTraits): void {
  describe(`Payments contract: ${name}`, () => {
    describeStoring(open, traits);
    describeTransitions(open);
    describeSchedule(open);
    describeDrain(open);
    describeLists(open);
    describeRemoval(open);
    describeLaterEvents(open, traits);
  });
}

function describeStoring(open: PaymentsFactory, traits: PortTraits): void {
  test('gives back what was registered, every field, and nothing for unknown ids', async () => {
    const { payments, register } = await startRecording(open);
    const plain = samplePayment({ id: 'pay-plain', dueAtMs: Date.UTC(2100, 0, 1) });
    const full = samplePayment({
      id: 'pay-full',
      reservationId: '예약 "1"\n',
      money: { amount: Number.MAX_SAFE_INTEGER, currency: 'USD' },
      scenario: 'RANDOM',
      webhookUrl: 'http://127.0.0.1/?a=b&c=%20',
      plannedOutcome: 'FAILED',
      dueAtMs: Date.UTC(2100, 0, 1),
    });
    expect(await register(plain)).toBe('registered');
    expect(await register(full)).toBe('registered');
    expect(await payments.get('pay-plain')).toEqual(plain);
    expect(await payments.get('pay-full')).toEqual(full);
    expect(await payments.get('pay-unknown')).toBeUndefined();
  });

  test('registering a payment again changes nothing', async () => {
    const { payments, register, now } = await startRecording(open);
    const dueAtMs = now() + 60_000;
    expect(await register({ dueAtMs })).toBe('registered');
    expect(await register({ dueAtMs, reservationId: 'other' })).toBe('registered');
    expect(await payments.get('pay-1')).toMatchObject({ reservationId: 'reservation-1' });
    expect(await payments.scheduled()).toBe(1);
    const settled = (await payments.hasten('pay-1'))?.payment;
    expect(await register({ dueAtMs })).toBe('registered');
    expect(await payments.get('pay-1')).toEqual(settled);
  });

  test('a settled payment leaves after its time to live, a pending one never', async () => {
    const { payments, register, now, passTime } = await startRecording(open, { ttlMs, maxPayments: 10 });
    await register({ id: 'pay-settled' });
    await register({ id: 'pay-pending' });
    await passTime(ttlMs * 2); // counts from the settlement, not from the creation
    await payments.hasten('pay-settled');
    expect(await payments.get('pay-settled')).toBeDefined();
    await passTime(ttlMs);
    expect(await payments.get('pay-settled')).toBeUndefined();
    expect(await payments.hasten('pay-settled')).toBeUndefined();
    expect(await payments.transition('pay-settled', settling(now, '2'))).toBeUndefined();
    expect(await payments.get('pay-pending')).toBeDefined();
  });

  test('later events do not lengthen the time to live, unless others may have to tell them', async () => {
    const { payments, register, now, passTime, outlivesProcess } = await startRecording(open, {
      ttlMs,
      maxPayments: 10,
    });
    await register();
    await payments.hasten('pay-1');
    await passTime(ttlMs / 2);
    expect(await payments.transition('pay-1', adding(now, 'evt-later'))).toMatchObject({ changed: true });
    await passTime(ttlMs / 2);
    expect((await payments.get('pay-1')) !== undefined).toBe(outlivesProcess);
  });

  test.runIf(traits.isBounded)('at its limit the oldest settled payments leave first', async () => {
    const { payments, register, passTime } = await startRecording(open, { ttlMs: 60_000, maxPayments: 3 });
    for (const id of ['pay-a', 'pay-b', 'pay-c']) {
      await register({ id });
    }
    for (const id of ['pay-b', 'pay-a']) {
      await payments.hasten(id);
      await passTime(2);
    }
    const present = async () => {
      const ids = ['pay-a', 'pay-b', 'pay-c', 'pay-d', 'pay-e', 'pay-f'];
      const found = await Promise.all(ids.map((id) => payments.get(id)));
      return found.flatMap((payment) => (payment === undefined ? [] : [payment.id]));
    };
    expect(await register({ id: 'pay-d' })).toBe('registered');
    expect(await present()).toEqual(['pay-a', 'pay-c', 'pay-d']);
    expect(await register({ id: 'pay-e' })).toBe('registered');
    expect(await present()).toEqual(['pay-c', 'pay-d', 'pay-e']);
  });

  test.runIf(traits.isBounded)('full of pending payments it takes no more, until one settles', async () => {
    const { payments, register } = await startRecording(open, { ttlMs: 60_000, maxPayments: 2 });
    await register({ id: 'pay-a' });
    await register({ id: 'pay-b' });
    expect(await register({ id: 'pay-c' })).toBe('full');
    expect(await payments.get('pay-c')).toBeUndefined();
    expect(await payments.get('pay-a')).toBeDefined();
    await payments.hasten('pay-b');
    expect(await register({ id: 'pay-c' })).toBe('registered');
    expect(await payments.get('pay-b')).toBeUndefined();
  });

  test.runIf(traits.isBounded)('creations at once never take more than the limit', async () => {
    const { register } = await startRecording(open, { ttlMs: 60_000, maxPayments: 10 });
    const results = await Promise.all(Array.from({ length: 50 }, (_, i) => register({ id: `pay-${i}` })));
    expect(results.filter((result) => result === 'registered')).toHaveLength(10);
  });

  test.runIf(traits.isBounded)('counts what it stores', async () => {
    const { payments, register, passTime } = await startRecording(open, { ttlMs, maxPayments: 10 });
    expect(await payments.count()).toEqual({ pending: 0, settled: 0 });
    await register({ id: 'pay-a' });
    await register({ id: 'pay-b' });
    await expect.poll(() => payments.count()).toEqual({ pending: 2, settled: 0 });
    await payments.hasten('pay-a');
    await payments.hasten('pay-a');
    await expect.poll(() => payments.count()).toEqual({ pending: 1, settled: 1 });
    await passTime(ttlMs * 2);
    await expect.poll(() => payments.count()).toEqual({ pending: 1, settled: 0 });
  });
}

function describeTransitions(open: PaymentsFactory): void {
  test('changes once, keeps the first settlement, and announces its event', async () => {
    const { payments, register, changes, announced, now } = await startRecording(open);
    const payment = samplePayment({ plannedOutcome: 'FAILED', dueAtMs: now() + 1_000_000 });
    await register(payment);
    const first = sampleSettlement(now(), 'first', 'FAILED');
    const settled = { ...payment, ...first };
    expect(
      await payments.transition(payment.id, (found) => (isSettled(found) ? undefined : settle(found, first))),
    ).toEqual({ payment: settled, changed: true });
    expect(await payments.transition(payment.id, settling(now, 'second'))).toEqual({
      payment: settled,
      changed: false,
    });
    expect(await payments.get(payment.id)).toEqual(settled);
    expect(await payments.transition('pay-unknown', settling(now, 'third'))).toBeUndefined();
    await expect.poll(() => announced.map(({ event }) => event.id)).toEqual(['evt-first']);
    expect(changes.map((change) => change.event?.id)).toEqual(['evt-first']);
    expect(announced[0]?.event).toMatchObject({
      type: 'payment.status_updated',
      sequence: 1,
      occurredAtMs: first.settledAtMs,
      destination: undefined,
      payment: { id: payment.id, status: 'FAILED' },
    });
  });

  test('a decision that throws is the failure of its transition, and changes nothing', async () => {
    const { payments, register, changes } = await startRecording(open);
    await register({ id: 'pay-1' });
    await expect(payments.transition('pay-1', cannotDecide)).rejects.toThrow('cannot decide');
    expect(await payments.get('pay-1')).toMatchObject({ status: 'PENDING' });
    expect(await payments.scheduled()).toBe(1);
    expect(changes).toEqual([]);
  });

  test('of many changes at once exactly one wins, and all see the winner', async () => {
    const { payments, register, changes, ids, now } = await startRecording(open);
    const many = Array.from({ length: 20 }, (_, i) => `pay-${i}`);
    await Promise.all(many.map((id) => register({ id })));
    const results = await Promise.all(
      many.flatMap((id) =>
        Array.from({ length: 50 }, (_, i) => payments.transition(id, settling(now, `${id}-${i}`))),
      ),
    );
    for (const id of many) {
      const mine = results.filter((result) => result?.payment.id === id);
      expect(mine).toHaveLength(50);
      const winners = mine.filter((result) => result?.changed);
      expect(winners).toHaveLength(1);
      expect(
        new Set(mine.map((result) => result?.payment).map((found) => (found as SettledPayment).transactionId))
          .size,
      ).toBe(1);
      expect(await payments.get(id)).toEqual(winners[0]?.payment);
    }
    expect(changes).toHaveLength(20);
    await expect.poll(() => new Set(ids()).size).toBe(20);
  });

  test('a payment may have any number of events, each announced with its number', async () => {
    const { payments, register, changes, announced, now } = await startRecording(open);
    await register({ webhookUrl: 'http://127.0.0.1/hooks' });
    await payments.hasten('pay-1');
    const added = Array.from({ length: 10 }, (_, i) => payments.transition('pay-1', adding(now, `evt-${i}`)));
    expect((await Promise.all(added)).every((result) => result?.changed)).toBe(true);
    await expect.poll(() => announced.length).toBe(11);
    const events = announced.map(({ event }) => event).toSorted((a, b) => a.sequence - b.sequence);
    expect(events.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    expect(new Set(events.map(({ id }) => id)).size).toBe(11);
    expect(events.every(({ destination }) => destination === 'http://127.0.0.1/hooks')).toBe(true);
    expect(changes).toHaveLength(11);
    const eventIds = events.slice(1).map(({ id }) => id);
    expect(await payments.get('pay-1')).toMatchObject({ status: 'COMPLETED', aftermath: { eventIds } });
  });
}

function describeSchedule(open: PaymentsFactory): void {
  test('settles each payment once, when it is due and not before', async () => {
    const { payments, register, announced, ids, now, passTime } = await startRecording(open);
    const dueAtMs = now() + delayMs;
    await register({ id: 'pay-late', dueAtMs: dueAtMs + delayMs });
    await register({ id: 'pay-early', dueAtMs });
    await register({ id: 'pay-twin', dueAtMs });
    expect(await payments.scheduled()).toBe(3);
    await passTime(delayMs);
    await expect.poll(ids).toEqual(expect.arrayContaining(['pay-early', 'pay-twin']));
    await passTime(delayMs);
    await expect.poll(ids).toContain('pay-late');
    await passTime(delayMs);
    expect(ids().toSorted((a, b) => a.localeCompare(b))).toEqual(['pay-early', 'pay-late', 'pay-twin']);
    for (const { event, atMs } of announced) {
      const due = event.payment.id === 'pay-late' ? dueAtMs + delayMs : dueAtMs;
      expect(atMs).toBeGreaterThanOrEqual(due);
      expect(event.occurredAtMs).toBeGreaterThanOrEqual(due);
    }
    await expect.poll(() => payments.scheduled()).toBe(0);
  });

  test('what is announced again is the same event, and occurred when its payment settled', async () => {
    let announcements = 0;
    const { register, payments, announced, now, outlivesProcess } = await startRecording(open, roomy, () => {
      announcements += 1;
      return announcements === 1 ? Promise.reject(new Error('not handed over')) : undefined;
    });
    await register({ dueAtMs: now() });
    await payments.hasten('pay-1');
    const times = outlivesProcess ? 2 : 1;
    await expect.poll(() => announced.length, { timeout: 20_000 }).toBe(times);
    const [first, again] = announced.map(({ event }) => event);
    expect(again ?? first).toEqual(first);
    const payment = await payments.get('pay-1');
    expect(payment).toMatchObject({ status: 'COMPLETED', settledAtMs: first?.occurredAtMs });
  });

  test('what is overdue settles at once', async () => {
    const { register, ids, now, passTime } = await startRecording(open);
    await register({ id: 'pay-now', dueAtMs: now() });
    await register({ id: 'pay-overdue', dueAtMs: now() - 60_000 });
    await passTime(1);
    await expect.poll(ids).toHaveLength(2);
  });

  test('an announcement that takes long holds no other back', async () => {
    const slow = Promise.withResolvers<void>();
    const { register, ids, now, passTime } = await startRecording(open, roomy, (event) =>
      event.payment.id === 'pay-slow' ? slow.promise : undefined,
    );
    await register({ id: 'pay-slow', dueAtMs: now() });
    await register({ id: 'pay-next', dueAtMs: now() + 1 });
    await passTime(1);
    await expect.poll(() => ids().toSorted()).toEqual(['pay-next', 'pay-slow']);
    slow.resolve();
  });

  test('what is hastened settles now and once, and what is unknown does not', async () => {
    const { payments, register, ids, changes, passTime, now } = await startRecording(open);
    const dueAtMs = now() + delayMs;
    await register({ id: 'pay-a', dueAtMs });
    await register({ id: 'pay-b' });
    expect(await payments.hasten('pay-a')).toMatchObject({ changed: true, payment: { status: 'COMPLETED' } });
    expect(await payments.hasten('pay-unknown')).toBeUndefined();
    await passTime(1);
    await expect.poll(ids).toEqual(['pay-a']);
    await expect.poll(() => payments.scheduled()).toBe(1);
    expect(await payments.hasten('pay-a')).toMatchObject({ changed: false });
    await passTime(2 * delayMs);
    expect(ids()).toEqual(['pay-a']);
    expect(changes).toHaveLength(1);
  });

  test('what is rescheduled settles at its new time, and what is settled or unknown cannot be', async () => {
    const { payments, register, ids, now, passTime } = await startRecording(open);
    const startMs = now();
    await register({ id: 'pay-later', dueAtMs: startMs + delayMs });
    await register({ id: 'pay-sooner' });
    expect(await payments.reschedule('pay-later', startMs + 1_000_000)).toBe(true);
    expect(await payments.reschedule('pay-sooner', startMs + delayMs)).toBe(true);
    expect(await payments.get('pay-sooner')).toMatchObject({ dueAtMs: startMs + delayMs });
    await passTime(delayMs);
    await expect.poll(ids).toEqual(['pay-sooner']);
    await expect.poll(() => payments.scheduled()).toBe(1);
    expect(await payments.reschedule('pay-sooner', startMs)).toBe(false);
    expect(await payments.reschedule('pay-unknown', startMs)).toBe(false);
    expect(await payments.get('pay-later')).toMatchObject({ status: 'PENDING' });
  });
}

function describeDrain(open: PaymentsFactory): void {
  test('drain with nothing left resolves', async () => {
    const { payments, register, now, passTime } = await startRecording(open);
    await register({ dueAtMs: now() });
    await passTime(1);
    await expect.poll(() => payments.scheduled()).toBe(0);
    await payments.drain(delayMs);
  });

  test('drain settles on time what is due before the horizon, unless another process will', async () => {
    const { payments, register, announced, ids, now, passTime, outlivesProcess } = await startRecording(open);
    const startMs = now();
    await register({ id: 'pay-a', dueAtMs: startMs + delayMs });
    await register({ id: 'pay-b', dueAtMs: startMs + 2 * delayMs });
    const drained = payments.drain(2 * delayMs);
    await passTime(2 * delayMs);
    await drained;
    expect(ids()).toEqual(outlivesProcess ? [] : ['pay-a', 'pay-b']);
    expect(announced.map(({ atMs }) => atMs - startMs)).toEqual(
      outlivesProcess ? [] : [delayMs, 2 * delayMs],
    );
  });

  test('drain settles at once what is due after the horizon, unless another process will', async () => {
    const { payments, register, ids, now, passTime, outlivesProcess } = await startRecording(open);
    await register({ id: 'pay-before', dueAtMs: now() + delayMs });
    await register({ id: 'pay-after' });
    const drained = payments.drain(delayMs);
    if (!outlivesProcess) {
      await expect.poll(ids).toEqual(['pay-after']);
    }
    await passTime(delayMs);
    await drained;
    expect(ids()).toEqual(outlivesProcess ? [] : ['pay-after', 'pay-before']);
  });

  test('what is registered while draining keeps to the horizon', async () => {
    const { payments, register, ids, now, passTime, outlivesProcess } = await startRecording(open);
    await register({ id: 'pay-before', dueAtMs: now() + delayMs });
    const drained = payments.drain(delayMs);
    await register({ id: 'pay-new' });
    await passTime(delayMs);
    await drained;
    expect(ids()).toEqual(outlivesProcess ? [] : ['pay-new', 'pay-before']);
  });

  test('what is moved beyond the horizon while draining settles at once', async () => {
    const { payments, register, now, ids, outlivesProcess } = await startRecording(open);
    await register({ id: 'pay-moved', dueAtMs: now() + delayMs });
    const drained = payments.drain(delayMs);
    await payments.reschedule('pay-moved', now() + 10 * delayMs);
    await drained;
    expect(ids()).toEqual(outlivesProcess ? [] : ['pay-moved']);
  });

  test('drain waits for announcements that are under way', async () => {
    const gates: (() => void)[] = [];
    const { payments, register, now, passTime } = await startRecording(
      open,
      roomy,
      () => new Promise((resolve) => gates.push(resolve)),
    );
    await register({ dueAtMs: now() });
    await passTime(1);
    await expect.poll(() => gates.length).toBe(1);
    const events: string[] = [];
    const drain = async () => {
      await payments.drain(1_000 * delayMs);
      events.push('drained');
    };
    const drained = drain();
    await passTime(delayMs);
    events.push('announced');
    gates[0]?.();
    await drained;
    expect(events).toEqual(['announced', 'drained']);
  });
}
