import { describe, expect, test } from 'vitest';
import type { PaymentIntake, PaymentStore } from '../../src/state/ports.ts';
import { samplePayment, sampleSettlement } from '../support/sample-payment.ts';
import type { PortHarness, PortTraits } from './harness.ts';

/** A store, and the only way into it. */
export interface PaymentStoreWithIntake {
  readonly store: PaymentStore;
  readonly intake: PaymentIntake;
}

/** What the suite asks for: an empty store of its own per test, closed when the test is finished. */
export type PaymentStoreFactory = (options: {
  readonly ttlMs: number;
  readonly maxPayments: number;
}) => Promise<PortHarness<PaymentStoreWithIntake>>;

const ttlMs = 400;

/** What every PaymentStore does. */
export function describePaymentStore(name: string, open: PaymentStoreFactory, traits: PortTraits): void {
  describe(`PaymentStore contract: ${name}`, () => {
    test('gives back what was stored, every field, and nothing for unknown ids', async () => {
      const {
        port: { store, intake },
      } = await open({ ttlMs, maxPayments: 10 });
      const plain = samplePayment({ id: 'pay-plain' });
      const full = samplePayment({
        id: 'pay-full',
        reservationId: '예약 "1"\n',
        money: { amount: Number.MAX_SAFE_INTEGER, currency: 'USD' },
        scenario: 'RANDOM',
        webhookUrl: 'http://127.0.0.1/?a=b&c=%20',
        plannedOutcome: 'FAILED',
      });
      expect(await intake.register(plain)).toBe('registered');
      expect(await intake.register(full)).toBe('registered');
      expect(await store.get('pay-plain')).toEqual(plain);
      expect(await store.get('pay-full')).toEqual(full);
      expect(await store.get('pay-unknown')).toBeUndefined();
    });

    test('settles once and keeps the first settlement', async () => {
      const {
        port: { store, intake },
        now,
      } = await open({ ttlMs: 60_000, maxPayments: 10 });
      const payment = samplePayment({ plannedOutcome: 'FAILED' });
      await intake.register(payment);
      const first = sampleSettlement(now(), 'first', 'FAILED');
      const settled = { ...payment, ...first };
      expect(await store.settle(payment.id, () => first)).toEqual({ payment: settled, settledNow: true });
      const second = sampleSettlement(now(), 'second', 'COMPLETED');
      expect(await store.settle(payment.id, () => second)).toEqual({ payment: settled, settledNow: false });
      expect(await store.get(payment.id)).toEqual(settled);
      expect(await store.settle('pay-unknown', () => second)).toBeUndefined();
    });

    test('of many settlements at once exactly one wins, and all see the winner', async () => {
      const {
        port: { store, intake },
        now,
      } = await open({ ttlMs: 60_000, maxPayments: 100 });
      const ids = Array.from({ length: 20 }, (_, i) => `pay-${i}`);
      await Promise.all(ids.map((id) => intake.register(samplePayment({ id }))));
      const results = await Promise.all(
        ids.flatMap((id) =>
          Array.from({ length: 50 }, (_, i) => store.settle(id, () => sampleSettlement(now(), `${id}-${i}`))),
        ),
      );
      for (const id of ids) {
        const mine = results.filter((result) => result?.payment.id === id);
        expect(mine).toHaveLength(50);
        const winners = mine.filter((result) => result?.settledNow);
        expect(winners).toHaveLength(1);
        expect(new Set(mine.map((result) => result?.payment.transactionId)).size).toBe(1);
        expect(await store.get(id)).toEqual(winners[0]?.payment);
      }
    });

    test('a settled payment leaves after its time to live, a pending one never', async () => {
      const {
        port: { store, intake },
        now,
        passTime,
      } = await open({ ttlMs, maxPayments: 10 });
      await intake.register(samplePayment({ id: 'pay-settled' }));
      await intake.register(samplePayment({ id: 'pay-pending' }));
      await passTime(ttlMs * 2); // counts from the settlement, not from the creation
      await store.settle('pay-settled', () => sampleSettlement(now()));
      expect(await store.get('pay-settled')).toBeDefined();
      await passTime(ttlMs);
      expect(await store.get('pay-settled')).toBeUndefined();
      expect(await store.settle('pay-settled', () => sampleSettlement(now(), '2'))).toBeUndefined();
      expect(await store.get('pay-pending')).toBeDefined();
    });

    test.runIf(traits.isBounded)('at its limit the oldest settled payments leave first', async () => {
      const {
        port: { store, intake },
        now,
        passTime,
      } = await open({ ttlMs: 60_000, maxPayments: 3 });
      for (const id of ['pay-a', 'pay-b', 'pay-c']) {
        await intake.register(samplePayment({ id }));
      }
      for (const id of ['pay-b', 'pay-a']) {
        await store.settle(id, () => sampleSettlement(now(), id));
        await passTime(2);
      }
      const present = async () => {
        const ids = ['pay-a', 'pay-b', 'pay-c', 'pay-d', 'pay-e', 'pay-f'];
        const found = await Promise.all(ids.map((id) => store.get(id)));
        return found.flatMap((payment) => (payment === undefined ? [] : [payment.id]));
      };
      expect(await intake.register(samplePayment({ id: 'pay-d' }))).toBe('registered');
      expect(await present()).toEqual(['pay-a', 'pay-c', 'pay-d']);
      expect(await intake.register(samplePayment({ id: 'pay-e' }))).toBe('registered');
      expect(await present()).toEqual(['pay-c', 'pay-d', 'pay-e']);
    });

    test.runIf(traits.isBounded)('full of pending payments it takes no more, until one settles', async () => {
      const {
        port: { store, intake },
        now,
      } = await open({ ttlMs: 60_000, maxPayments: 2 });
      await intake.register(samplePayment({ id: 'pay-a' }));
      await intake.register(samplePayment({ id: 'pay-b' }));
      expect(await intake.register(samplePayment({ id: 'pay-c' }))).toBe('full');
      expect(await store.get('pay-c')).toBeUndefined();
      expect(await store.get('pay-a')).toBeDefined();
      await store.settle('pay-b', () => sampleSettlement(now()));
      expect(await intake.register(samplePayment({ id: 'pay-c' }))).toBe('registered');
      expect(await store.get('pay-b')).toBeUndefined();
    });

    test.runIf(traits.isBounded)('creations at once never take more than the limit', async () => {
      const {
        port: { intake },
      } = await open({ ttlMs: 60_000, maxPayments: 10 });
      const results = await Promise.all(
        Array.from({ length: 50 }, (_, i) => intake.register(samplePayment({ id: `pay-${i}` }))),
      );
      expect(results.filter((result) => result === 'registered')).toHaveLength(10);
    });

    test.runIf(traits.isBounded)('counts what it stores', async () => {
      const {
        port: { store, intake },
        now,
        passTime,
      } = await open({ ttlMs, maxPayments: 10 });
      expect(await store.count()).toEqual({ pending: 0, settled: 0 });
      await intake.register(samplePayment({ id: 'pay-a' }));
      await intake.register(samplePayment({ id: 'pay-b' }));
      await expect.poll(() => store.count()).toEqual({ pending: 2, settled: 0 });
      await store.settle('pay-a', () => sampleSettlement(now()));
      await store.settle('pay-a', () => sampleSettlement(now()));
      await expect.poll(() => store.count()).toEqual({ pending: 1, settled: 1 });
      await passTime(ttlMs * 2);
      await expect.poll(() => store.count()).toEqual({ pending: 1, settled: 0 });
    });
  });
}
