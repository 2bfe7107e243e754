import { describe, expect, test } from 'vitest';
import { PaymentError } from '../../src/payment/errors.ts';
import type { PaymentFilter } from '../../src/payment/page.ts';
import type { Payments } from '../../src/payment/ports.ts';
import { type PaymentsFactory, roomy, startRecording } from './recorded-payments.ts';

async function idsOf(payments: Payments, filter: PaymentFilter = {}): Promise<string[]> {
  const page = await payments.list({ filter, from: undefined, skip: 0, limit: 5_000 });
  return page.payments.map(({ id }) => id).toSorted((a, b) => a.localeCompare(b));
}

/** How payments are removed, whoever keeps them. */
export function describeRemoval(open: PaymentsFactory): void {
  describe('removal', () => {
    test('takes those that fit, pending or settled, and leaves the others', async () => {
      const { payments, register } = await startRecording(open);
      const ofSession = { extras: { sessionId: 'session-1' } };
      await register({ id: 'pay-pending', ...ofSession });
      await register({ id: 'pay-settled', ...ofSession });
      await register({ id: 'pay-other', extras: { sessionId: 'session-2' } });
      await register({ id: 'pay-none' });
      await payments.hasten('pay-settled');
      await expect.poll(() => payments.scheduled()).toBe(3);
      expect(await payments.remove({ sessionId: 'session-1' })).toBe(2);
      expect(await idsOf(payments)).toEqual(['pay-none', 'pay-other']);
      expect(await payments.get('pay-pending')).toBeUndefined();
      expect(await payments.get('pay-settled')).toBeUndefined();
      expect(await payments.hasten('pay-pending')).toBeUndefined();
      expect(await payments.reschedule('pay-pending', 0)).toBe(false);
      expect(await payments.scheduled()).toBe(2);
      expect(await payments.count()).toMatchObject({ pending: 2 });
      expect(await payments.remove({ sessionId: 'session-1' })).toBe(0);
      expect(await payments.remove({ sessionId: '' })).toBe(1);
      expect(await payments.remove({})).toBe(1);
      expect(await idsOf(payments)).toEqual([]);
      expect(await payments.remove({})).toBe(0);
    });

    test('what was removed never settles, and its id can be used again', async () => {
      const { payments, register, announced, failures, now, passTime } = await startRecording(open);
      const dueAtMs = now() + 300;
      await register({ id: 'pay-removed', dueAtMs });
      await register({ id: 'pay-again', dueAtMs });
      await register({ id: 'pay-left', dueAtMs, userId: 'user-2' });
      expect(await payments.remove({ userId: 'user-1' })).toBe(2);
      await register({ id: 'pay-again', dueAtMs: now() + 1_000_000 });
      await passTime(300);
      await expect.poll(() => announced.map(({ event }) => event.payment.id)).toEqual(['pay-left']);
      expect(await idsOf(payments)).toEqual(['pay-again', 'pay-left']);
      expect(await payments.scheduled()).toBe(1);
      expect(failures).toEqual([]);
    });

    test('takes as many as there are', async () => {
      const { payments, register } = await startRecording(open, { ...roomy, maxPayments: 3_000 });
      await Promise.all(
        Array.from({ length: 2_000 }, (_, i) =>
          register({ id: `pay-${i}`, userId: `user-${i % 2}`, createdAtMs: 1_000 + (i % 3) }),
        ),
      );
      expect(await payments.remove({ userId: 'user-1', status: 'PENDING' })).toBe(1_000);
      expect(await payments.scheduled()).toBe(1_000);
      expect(await idsOf(payments, { userId: 'user-1' })).toEqual([]);
      expect(await idsOf(payments)).toHaveLength(1_000);
    });

    test('payments that settle meanwhile are removed or settle, each whole', async () => {
      const { payments, register, failures } = await startRecording(open);
      const all = Array.from({ length: 100 }, (_, i) => `pay-${i}`);
      await Promise.all(all.map((id) => register({ id })));
      const hastened = all.map((id) => payments.hasten(id));
      const removed = await payments.remove({ status: 'PENDING' });
      const changed = (await Promise.all(hastened)).filter((done) => done?.changed === true);
      expect(removed + changed.length).toBe(100);
      expect(await idsOf(payments, { status: 'PENDING' })).toEqual([]);
      expect(await idsOf(payments)).toHaveLength(changed.length);
      await expect.poll(() => payments.scheduled()).toBe(0);
      expect(failures).toEqual([]);
    });
  });
}

/** For those who keep no order. */
export async function expectNoRemoval(payments: Payments): Promise<void> {
  const error: unknown = await payments.remove({}).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(PaymentError);
  expect(error).toMatchObject({ reason: { kind: 'no-index' } });
}
