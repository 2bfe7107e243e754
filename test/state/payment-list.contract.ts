import { describe, expect, test } from 'vitest';
import { PaymentError } from '../../src/payment/errors.ts';
import { comparePositions, type PageQuery, type PaymentFilter } from '../../src/payment/page.ts';
import type { Payment, PendingPayment } from '../../src/payment/payment.ts';
import type { Payments } from '../../src/payment/ports.ts';
import { samplePayment } from '../support/sample-payment.ts';
import { type PaymentsFactory, roomy, startRecording } from './recorded-payments.ts';

/** Pages from the newest or the oldest to the other end, before each page but the first `between` is called. */
async function walk(
  payments: Payments,
  direction: 'older' | 'newer',
  query: { readonly filter?: PaymentFilter; readonly limit: number },
  between: () => Promise<unknown> = () => Promise.resolve(),
): Promise<string[][]> {
  const pages: string[][] = [];
  const { filter = {}, limit } = query;
  let from: PageQuery['from'] =
    direction === 'older'
      ? undefined
      : { direction, position: { createdAtMs: Number.MIN_SAFE_INTEGER, id: '' } };
  for (;;) {
    const page = await payments.list({ filter, from, skip: 0, limit });
    pages.push(idsOf(page.payments));
    const last = direction === 'older' ? page.payments.at(-1) : page.payments[0];
    if (!(direction === 'older' ? page.hasOlder : page.hasNewer) || last === undefined) {
      return pages;
    }
    await between();
    from = { direction, position: last };
  }
}

function idsOf(payments: readonly Payment[]): string[] {
  return payments.map(({ id }) => id);
}

/** Ids in the order of a list. */
function inOrder(payments: readonly Payment[]): string[] {
  return idsOf(payments.toSorted(comparePositions));
}

/** Payments in no order of time or id, with several in some milliseconds. */
function scattered(count: number, dueAtMs: number): PendingPayment[] {
  return Array.from({ length: count }, (_, i) =>
    samplePayment({
      id: `pay-${(i * 7) % count}`,
      userId: `user-${i % 3}`,
      reservationId: `reservation-${i % 5}`,
      createdAtMs: 1_000 + ((i * 31) % 11),
      dueAtMs,
    }),
  );
}

