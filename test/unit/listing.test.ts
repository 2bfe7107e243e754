import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PaymentError } from '../../src/payment/errors.ts';
import { type ListInput, listPayments } from '../../src/payment/listing.ts';
import { comparePositions, createPageSelection, type PageQuery } from '../../src/payment/page.ts';
import type { Payment } from '../../src/payment/payment.ts';
import type { Payments } from '../../src/payment/ports.ts';
import { samplePayment } from '../support/sample-payment.ts';

/** Payments that are listed from memory, with the queries that were made. */
function listing(stored: readonly Payment[]) {
  const queries: PageQuery[] = [];
  const payments: Pick<Payments, 'list'> = {
    async list(query) {
      queries.push(query);
      const selection = createPageSelection(query);
      stored.forEach((payment) => selection.offer(payment));
      return selection.page();
    },
  };
  const list = (input: Partial<ListInput> = {}) =>
    listPayments(payments as Payments, {
      userId: '',
      reservationId: '',
      status: undefined,
      page: 0,
      pageSize: 0,
      cursor: '',
      ...input,
    });
  return { list, queries };
}

async function badFields(listed: Promise<unknown>): Promise<readonly string[]> {
  const error: unknown = await listed.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  const reason = error instanceof PaymentError ? error.reason : undefined;
  return reason?.kind === 'invalid-request' ? reason.violations.map(({ field }) => field) : [];
}

test.each([
  [{}, { skip: 0, limit: 50 }],
  [{ pageSize: 1_000 }, { skip: 0, limit: 1_000 }],
  [{ pageSize: 1_001 }, { skip: 0, limit: 1_000 }],
  [{ page: 1 }, { skip: 0, limit: 50 }],
  [
    { page: 3, pageSize: 7 },
    { skip: 14, limit: 7 },
  ],
  [
    { page: 2, pageSize: 2_147_483_647 },
    { skip: 1_000, limit: 1_000 },
  ],
] as const)('%o is %o', async (input, query) => {
  const { list, queries } = listing([]);
  await list(input);
  expect(queries).toEqual([
    { from: undefined, filter: { userId: undefined, reservationId: undefined, status: undefined }, ...query },
  ]);
});

describe('a cursor', () => {
  const stored = ['a', 'b', 'c'].map((id) => samplePayment({ id }));

  test('belongs to its filters alone', async () => {
    const { list } = listing(stored);
    const { olderCursor } = await list({ pageSize: 1, userId: 'user-1' });
    expect((await list({ pageSize: 1, userId: 'user-1', cursor: olderCursor })).payments).toEqual([
      stored[1],
    ]);
    for (const other of [
      { userId: '' },
      { userId: 'user-2' },
      { reservationId: 'r' },
      { status: 'FAILED' },
    ] as const) {
      expect(await badFields(list({ userId: 'user-1', cursor: olderCursor, ...other }))).toEqual([
        'pagination.cursor',
      ]);
    }
  });

  test('that is none is refused, whatever it is', async () => {
    const { list } = listing(stored);
    const { olderCursor } = await list({ pageSize: 1 });
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.string({ unit: 'binary', minLength: 1 }),
          fc.json().map((json) => Buffer.from(json).toString('base64url')),
        ),
        async (cursor) => {
          expect(await badFields(list({ cursor }))).toEqual(['pagination.cursor']);
        },
      ),
    );
    expect(await badFields(list({ cursor: `${olderCursor}x`.slice(1) }))).toEqual(['pagination.cursor']);
  });

  test('is there where there is a page to go to', async () => {
    const { list } = listing(stored);
    expect(await list({ pageSize: 3 })).toMatchObject({ olderCursor: '', newerCursor: '' });
    const first = await list({ pageSize: 2 });
    expect(first.newerCursor).toBe('');
    const last = await list({ pageSize: 2, cursor: first.olderCursor });
    expect(last.olderCursor).toBe('');
    expect((await list({ pageSize: 2, cursor: last.newerCursor })).payments).toEqual(first.payments);
  });
});

test('a page is what sorting and cutting gives, whatever comes in whichever order', () => {
  const payments = fc.uniqueArray(
    fc.record({ id: fc.string({ minLength: 1, maxLength: 3 }), createdAtMs: fc.nat({ max: 5 }) }),
    { selector: ({ id }) => id, maxLength: 60, size: 'max' },
  );
  const position = fc.record({ id: fc.string({ maxLength: 3 }), createdAtMs: fc.nat({ max: 6 }) });
  const from = fc.option(
    fc.record({ position, direction: fc.constantFrom('older' as const, 'newer' as const) }),
    { nil: undefined },
  );
  fc.assert(
    fc.property(
      payments,
      from,
      fc.nat({ max: 10 }),
      fc.integer({ min: 1, max: 20 }),
      (some, start, skip, limit) => {
        const all = some.map((fields) => samplePayment(fields));
        const query = { filter: {}, from: start, skip: start === undefined ? skip : 0, limit };
        const selection = createPageSelection(query);
        all.forEach((payment) => selection.offer(payment));
        const sorted = all.toSorted(comparePositions);
        const side = (payment: Payment) =>
          start === undefined ? 1 : comparePositions(payment, start.position);
        const isNewer = start?.direction === 'newer';
        const ahead = sorted.filter((payment) => (isNewer ? side(payment) < 0 : side(payment) > 0));
        const chosen = isNewer ? ahead.slice(-limit) : ahead.slice(query.skip, query.skip + limit);
        const page = selection.page();
        expect(page.payments).toEqual(chosen);
        expect(page.totalCount).toBe(all.length);
        const more = ahead.length > query.skip + limit;
        const before = ahead.length < all.length || (query.skip > 0 && ahead.length > 0);
        expect([page.hasOlder, page.hasNewer]).toEqual(isNewer ? [before, more] : [more, before]);
      },
    ),
  );
});
