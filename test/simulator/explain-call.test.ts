import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import type { CallFacts } from '../../src/simulator/match.ts';
import { describeMisfit, fits, methodsOf, paymentMethods } from '../../src/simulator/match.ts';
import { decide, type Decider } from '../../src/simulator/decide.ts';
import { explain } from '../../src/simulator/explain.ts';
import { createRuleIndex } from '../../src/simulator/rule-index.ts';
import type { Rule } from '../../src/simulator/rule.ts';
import { createSteeringState, rulesOf } from '../../src/simulator/steering-state.ts';
import { applyChange, keyOf } from '../../src/simulator/steering-state.ts';
import { createMemorySteeringStore } from '../../src/state/memory/steering-store.ts';
import type { JsonObject } from '../support/clients/payment-client.ts';
import { startSteered } from '../support/steering.ts';

/* Which rule a call would meet, and why. */

const small = fc.constantFrom('', 'a', 'ab', 'b');
const matches = fc.record({
  method: fc.constantFrom('', '*', 'GetPaymentStatus', 'C*'),
  userId: fc.constantFrom('', 'a', 'a*', 'b'),
  reservationId: fc.constantFrom('', 'a*', 'b'),
  currency: fc.constantFrom('', 'KRW', 'U*'),
  minAmount: fc.nat(3),
  maxAmount: fc.nat(3),
  webhookUrl: fc.constantFrom('', 'a*'),
});
const calls: fc.Arbitrary<CallFacts> = fc.record({
  method: fc.constantFrom(...paymentMethods),
  userId: small,
  reservationId: small,
  currency: fc.constantFrom('', 'KRW', 'USD'),
  amount: fc.nat(4),
  webhookUrl: small,
});
const api = { code: 14, message: '', delayMs: 0, retryAfterMs: 0, when: 'BEFORE', drop: false } as const;
const rules: fc.Arbitrary<Omit<Rule, 'id' | 'drawText'>> = fc.record({
  match: matches,
  behavior: fc.constantFrom(
    { delayMs: 5 },
    { outcome: 'HOLD' as const },
    { outcome: 'APPROVE' as const },
    { api },
  ),
  times: fc.nat(2),
  skip: fc.nat(2),
  oneIn: fc.nat(3),
  perReservation: fc.boolean(),
  label: fc.constant(''),
  source: fc.constant('api'),
});

test('a misfit is told exactly of calls that do not fit', () => {
  fc.assert(
    fc.property(matches, calls, (match, facts) => {
      const isFit = methodsOf(match).includes(facts.method) && fits(match, facts);
      expect(describeMisfit(match, facts) === undefined).toBe(isFit);
    }),
    { numRuns: 1_000 },
  );
});

test('the rules that are said to apply are those that do', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(rules, { maxLength: 6 }),
      fc.array(calls, { maxLength: 12 }),
      async (made, made2) => {
        const store = createMemorySteeringStore();
        const state = createSteeringState();
        store.onChange((change) => applyChange(state, change, 0));
        const all = made.map((rule, index) => ({ ...rule, id: `rule-${index}`, drawText: `rule-${index}` }));
        const ofFiles = all.slice(0, 2);
        for (const rule of all.slice(2)) {
          const document = { kind: 'rule', sessionId: '', rule } as const;
          await store.put(new Map([[keyOf(document), document]]));
        }
        const decider: Decider = {
          state,
          store,
          machine: systemClock,
          fileRules: createRuleIndex(ofFiles),
          seed: 7,
          randomFailureRate: 0,
        };
        for (const facts of made2) {
          const call = { facts, sessionKey: undefined, own: undefined };
          const asked = (sessionId: string) => [...rulesOf(state.sessions.get(sessionId)), ...ofFiles];
          const { verdicts, behavior } = await explain(decider, call, asked);
          const applying = verdicts.filter(({ problem }) => problem === undefined);
          const decided = await decide(decider, call);
          expect(applying.map(({ rule }) => rule.id)).toEqual(decided?.ruleIds ?? []);
          expect(behavior).toEqual(decided?.behavior ?? {});
        }
      },
    ),
    { numRuns: 300 },
  );
});