/** How payments are listed, whoever keeps them. */
export function describeLists(open: PaymentsFactory): void {
  const far = Date.UTC(2100, 0, 1);

  async function openWith(all: readonly PendingPayment[], maxPayments = roomy.maxPayments) {
    const recording = await startRecording(open, { ...roomy, maxPayments });
    await Promise.all(all.map((payment) => recording.payments.register(payment)));
    return recording;
  }

  describe('lists', () => {
    test('of nothing are empty', async () => {
      const { payments } = await startRecording(open);
      const query = { filter: {}, from: undefined, skip: 0, limit: 10 };
      const empty = { payments: [], totalCount: 0, countByStatus: {}, hasOlder: false, hasNewer: false };
      expect(await payments.list(query)).toEqual(empty);
      expect(await payments.list({ ...query, skip: 10 })).toEqual(empty);
    });

    test('have the newest first, those of one millisecond by their ids, each payment whole', async () => {
      const all = scattered(60, far);
      const { payments } = await openWith(all);
      const page = await payments.list({ filter: {}, from: undefined, skip: 0, limit: 60 });
      expect(page.payments).toEqual(all.toSorted(comparePositions));
      expect(page).toMatchObject({ totalCount: 60, hasOlder: false, hasNewer: false });
    });

    test('have the same pages by position and by number, to the old end and back', async () => {
      const all = scattered(60, far);
      const expected = inOrder(all);
      const { payments } = await openWith(all);
      for (const limit of [1, 7, 20, 59, 60, 61]) {
        const older = await walk(payments, 'older', { limit });
        expect(older.flat()).toEqual(expected);
        expect(older.slice(0, -1).every((page) => page.length === limit)).toBe(true);
        const newer = await walk(payments, 'newer', { limit });
        expect(newer.toReversed().flat()).toEqual(expected);
        for (const [at, ids] of older.entries()) {
          const skip = at * limit;
          const page = await payments.list({ filter: {}, from: undefined, skip, limit });
          expect(idsOf(page.payments)).toEqual(ids);
          expect(page).toMatchObject({
            totalCount: 60,
            hasOlder: at < older.length - 1,
            hasNewer: at > 0,
          });
        }
      }
      const beyond = await payments.list({ filter: {}, from: undefined, skip: 100, limit: 10 });
      expect(beyond).toEqual({
        payments: [],
        totalCount: 60,
        countByStatus: { PENDING: 60 },
        hasOlder: false,
        hasNewer: true,
      });
    });

    test('know from a position whether there are others on its other side', async () => {
      const all = scattered(10, far);
      const [newest, second] = all.toSorted(comparePositions);
      const { payments } = await openWith(all);
      const page = (position: PendingPayment | undefined, direction: 'older' | 'newer') =>
        payments.list({
          filter: {},
          from: { direction, position: position ?? samplePayment() },
          skip: 0,
          limit: 3,
        });
      expect(await page(newest, 'newer')).toMatchObject({ payments: [], hasOlder: true, hasNewer: false });
      expect(await page(second, 'newer')).toMatchObject({ payments: [newest], hasOlder: true });
      expect(await page(newest, 'older')).toMatchObject({ hasNewer: true, hasOlder: true });
    });

    test('filter by payer, reservation and status, and count all that fit', async () => {
      const all = scattered(60, far);
      const { payments } = await openWith(all);
      for (const id of ['pay-0', 'pay-7', 'pay-8']) {
        await payments.hasten(id);
      }
      const filters: readonly PaymentFilter[] = [
        { userId: 'user-1' },
        { reservationId: 'reservation-2' },
        { userId: 'user-1', reservationId: 'reservation-2' },
        { status: 'PENDING' },
        { status: 'COMPLETED' },
        { status: 'COMPLETED', userId: all.find(({ id }) => id === 'pay-7')?.userId },
        { status: 'REFUNDED' },
        { userId: 'user-unknown' },
      ];
      const settled = new Set(['pay-0', 'pay-7', 'pay-8']);
      for (const filter of filters) {
        const fitting = all.filter(
          ({ id, userId, reservationId }) =>
            (filter.userId ?? userId) === userId &&
            (filter.reservationId ?? reservationId) === reservationId &&
            (filter.status ?? (settled.has(id) ? 'COMPLETED' : 'PENDING')) ===
              (settled.has(id) ? 'COMPLETED' : 'PENDING'),
        );
        expect((await walk(payments, 'older', { filter, limit: 4 })).flat()).toEqual(inOrder(fitting));
        const page = await payments.list({ filter, from: undefined, skip: 0, limit: 1 });
        expect(page).toMatchObject({ totalCount: fitting.length, hasOlder: fitting.length > 1 });
      }
    });

    test.each(['older', 'newer'] as const)(
      'neither skip nor repeat while payments are registered, going %s',
      async (direction) => {
        const all = scattered(60, far);
        const { payments } = await openWith(all);
        let added = 0;
        // Newer ones, older ones, and some in the milliseconds that are being listed.
        const pages = await walk(payments, direction, { limit: 7 }, () =>
          Promise.all(
            [1, 1_001, 1_005, 1_010, 2_000].map((createdAtMs) => {
              added += 1;
              const id = `pay-new-${added}`;
              return payments.register(samplePayment({ id, createdAtMs, dueAtMs: far }));
            }),
          ),
        );
        expect(added).toBeGreaterThan(40);
        const listed = direction === 'older' ? pages.flat() : pages.toReversed().flat();
        expect(new Set(listed).size).toBe(listed.length);
        expect(listed.filter((id) => !id.startsWith('pay-new'))).toEqual(inOrder(all));
      },
    );

    test('have every payment once, however many there are in one millisecond', async () => {
      const all = Array.from({ length: 2_600 }, (_, i) =>
        samplePayment({ id: `pay-${i}`, createdAtMs: i < 2_300 ? 1_500 : 1_000 + i, dueAtMs: far }),
      );
      const { payments } = await openWith(all, 5_000);
      const pages = await walk(payments, 'older', { limit: 1_000 });
      expect(pages.map(({ length }) => length)).toEqual([1_000, 1_000, 600]);
      expect(pages.flat()).toEqual(inOrder(all));
      const page = await payments.list({ filter: {}, from: undefined, skip: 0, limit: 1 });
      expect(page.totalCount).toBe(2_600);
    });

    test('show a payment that was registered again where it was', async () => {
      const all = scattered(10, far);
      const { payments } = await openWith(all);
      await payments.register(samplePayment({ id: 'pay-3', createdAtMs: 9_000, dueAtMs: far }));
      expect((await walk(payments, 'older', { limit: 3 })).flat()).toEqual(inOrder(all));
    });
  });
}

/** For those who keep no order. */
export async function expectNoIndex(payments: Payments): Promise<void> {
  const error: unknown = await payments.list({ filter: {}, from: undefined, skip: 0, limit: 1 }).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(PaymentError);
  expect(error).toMatchObject({ reason: { kind: 'no-index' } });
}
