import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Scenario } from '../../src/payment/payment.ts';
import { planSettlement, type ScenarioOptions } from '../../src/payment/scenario.ts';
import { createRandomOutcomes, type RandomOutcomes } from '../../src/payment/random-outcomes.ts';

const options: ScenarioOptions = {
  defaultScenario: 'APPROVE',
  defaultDelayMs: 2_000,
  delayScenarioMs: 10_000,
  expiryMs: 900_000,
};
const every: Readonly<Record<Scenario, true>> = { APPROVE: true, FAIL: true, DELAY: true, RANDOM: true };
const scenarios = Object.keys(every) as Scenario[];

const reservationId = 'reservation-1';

const neverDraw: RandomOutcomes = {
  next() {
    throw new Error('drawn');
  },
};

test.each([
  { scenario: 'APPROVE', outcome: 'COMPLETED', delayMs: 2_000 },
  { scenario: 'FAIL', outcome: 'FAILED', delayMs: 2_000 },
  { scenario: 'DELAY', outcome: 'COMPLETED', delayMs: 10_000 },
] as const)('$scenario is $outcome after $delayMs ms, without chance', (plan) => {
  expect(planSettlement({ reservationId, scenario: plan.scenario }, options, neverDraw)).toEqual({
    ...plan,
    isDrawn: false,
  });
});

test.each([
  { drawn: 0, outcome: 'FAILED' },
  { drawn: 0.4999, outcome: 'FAILED' },
  { drawn: 0.5, outcome: 'COMPLETED' },
  { drawn: 0.9999, outcome: 'COMPLETED' },
])('RANDOM at a rate of 0.5 with a draw of $drawn is $outcome', ({ drawn, outcome }) => {
  const plan = planSettlement(
    { reservationId, scenario: 'RANDOM' },
    options,
    createRandomOutcomes(0.5, () => drawn),
  );
  expect(plan).toEqual({ scenario: 'RANDOM', outcome, delayMs: 2_000, isDrawn: true });
});

test.each([
  { rate: 0, outcome: 'COMPLETED' },
  { rate: 1, outcome: 'FAILED' },
])('RANDOM at a rate of $rate is always $outcome', ({ rate, outcome }) => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (drawn) => {
      const plan = planSettlement(
        { reservationId, scenario: 'RANDOM' },
        options,
        createRandomOutcomes(rate, () => drawn),
      );
      expect(plan.outcome).toBe(outcome);
    }),
  );
});

test('no scenario means the default one, and the delay asked for beats that of every scenario', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...scenarios),
      fc.option(fc.constantFrom(...scenarios), { nil: undefined }),
      fc.option(fc.integer({ min: 0, max: 86_400_000 }), { nil: undefined }),
      (defaultScenario, scenario, delayMs) => {
        const plan = planSettlement(
          { reservationId, scenario },
          { ...options, defaultScenario },
          createRandomOutcomes(0.5, () => 0),
          { delayMs },
        );
        expect(plan.scenario).toBe(scenario ?? defaultScenario);
        expect(plan.delayMs).toBe(delayMs ?? (plan.scenario === 'DELAY' ? 10_000 : 2_000));
      },
    ),
  );
});

test('RANDOM payments draw once each, others never', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...scenarios)), (order) => {
      let draws = 0;
      const outcomes = createRandomOutcomes(0.5, () => (draws += 1) % 2);
      for (const scenario of order) {
        planSettlement({ reservationId, scenario }, options, outcomes, { delayMs: 1 });
      }
      expect(draws).toBe(order.filter((scenario) => scenario === 'RANDOM').length);
    }),
  );
});

test('a payment that nobody pays expires, after its own delay or that of all, and draws no outcome', () => {
  const outcomes = { next: () => expect.unreachable() };
  const request = { reservationId: 'reservation-1', scenario: 'RANDOM', expires: true } as const;
  expect(planSettlement(request, options, outcomes)).toMatchObject({
    outcome: 'EXPIRED',
    delayMs: 900_000,
  });
  expect(planSettlement(request, options, outcomes, { delayMs: 5 })).toMatchObject({ delayMs: 5 });
});

test.each([
  { outcome: 'APPROVE', planned: 'COMPLETED', delayMs: 2_000 },
  { outcome: 'DECLINE', planned: 'FAILED', delayMs: 2_000 },
  { outcome: 'EXPIRE', planned: 'EXPIRED', delayMs: 900_000 },
  { outcome: 'HOLD', planned: 'EXPIRED', delayMs: 365 * 86_400_000 },
] as const)(
  'the outcome $outcome beats every scenario, and draws nothing',
  ({ outcome, planned, delayMs }) => {
    for (const scenario of scenarios) {
      const plan = planSettlement({ reservationId, scenario }, options, neverDraw, { outcome });
      expect(plan).toMatchObject({ scenario, outcome: planned });
      expect(plan.delayMs).toBe(scenario === 'DELAY' && delayMs === 2_000 ? 10_000 : delayMs);
    }
  },
);