async function explained(sim: Awaited<ReturnType<typeof startSteered>>, call: JsonObject, session?: string) {
  const { verdicts = [], ...rest } = await sim.done('ExplainCall', call, session);
  return {
    ...rest,
    verdicts: (verdicts as JsonObject[]).map(({ rule, applies = false, reason = '' }) => [
      (rule as JsonObject)['rule_id'],
      applies,
      reason,
    ]),
  };
}

describe('a service', () => {
  test('says of every rule why it applies or not, and of what comes of it', async () => {
    const sim = await startSteered();
    const late = { delay_ms: 5 };
    await sim.rule({ rule_id: 'all', simulation: { failure_code: 'card_declined', ...late } }, 's');
    await sim.rule({ rule_id: 'user', match: { user_id: 'u-1' }, simulation: late }, 's');
    await sim.rule({ rule_id: 'begins', match: { user_id: 'x*' }, simulation: late }, 's');
    await sim.rule({ rule_id: 'much', match: { min_amount: '1000' }, simulation: late }, 's');
    await sim.rule({ rule_id: 'little', match: { max_amount: '5' }, simulation: late }, 's');
    await sim.rule(
      { rule_id: 'status', match: { method: 'GetPaymentStatus' }, simulation: { api: { delay_ms: 1 } } },
      's',
    );
    await sim.rule({ rule_id: 'once', simulation: late, times: 1 }, 's');
    await sim.rule({ rule_id: 'skips', simulation: { failure_code: 'lost_card' }, skip: 2 }, 's');
    await sim.create({}, 's');
    const amount = { amount: '100', currency: 'KRW' };
    const call = { user_id: 'u-1', reservation_id: 'r', ...amount };
    const expected = {
      session_id: 's',
      verdicts: [
        ['skips', false, 'skip is 2, and 1 calls have passed'],
        ['once', false, 'times is 1, and is used up'],
        ['status', false, 'it is about GetPaymentStatus'],
        ['little', false, 'amount is not from 1 to max_amount 5'],
        ['much', false, 'amount is below min_amount 1000'],
        ['begins', false, 'user_id does not begin with "x"'],
        ['user', true, ''],
        ['all', true, ''],
      ],
      simulation: { delay_ms: 5, outcome: 'SIMULATED_OUTCOME_DECLINE', failure_code: 'card_declined' },
    };
    // Looking changes nothing.
    for (let look = 0; look < 3; look += 1) {
      expect(await explained(sim, call, 's')).toEqual(expected);
    }
    const own = { ...call, simulation: { failure_code: 'expired_card', delay_ms: 1 } };
    expect((await explained(sim, own, 's')).verdicts.at(-1)).toEqual([
      'all',
      false,
      'what it says is said already, by the call or by a rule before it',
    ]);
  });

  test('finds the session that claims the call, and the magic user', async () => {
    const sim = await startSteered();
    await sim.done(
      'UpdateSession',
      { session: { claims: { user_id: 'mine*' }, default: { delay_ms: 9 } } },
      'claiming',
    );
    expect(await explained(sim, { user_id: 'mine-1' })).toMatchObject({
      session_id: 'claiming',
      simulation: { delay_ms: 9 },
    });
    const magic = await explained(sim, { user_id: 'sim_insufficient_funds' });
    expect(magic).toMatchObject({
      verdicts: [['magic:sim_insufficient_funds', true, '']],
      simulation: { failure_code: 'insufficient_funds' },
    });
    expect(await explained(sim, { user_id: 'nobody' })).toMatchObject({ verdicts: [] });
  });

  test.each<[JsonObject, string[]]>([
    [{ method: 'Nope' }, ['method']],
    [{ user_id: 'a/b', amount: '-1' }, ['user_id', 'amount']],
    [{ currency: 'won' }, ['currency']],
    [{ simulation: { outcome: 'SIMULATED_OUTCOME_HOLD', delay_ms: 5 } }, ['simulation.delay_ms']],
  ])('refuses %j', async (call, fields) => {
    const sim = await startSteered();
    const { code, violations } = await sim.call('ExplainCall', call);
    expect([code, violations.map(({ field }) => field)]).toEqual(['INVALID_ARGUMENT', fields]);
  });
});
