import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Scenario } from '../../src/payment/payment.ts';
import { planSettlement, type ScenarioOptions } from '../../src/payment/scenario.ts';
import { createSeededRandom } from '../../src/base/random.ts';

const options: ScenarioOptions = {
  defaultScenario: 'APPROVE',
  defaultDelayMs: 2_000,
  delayScenarioMs: 10_000,
  randomFailureRate: 0.5,
};
const every: Readonly<Record<Scenario, true>> = { APPROVE: true, FAIL: true, DELAY: true, RANDOM: true };
const scenarios = Object.keys(every) as Scenario[];

function neverDraw(): number {
  throw new Error('drawn');
}

test.each([
  { scenario: 'APPROVE', outcome: 'COMPLETED', delayMs: 2_000 },
  { scenario: 'FAIL', outcome: 'FAILED', delayMs: 2_000 },
  { scenario: 'DELAY', outcome: 'COMPLETED', delayMs: 10_000 },
] as const)('$scenario is $outcome after $delayMs ms, without chance', (plan) => {
  expect(planSettlement({ scenario: plan.scenario, delayMs: undefined }, options, neverDraw)).toEqual(plan);
});

test.each([
  { drawn: 0, outcome: 'FAILED' },
  { drawn: 0.4999, outcome: 'FAILED' },
  { drawn: 0.5, outcome: 'COMPLETED' },
  { drawn: 0.9999, outcome: 'COMPLETED' },
])('RANDOM at a rate of 0.5 with a draw of $drawn is $outcome', ({ drawn, outcome }) => {
  const plan = planSettlement({ scenario: 'RANDOM', delayMs: undefined }, options, () => drawn);
  expect(plan).toEqual({ scenario: 'RANDOM', outcome, delayMs: 2_000 });
});

test.each([
  { rate: 0, outcome: 'COMPLETED' },
  { rate: 1, outcome: 'FAILED' },
])('RANDOM at a rate of $rate is always $outcome', ({ rate, outcome }) => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (drawn) => {
      const plan = planSettlement(
        { scenario: 'RANDOM', delayMs: undefined },
        { ...options, randomFailureRate: rate },
        () => drawn,
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
        const plan = planSettlement({ scenario, delayMs }, { ...options, defaultScenario }, () => 0);
        expect(plan.scenario).toBe(scenario ?? defaultScenario);
        expect(plan.delayMs).toBe(delayMs ?? (plan.scenario === 'DELAY' ? 10_000 : 2_000));
      },
    ),
  );
});

test('RANDOM payments draw once each, others never, so a seed gives the same outcomes again', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      fc.array(fc.constantFrom(...scenarios)),
      (seed, order) => {
        const outcomes = (list: readonly Scenario[]) => {
          const random = createSeededRandom(seed);
          return list.map((scenario) => planSettlement({ scenario, delayMs: 1 }, options, random));
        };
        expect(outcomes(order)).toEqual(outcomes(order));
        const alone = outcomes(order.filter((scenario) => scenario === 'RANDOM'));
        expect(outcomes(order).filter((plan) => plan.scenario === 'RANDOM')).toEqual(alone);
      },
    ),
  );
});
