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
  expect(
    planSettlement({ reservationId, scenario: plan.scenario, delayMs: undefined }, options, neverDraw),
  ).toEqual(plan);
});

test.each([
  { drawn: 0, outcome: 'FAILED' },
  { drawn: 0.4999, outcome: 'FAILED' },
  { drawn: 0.5, outcome: 'COMPLETED' },
  { drawn: 0.9999, outcome: 'COMPLETED' },
])('RANDOM at a rate of 0.5 with a draw of $drawn is $outcome', ({ drawn, outcome }) => {
  const plan = planSettlement(
    { reservationId, scenario: 'RANDOM', delayMs: undefined },
    options,
    createRandomOutcomes(0.5, () => drawn),
  );
  expect(plan).toEqual({ scenario: 'RANDOM', outcome, delayMs: 2_000 });
});

test.each([
  { rate: 0, outcome: 'COMPLETED' },
  { rate: 1, outcome: 'FAILED' },
])('RANDOM at a rate of $rate is always $outcome', ({ rate, outcome }) => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (drawn) => {
      const plan = planSettlement(
        { reservationId, scenario: 'RANDOM', delayMs: undefined },
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
          { reservationId, scenario, delayMs },
          { ...options, defaultScenario },
          createRandomOutcomes(0.5, () => 0),
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
        planSettlement({ reservationId, scenario, delayMs: 1 }, options, outcomes);
      }
      expect(draws).toBe(order.filter((scenario) => scenario === 'RANDOM').length);
    }),
  );
});

test('a payment that nobody pays expires, after its own delay or that of all, and draws no outcome', () => {
  const outcomes = { next: () => expect.unreachable() };
  const request = { reservationId: 'reservation-1', scenario: 'RANDOM', expires: true } as const;
  expect(planSettlement({ ...request, delayMs: undefined }, options, outcomes)).toMatchObject({
    outcome: 'EXPIRED',
    delayMs: 900_000,
  });
  expect(planSettlement({ ...request, delayMs: 5 }, options, outcomes)).toMatchObject({ delayMs: 5 });
});
