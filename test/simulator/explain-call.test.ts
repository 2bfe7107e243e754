import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import type { Behavior } from '../../src/payment/behavior.ts';
import type { CallFacts } from '../../src/simulator/match.ts';
import {
  describeMisfit,
  fits,
  matchesAllCreates,
  methodsOf,
  paymentMethods,
} from '../../src/simulator/match.ts';
import { decide, type Decider, type SteerableCall } from '../../src/simulator/decide.ts';
import { explain } from '../../src/simulator/explain.ts';
import type { SteeringDocument } from '../../src/simulator/ports.ts';
import { createRuleIndex } from '../../src/simulator/rule-index.ts';
import type { Rule } from '../../src/simulator/rule.ts';
import type { SessionSettings } from '../../src/simulator/session.ts';
import { applyChange, createSteeringState, keyOf, rulesOf } from '../../src/simulator/steering-state.ts';
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
  method: fc.oneof(fc.constant('CreatePaymentIntent' as const), fc.constantFrom(...paymentMethods)),
  userId: small,
  reservationId: small,
  currency: fc.constantFrom('', 'KRW', 'USD'),
  amount: fc.nat(4),
  webhookUrl: small,
});
const api = { code: 14, message: '', delayMs: 0, retryAfterMs: 0, when: 'BEFORE', drop: false } as const;
const behaviors: fc.Arbitrary<Behavior> = fc.constantFrom(
  { delayMs: 5 },
  { outcome: 'HOLD' },
  { outcome: 'APPROVE' },
  { outcome: 'DECLINE', failureCode: 'lost_card' },
  { api },
  { api, delayMs: 6 },
);
const rules: fc.Arbitrary<Omit<Rule, 'id' | 'drawText'>> = fc.record({
  // Rules that hardly anything fits would say little of counts and draws.
  match: fc.oneof(matches, fc.constant(matchesAllCreates)),
  behavior: behaviors,
  times: fc.nat(2),
  skip: fc.nat(2),
  oneIn: fc.nat(3),
  perReservation: fc.boolean(),
  label: fc.constant(''),
  source: fc.constant('api'),
});
const settings: fc.Arbitrary<SessionSettings> = fc.record({
  default: fc.option(behaviors, { nil: undefined }),
  claims: fc.option(
    matches.map((match) => ({ ...match, method: '' })),
    { nil: undefined },
  ),
  seed: fc.option(fc.nat(9), { nil: undefined }),
});
const steerable: fc.Arbitrary<SteerableCall> = fc
  .record({
    facts: calls,
    sessionKey: fc.constantFrom(undefined, '', 's', 'name'),
    own: fc.option(behaviors, { nil: undefined }),
  })
  .map(({ facts, sessionKey, own }) => ({ facts, sessionKey, own: own && heard({ facts }, own) }));

/** What of a behavior can become of a call. */
function heard({ facts }: Pick<SteerableCall, 'facts'>, behavior: Behavior): Behavior {
  return facts.method === 'CreatePaymentIntent' ? behavior : { api: behavior.api };
}

/** A decider of a few rules: two of files, those of the global session, and those of another one with settings. */
async function deciderOf(made: readonly Omit<Rule, 'id' | 'drawText'>[], ofSession: SessionSettings) {
  const store = createMemorySteeringStore();
  const state = createSteeringState();
  store.onChange((change) => applyChange(state, change, 0));
  const all = made.map((rule, index) => ({ ...rule, id: `rule-${index}`, drawText: `rule-${index}` }));
  const ofFiles = all.slice(0, 2);
  const documents: SteeringDocument[] = [
    { kind: 'session', sessionId: 's', settings: ofSession },
    ...all.slice(2).map((rule, at) => ({ kind: 'rule', sessionId: at % 2 === 0 ? '' : 's', rule }) as const),
  ];
  await store.put(new Map(documents.map((document) => [keyOf(document), document])));
  const decider: Decider = {
    state,
    store,
    machine: systemClock,
    fileRules: createRuleIndex(ofFiles),
    seed: 7,
    randomFailureRate: 0,
  };
  const asked = (sessionId: string) => [...rulesOf(state.sessions.get(sessionId)), ...ofFiles];
  return { decider, asked };
}

