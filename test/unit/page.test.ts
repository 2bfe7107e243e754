import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { comparePositions, createPageSelection, type PageQuery } from '../../src/payment/page.ts';
import type { Payment } from '../../src/payment/payment.ts';
import { samplePayment } from '../support/sample-payment.ts';

const payments = fc.uniqueArray(
  fc.record({
    id: fc.stringMatching(/^pay-[a-z0-9]{1,4}$/),
    createdAtMs: fc.nat(20),
    userId: fc.constantFrom('a', 'b'),
  }),
  { selector: ({ id }) => id, maxLength: 60 },
);

const position = fc.record({ id: fc.stringMatching(/^pay-[a-z0-9]{1,4}$/), createdAtMs: fc.nat(20) });

const queries: fc.Arbitrary<PageQuery> = fc.record({
  filter: fc.constantFrom({}, { userId: 'a' }, { userId: 'nobody' }),
  from: fc.option(fc.record({ position, direction: fc.constantFrom('older', 'newer') }), { nil: undefined }),
  skip: fc.nat(5),
  limit: fc.integer({ min: 1, max: 10 }),
});

test('a page is what sorting all, and cutting, would give', () => {
  fc.assert(
    fc.property(payments, queries, (drawn, query) => {
      const all: Payment[] = drawn.map((fields) => samplePayment(fields));
      const selection = createPageSelection(query);
      all.forEach((payment) => selection.offer(payment));
      const { filter, from, skip, limit } = query;
      const fitting = all
        .filter(({ userId }) => filter.userId === undefined || userId === filter.userId)
        .toSorted(comparePositions);
      const isOlder = (payment: Payment) =>
        from === undefined || comparePositions(payment, from.position) > 0;
      const isNewer = (payment: Payment) =>
        from !== undefined && comparePositions(payment, from.position) < 0;
      const side =
        from?.direction === 'newer' ? fitting.filter(isNewer).toReversed() : fitting.filter(isOlder);
      const chosen = side.slice(skip, skip + limit);
      const hasMore = side.length > skip + limit;
      const hasBefore = side.length < fitting.length || (skip > 0 && side.length > 0);
      const countByStatus = fitting.length === 0 ? {} : { PENDING: fitting.length };
      const counts = { totalCount: fitting.length, countByStatus };
      expect(selection.page()).toEqual(
        from?.direction === 'newer'
          ? {
              payments: chosen.toReversed(),
              ...counts,
              hasOlder: hasBefore,
              hasNewer: hasMore,
            }
          : { payments: chosen, ...counts, hasOlder: hasMore, hasNewer: hasBefore },
      );
    }),
    { numRuns: 1_000 },
  );
});
