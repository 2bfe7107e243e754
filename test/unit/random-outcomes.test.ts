import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createSeededOutcomes } from '../../src/payment/random-outcomes.ts';
import { samplePayment } from '../support/sample-payment.ts';

const reservations = ['seat-1', 'seat-2', '좌석-3'] as const;

/** The outcomes of each reservation, when their payments come in this order. */
function outcomesIn(order: readonly string[], seed: number) {
  const outcomes = createSeededOutcomes(0.5, seed);
  const each = new Map<string, string[]>(reservations.map((id) => [id, []]));
  for (const reservationId of order) {
    each.get(reservationId)?.push(outcomes.next(reservationId));
  }
  return each;
}

test('an outcome follows from seed, reservation and number, however payments interleave', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      fc.shuffledSubarray(
        Array.from({ length: 60 }, (_, i) => reservations[i % 3] ?? ''),
        { minLength: 60 },
      ),
      (seed, order) => {
        expect(outcomesIn(order, seed)).toEqual(outcomesIn(order.toSorted(), seed));
      },
    ),
  );
});

test('the draw is what it is said to be', () => {
  for (const [nth, outcome] of (
    outcomesIn(Array<string>(20).fill('seat-1'), 7).get('seat-1') ?? []
  ).entries()) {
    const bits = createHash('sha256').update(`7:${nth}:seat-1`).digest('hex').slice(0, 8);
    expect(outcome).toBe(Number.parseInt(bits, 16) / 2 ** 32 < 0.5 ? 'FAILED' : 'COMPLETED');
  }
});

test('what is given back goes to the next payment of the reservation, and shifts none', () => {
  const expected = outcomesIn(Array<string>(40).fill('seat-1'), 3).get('seat-1') ?? [];
  expect(new Set(expected).size).toBe(2);
  const outcomes = createSeededOutcomes(0.5, 3);
  const given = expected.map(() => {
    const refused = outcomes.next('seat-1');
    outcomes.giveBack?.(samplePayment({ reservationId: 'seat-1', plannedOutcome: refused }));
    return outcomes.next('seat-1');
  });
  expect(given).toEqual(expected);
});

/** Which of 20,000 reservations fail, at a rate of 0.2. */
function failed(seed: number): readonly boolean[] {
  const outcomes = createSeededOutcomes(0.2, seed);
  return Array.from({ length: 20_000 }, (_, i) => outcomes.next(`seat-${i}`) === 'FAILED');
}

test('outcomes fail at the rate, and seeds have nothing in common', () => {
  const [first, second] = [failed(1), failed(2)];
  expect(first.filter(Boolean).length / 20_000).toBeCloseTo(0.2, 1);
  expect(first).not.toEqual(second);
});

test('beyond 100,000 reservations the one that came first begins anew, and no other', () => {
  const outcomes = createSeededOutcomes(0.5, 5);
  const drawn = (id: string) => Array.from({ length: 40 }, () => outcomes.next(id));
  const starts = [drawn('first'), drawn('second')];
  for (let i = 0; i < 99_999; i += 1) {
    outcomes.next(`other-${i}`);
  }
  expect(drawn('second')).not.toEqual(starts[1]);
  expect(drawn('first')).toEqual(starts[0]);
});
