import { type Behavior, type BehaviorInput, validateBehavior } from '../payment/behavior.ts';
import { isKnownCurrency } from '../payment/currency.ts';
import { addsTo, mergeBehaviors } from '../payment/merge-behaviors.ts';
import { drawOf } from '../payment/random-outcomes.ts';
import { type Decider, type SteerableCall, sessionOfCall } from './decide.ts';
import { add, checkId, type Violations } from '../payment/violations.ts';
import { type CallFacts, checkAmount, describeMisfit, paymentMethods } from './match.ts';
import type { RuleUse } from './ports.ts';
import type { Rule } from './rule.ts';

/** What becomes of a rule when a call is made. */
export interface RuleVerdict {
  readonly rule: Rule;
  /** Why it does not apply; undefined: it does. */
  readonly problem: string | undefined;
}

/** What would happen to a call. */
export interface Explanation {
  readonly sessionId: string;
  readonly verdicts: readonly RuleVerdict[];
  /** What the caller says itself is in it. */
  readonly behavior: Behavior;
}

/** A call that nobody has made, as it came in. Empty texts are not known. */
export interface CallInput {
  /** Empty: CreatePaymentIntent. */
  readonly method: string;
  readonly userId: string;
  readonly reservationId: string;
  readonly currency: string;
  readonly amount: bigint;
  readonly webhookUrl: string;
  /** What the caller says itself. */
  readonly simulation: BehaviorInput | undefined;
}

/** Notes what is wrong. */
export function validateCall(violations: Violations, input: CallInput): Omit<SteerableCall, 'sessionKey'> {
  const { userId, reservationId, currency, amount, webhookUrl, simulation } = input;
  const wanted = input.method === '' ? 'CreatePaymentIntent' : input.method;
  const method = paymentMethods.find((name) => name === wanted);
  if (method === undefined) {
    add(violations, 'method', `must be one of ${paymentMethods.join(', ')}`);
  }
  checkId(violations, 'user_id', userId);
  checkId(violations, 'reservation_id', reservationId);
  if (currency !== '' && !isKnownCurrency(currency)) {
    add(violations, 'currency', 'is not an ISO 4217 currency code in upper case, such as "KRW"');
  }
  checkAmount(violations, 'amount', amount);
  const own = simulation && validateBehavior(violations, 'simulation', simulation);
  return {
    facts: {
      method: method ?? 'CreatePaymentIntent',
      userId,
      reservationId,
      currency,
      amount: Number(amount),
      webhookUrl,
    },
    // Of a call that makes no payment nothing else can be decided.
    own: method === 'CreatePaymentIntent' || own === undefined ? own : { api: own.api },
  };
}

/**
 * What `decide` would decide of a call that were made now, and why; counts nothing and renews no session.
 *
 * @param rulesOf the rules that are asked in a session, in their order.
 */
export async function explain(
  decider: Decider,
  call: SteerableCall,
  rulesOf: (sessionId: string) => readonly Rule[],
): Promise<Explanation> {
  const sessionId = sessionOfCall(decider, call);
  const settings = decider.state.sessions.get(sessionId)?.settings;
  let behavior = call.own ?? {};
  const verdicts: RuleVerdict[] = [];
  for (const rule of rulesOf(sessionId)) {
    const problem = await problemOf(decider, sessionId, call.facts, behavior, rule);
    if (problem === undefined) {
      behavior = mergeBehaviors(behavior, rule.behavior);
    }
    verdicts.push({ rule, problem });
  }
  return {
    sessionId,
    verdicts,
    behavior: settings?.default === undefined ? behavior : mergeBehaviors(behavior, settings.default),
  };
}

async function problemOf(
  { store, state, seed }: Decider,
  sessionId: string,
  facts: CallFacts,
  behavior: Behavior,
  rule: Rule,
): Promise<string | undefined> {
  const misfit = describeMisfit(rule.match, facts);
  if (misfit !== undefined) {
    return misfit;
  }
  if (!addsTo(behavior, rule.behavior)) {
    return 'what it says is said already, by the call or by a rule before it';
  }
  const { reservationId } = facts;
  const { id, skip, times, perReservation, oneIn, drawText } = rule;
  const use: RuleUse = { sessionId, ruleId: id, reservationId, skip, times, perReservation };
  const { seen, draws } = await store.asked(use);
  const ownSeed = state.sessions.get(sessionId)?.settings?.seed ?? seed;
  if (oneIn > 1 && drawOf(ownSeed, `${drawText}:${reservationId}`, draws) >= 1 / oneIn) {
    return `one_in is ${oneIn}, and the draw is not for this call`;
  }
  if (seen < skip) {
    return `skip is ${skip}, and ${seen} calls have passed`;
  }
  return times > 0 && seen >= skip + times ? `times is ${times}, and is used up` : undefined;
}
