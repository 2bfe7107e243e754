import { describe, expect, test } from 'vitest';
import type { PaymentEvent } from '../../src/payment/event.ts';
import { beginRefund, type Decide } from '../../src/payment/lifecycle.ts';
import { isSettled, type Payment, type SettlementStatus } from '../../src/payment/payment.ts';
import { refundALittle, sampleEvent, sampleRefund } from '../support/sample-payment.ts';
import type { PortTraits } from './harness.ts';
import { type PaymentsFactory, roomy, startRecording } from './recorded-payments.ts';

const ttlMs = 1_000;
const delayMs = 700;

/** A decision that begins a refund. */
function beginning(dueAtMs: number, id = 'rfd-1', amount = 1): Decide {
  return (payment: Payment) =>
    isSettled(payment)
      ? beginRefund(payment, sampleRefund({ id, amount, status: 'PENDING' }), dueAtMs)
      : undefined;
}

/** A decision that gives a settled payment one more event. */
function adding(now: () => number, id: string): Decide {
  return (payment: Payment) => (isSettled(payment) ? refundALittle(payment, id, now()) : undefined);
}

function refundsOf(payment: Payment | undefined) {
  return payment !== undefined && isSettled(payment) ? (payment.aftermath?.refunds ?? []) : [];
}

/** What comes after the settlement, and other outcomes than the planned one. */
export function describeLaterEvents(open: PaymentsFactory, traits: PortTraits): void {
  describe('later events', () => {
    describeRefunds(open, traits);
    describeOrder(open);
    describeAnnounceAt(open);
    describeOutcomes(open);
  });
}