test('a misfit is told exactly of calls that do not fit', () => {
  fc.assert(
    fc.property(matches, calls, (match, facts) => {
      const isFit = methodsOf(match).includes(facts.method) && fits(match, facts);
      expect(describeMisfit(match, facts) === undefined).toBe(isFit);
    }),
    { numRuns: 1_000 },
  );
});

test('the rules that are said to apply are those that do, in the session that is said, and with what comes of it', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(rules, { maxLength: 8 }),
      settings,
      fc.array(steerable, { maxLength: 12 }),
      async (made, ofSession, made2) => {
        const { decider, asked } = await deciderOf(made, ofSession);
        for (const call of made2) {
          const { sessionId, verdicts, behavior } = await explain(decider, call, asked);
          const applying = verdicts.filter(({ problem }) => problem === undefined);
          const decided = await decide(decider, call);
          expect(applying.map(({ rule }) => rule.id)).toEqual(decided?.ruleIds ?? []);
          expect(sessionId).toBe(decided?.sessionId ?? '');
          expect(behavior).toEqual(heard(call, decided?.behavior ?? {}));
        }
      },
    ),
    { numRuns: 500 },
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
        ['skips', false, 'lets the first 2 calls pass, of which 1 has come'],
        ['once', false, 'has applied 1 time of 1'],
        ['status', false, 'is about the method GetPaymentStatus'],
        ['little', false, 'amount is above max_amount 5'],
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
      'what it says is said already by what comes before',
    ]);
  });

  test('says so of draws and of what counts a reservation by itself', async () => {
    const sim = await startSteered();
    const drawn = { rule_id: 'drawn', simulation: { failure_code: 'lost_card' }, one_in: 1_000_000 };
    await sim.rule(drawn, 's');
    const each = { times: 2, skip: 3, per_reservation: true };
    await sim.rule({ rule_id: 'each', simulation: { failure_code: 'stolen_card' }, ...each }, 's');
    await sim.rule({ rule_id: 'first', simulation: { delay_ms: 1 }, skip: 1 }, 's');
    const reasons = async () => {
      const { verdicts } = await explained(sim, { user_id: 'user-1', reservation_id: 'reservation-1' }, 's');
      return verdicts.map(([, , reason]) => reason);
    };
    const draw = 'one in 1000000: the draw took another call';
    const passes = 'lets the first 3 calls of the reservation pass, of which 0 have come';
    expect(await reasons()).toEqual(['lets the first call pass, which has not come', passes, draw]);
    for (let made = 0; made < 5; made += 1) {
      await sim.create({}, 's');
    }
    expect(await reasons()).toEqual(['', 'has applied 2 times of 2 to the reservation', draw]);
  });

  test('of a call that makes no payment says nothing but what becomes of its answer', async () => {
    const sim = await startSteered();
    const both = { delay_ms: 9, api: { delay_ms: 1 } };
    await sim.done('UpdateSession', { session: { default: both } }, 's');
    const status = { method: 'GetPaymentStatus', simulation: { delay_ms: 3 } };
    expect(await explained(sim, status, 's')).toMatchObject({ simulation: { api: { delay_ms: 1 } } });
    expect((await sim.done('ExplainCall', status, 's'))['simulation']).not.toHaveProperty('delay_ms');
    expect(await explained(sim, {}, 's')).toMatchObject({ simulation: both });
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
    [{ amount: '9007199254740992' }, ['amount']],
    [{ webhook_url: `http://a.example/${'a'.repeat(2_048)}` }, ['webhook_url']],
    [{ simulation: { outcome: 'SIMULATED_OUTCOME_HOLD', delay_ms: 5 } }, ['simulation.delay_ms']],
    [
      { method: 'ListPayments', currency: 'KRW', amount: '1', webhook_url: 'http://a.example/' },
      ['currency', 'amount', 'webhook_url'],
    ],
  ])('refuses %j', async (call, fields) => {
    const sim = await startSteered();
    const { code, violations } = await sim.call('ExplainCall', call);
    expect([code, violations.map(({ field }) => field)]).toEqual(['INVALID_ARGUMENT', fields]);
  });
});