function describeRefunds(open: PaymentsFactory, traits: PortTraits): void {
  test.each([
    ['is carried out', undefined, 'SUCCEEDED'],
    ['fails', 'expired_card', 'FAILED'],
  ] as const)('a refund that was begun %s when it is due and not before', async (_, failureCode, status) => {
    const { payments, register, announced, changes, failures, now, passTime } = await startRecording(open);
    await register({
      extras: { refundPlan: { delayMs, failureCode } },
      money: { amount: 5, currency: 'KRW' },
    });
    await payments.hasten('pay-1');
    const dueAtMs = now() + delayMs;
    expect(await payments.transition('pay-1', beginning(dueAtMs, 'rfd-1', 5))).toMatchObject({
      changed: true,
    });
    await expect.poll(() => announced.length).toBe(1);
    expect(refundsOf(await payments.get('pay-1'))).toMatchObject([{ id: 'rfd-1', status: 'PENDING' }]);
    expect(changes.at(-1)).toMatchObject({ event: undefined, refund: { id: 'rfd-1', dueAtMs } });
    await passTime(delayMs);
    await expect.poll(() => announced.length).toBe(2);
    expect(announced[1]?.atMs).toBeGreaterThanOrEqual(dueAtMs);
    expect(announced[1]?.event).toMatchObject({
      id: 'evt-1',
      sequence: 2,
      type: status === 'SUCCEEDED' ? 'payment.status_updated' : 'payment.refund_updated',
      refund: { id: 'rfd-1', status, failureCode, refundedAmount: status === 'SUCCEEDED' ? 5 : 0 },
    });
    expect(announced[1]?.event.occurredAtMs).toBeGreaterThanOrEqual(dueAtMs);
    const payment = await payments.get('pay-1');
    expect(payment?.status).toBe(status === 'SUCCEEDED' ? 'REFUNDED' : 'COMPLETED');
    expect(refundsOf(payment)).toMatchObject([{ id: 'rfd-1', status, failureCode }]);
    expect(failures).toEqual([]);
  });

  test('refunds under way at the same time all end, each with an event of its own', async () => {
    const { payments, register, announced, now, passTime } = await startRecording(open);
    await register({ extras: { refundPlan: { delayMs, failureCode: undefined } } });
    await payments.hasten('pay-1');
    const ids = Array.from({ length: 8 }, (_, i) => `rfd-${i}`);
    const dueAtMs = now() + delayMs;
    const begun = await Promise.all(ids.map((id) => payments.transition('pay-1', beginning(dueAtMs, id))));
    expect(begun.every((result) => result?.changed)).toBe(true);
    await passTime(delayMs);
    await expect.poll(() => announced.length, { timeout: 20_000 }).toBe(9);
    expect(announced.map(({ event }) => event.sequence)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    const refunds = refundsOf(await payments.get('pay-1'));
    expect(refunds.map(({ id }) => id).toSorted()).toEqual(ids);
    expect(refunds.every((refund) => refund.status === 'SUCCEEDED')).toBe(true);
  }, 30_000);

  test('a payment stays beyond its time to live as long as a refund of it is under way', async () => {
    const { payments, register, announced, now, passTime, outlivesProcess } = await startRecording(open, {
      ttlMs,
      maxPayments: 10,
    });
    await register({ extras: { refundPlan: { delayMs, failureCode: undefined } } });
    await payments.hasten('pay-1');
    await payments.transition('pay-1', beginning(now() + 2 * ttlMs));
    await passTime(ttlMs + 1);
    expect(await payments.get('pay-1')).toMatchObject({ status: 'COMPLETED' });
    const query = { filter: {}, from: undefined, skip: 0, limit: 1 };
    expect(await payments.list(query)).toMatchObject({ totalCount: 1 });
    await passTime(ttlMs);
    await expect.poll(() => announced.map(({ event }) => event.sequence)).toEqual([1, 2]);
    if (!outlivesProcess) {
      expect(await payments.get('pay-1')).toBeUndefined();
      expect(await payments.list(query)).toMatchObject({ totalCount: 0 });
    }
  });

  test.runIf(traits.isBounded)(
    'at the limit, payments with a refund under way are the last to leave',
    async () => {
      const { payments, register, announced, now, passTime } = await startRecording(open, {
        ttlMs: 60_000,
        maxPayments: 3,
      });
      for (const id of ['pay-a', 'pay-b', 'pay-c']) {
        await register({ id, extras: { refundPlan: { delayMs, failureCode: undefined } } });
        await payments.hasten(id);
      }
      await payments.transition('pay-a', beginning(now() + delayMs));
      expect(await register({ id: 'pay-d' })).toBe('registered');
      expect(await payments.get('pay-a')).toBeDefined();
      expect(await payments.get('pay-b')).toBeUndefined();
      await payments.transition('pay-c', beginning(now() + delayMs));
      expect(await register({ id: 'pay-e' })).toBe('full');
      await passTime(delayMs);
      expect(announced.map(({ event }) => event.payment.id)).toEqual([
        'pay-a',
        'pay-b',
        'pay-c',
        'pay-a',
        'pay-c',
      ]);
      expect(await register({ id: 'pay-e' })).toBe('registered');
      expect(await register({ id: 'pay-f' })).toBe('registered');
      expect(await register({ id: 'pay-g' })).toBe('full');
      expect(await payments.count()).toEqual({ pending: 3, settled: 0 });
    },
  );

  test('drain ends refunds that are under way, unless another process will', async () => {
    const { payments, register, announced, now, outlivesProcess } = await startRecording(open);
    await register({ extras: { refundPlan: { delayMs, failureCode: undefined } } });
    await payments.hasten('pay-1');
    await expect.poll(() => announced.length).toBe(1);
    await payments.transition('pay-1', beginning(now() + 1_000_000));
    await payments.drain(delayMs);
    const status = outlivesProcess ? 'PENDING' : 'SUCCEEDED';
    expect(refundsOf(await payments.get('pay-1'))).toMatchObject([{ id: 'rfd-1', status }]);
    expect(announced).toHaveLength(outlivesProcess ? 1 : 2);
    // What begins during the drain ends in it as well.
    await payments.transition('pay-1', beginning(now() + 1_000_000, 'rfd-2'));
    expect(refundsOf(await payments.get('pay-1'))[1]).toMatchObject({ id: 'rfd-2', status });
  });
}

function describeOrder(open: PaymentsFactory): void {
  test('events of a payment are announced in their order, each after the end of the one before', async () => {
    const log: string[] = [];
    const gates = new Map<number, PromiseWithResolvers<void>>();
    const gateOf = (sequence: number) => {
      const gate = gates.get(sequence) ?? Promise.withResolvers<void>();
      gates.set(sequence, gate);
      return gate;
    };
    const announce = ({ payment, sequence }: PaymentEvent): Promise<void> | undefined => {
      if (payment.id !== 'pay-1') {
        return undefined;
      }
      log.push(`begun ${sequence}`);
      return gateOf(sequence).promise.then(() => void log.push(`ended ${sequence}`));
    };
    const { payments, register, announced, now, outlivesProcess } = await startRecording(
      open,
      roomy,
      announce,
    );
    await register();
    await register({ id: 'pay-other' });
    await payments.hasten('pay-1');
    for (const mark of ['a', 'b', 'c']) {
      await payments.transition('pay-1', adding(now, `evt-${mark}`));
    }
    // Behind the others, so that what would not wait has been begun.
    await payments.hasten('pay-other');
    await payments.transition('pay-other', adding(now, 'evt-other'));
    await expect.poll(() => announced.filter(({ event }) => event.payment.id === 'pay-other').length).toBe(2);
    for (const sequence of [1, 2, 3, 4]) {
      await expect.poll(() => log, { timeout: 20_000 }).toContain(`begun ${sequence}`);
      gateOf(sequence).resolve();
      await expect.poll(() => log).toContain(`ended ${sequence}`);
    }
    const all = [1, 2, 3, 4];
    expect(log).toEqual(
      outlivesProcess
        ? all.flatMap((sequence) => [`begun ${sequence}`, `ended ${sequence}`])
        : [...all.map((sequence) => `begun ${sequence}`), ...all.map((sequence) => `ended ${sequence}`)],
    );
  }, 60_000);

  test('an event that has to wait for the one before is announced after the time to live as well', async () => {
    const first = Promise.withResolvers<void>();
    const { payments, register, announced, now, passTime } = await startRecording(
      open,
      { ttlMs, maxPayments: 10 },
      ({ sequence }) => (sequence === 1 ? first.promise : undefined),
    );
    await register();
    await payments.hasten('pay-1');
    await expect.poll(() => announced.length).toBe(1);
    await payments.transition('pay-1', adding(now, 'evt-a'));
    await passTime(ttlMs);
    first.resolve();
    const sequences = () => announced.map(({ event }) => event.sequence);
    await expect.poll(sequences, { timeout: 20_000 }).toEqual([1, 2]);
  }, 30_000);

  test('an event whose announcement fails is announced again before the next one', async () => {
    let fails = true;
    const { payments, register, announced, now, failures, outlivesProcess } = await startRecording(
      open,
      roomy,
      ({ sequence }) => {
        if (sequence === 2 && fails) {
          fails = false;
          return Promise.reject(new Error('not handed over'));
        }
        return Promise.resolve();
      },
    );
    await register();
    await payments.hasten('pay-1');
    await payments.transition('pay-1', adding(now, 'evt-a'));
    await payments.transition('pay-1', adding(now, 'evt-b'));
    const sequences = () => announced.map(({ event }) => event.sequence);
    await expect.poll(sequences, { timeout: 20_000 }).toEqual(outlivesProcess ? [1, 2, 2, 3] : [1, 2, 3]);
    expect(failures).toHaveLength(1);
  }, 30_000);
}

function describeAnnounceAt(open: PaymentsFactory): void {
  test('an event is announced at the time that is asked for, whatever becomes of its payment', async () => {
    const { payments, announced, now, passTime } = await startRecording(open);
    const event = {
      ...sampleEvent({ id: 'pay-gone', webhookUrl: 'http://127.0.0.1/hooks', extras: undefined }),
      sequence: 5,
    };
    const later = { ...event, id: 'evt-later' };
    const dueAtMs = now() + delayMs;
    await payments.announceAt(later, dueAtMs);
    await payments.announceAt(event, now());
    await passTime(1);
    await expect.poll(() => announced.map((each) => each.event.id)).toEqual(['evt-1']);
    const { id, reservationId, userId, status, money, trace, transactionId, failureCode } =
      sampleEvent().payment;
    expect(announced[0]?.event).toMatchObject({
      ...event,
      payment: { id: 'pay-gone', reservationId, userId, status, money, trace, transactionId, failureCode },
    });
    expect(id).toBe('pay-1');
    await passTime(delayMs);
    await expect.poll(() => announced.map((each) => each.event.id)).toEqual(['evt-1', 'evt-later']);
    expect(announced[1]?.atMs).toBeGreaterThanOrEqual(dueAtMs);
  });

  test('the same event is announced as often as it is asked for, also while it waits', async () => {
    const { payments, register, announced, now, passTime } = await startRecording(open);
    await register();
    const settled = (await payments.hasten('pay-1'))?.payment;
    await expect.poll(() => announced.length).toBe(1);
    const [first] = announced.map(({ event }) => event);
    expect(settled).toMatchObject({ eventId: first?.id });
    if (first === undefined) {
      return;
    }
    await Promise.all([
      payments.announceAt(first, now() + delayMs),
      payments.announceAt(first, now() + delayMs),
      payments.announceAt(first, now()),
    ]);
    await passTime(delayMs);
    await expect.poll(() => announced.length).toBe(4);
    expect(announced.map(({ event }) => event.id)).toEqual(Array.from({ length: 4 }, () => first.id));
  });

  test('drain announces what waits for its time at once, unless another process will', async () => {
    const { payments, announced, now, outlivesProcess } = await startRecording(open);
    await payments.announceAt(sampleEvent(), now() + 1_000_000);
    await payments.drain(delayMs);
    expect(announced).toHaveLength(outlivesProcess ? 0 : 1);
  });
}

function describeOutcomes(open: PaymentsFactory): void {
  test.each(['COMPLETED', 'FAILED', 'CANCELLED', 'EXPIRED'] as const satisfies readonly SettlementStatus[])(
    'what is rescheduled with the outcome %s settles so, at its new time',
    async (outcome) => {
      const { payments, register, announced, now, passTime } = await startRecording(open);
      await register({ plannedOutcome: outcome === 'COMPLETED' ? 'FAILED' : 'COMPLETED' });
      const dueAtMs = now() + delayMs;
      expect(await payments.reschedule('pay-1', dueAtMs, outcome)).toBe(true);
      expect(await payments.get('pay-1')).toMatchObject({
        status: 'PENDING',
        plannedOutcome: outcome,
        dueAtMs,
      });
      await passTime(delayMs);
      await expect.poll(() => announced.length).toBe(1);
      expect(announced[0]?.event.payment.status).toBe(outcome);
      expect(announced[0]?.atMs).toBeGreaterThanOrEqual(dueAtMs);
      expect(await payments.get('pay-1')).toMatchObject({ status: outcome });
      expect(await payments.reschedule('pay-1', dueAtMs, 'FAILED')).toBe(false);
      expect(await payments.get('pay-1')).toMatchObject({ status: outcome, plannedOutcome: outcome });
    },
  );
}
