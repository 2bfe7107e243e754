import { type Behavior, type BehaviorInput, validateBehavior } from '../payment/behavior.ts';
import { isKnownCurrency } from '../payment/currency.ts';
import { addsTo, mergeBehaviors } from '../payment/merge-behaviors.ts';
import { add, checkId, checkLength, type Violations } from '../payment/violations.ts';
import { type Decider, isDrawn, orDefault, sessionOfCall, type SteerableCall, useOf } from './decide.ts';
import { type CallFacts, checkAmount, describeMisfit, maxUrlLength, paymentMethods } from './match.ts';
import type { Rule } from './rule.ts';
import type { SessionState } from './steering-state.ts';

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
  /** What the caller says itself is in it. Of other methods than CreatePaymentIntent `api` alone. */
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
  checkLength(violations, 'webhook_url', webhookUrl, maxUrlLength);
  if (method === 'ListPayments') {
    checkFilters(violations, input);
  }
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
    own: own && ofMethod(method, own),
  };
}

/** A call with more would fit rules that are never asked about one. */
function checkFilters(violations: Violations, { currency, amount, webhookUrl }: CallInput): void {
  const given = { currency: currency !== '', amount: amount > 0n, webhook_url: webhookUrl !== '' };
  for (const [field] of Object.entries(given).filter(([, isGiven]) => isGiven)) {
    add(violations, field, 'must not be given: ListPayments has user_id and reservation_id alone');
  }
}

/** Of a call that makes no payment nothing but its answer can be decided. */
function ofMethod(method: CallFacts['method'] | undefined, behavior: Behavior): Behavior {
  return method === 'CreatePaymentIntent' ? behavior : { api: behavior.api };
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
  const session = decider.state.sessions.get(sessionId);
  let behavior = call.own ?? {};
  const verdicts: RuleVerdict[] = [];
  for (const rule of rulesOf(sessionId)) {
    const problem = await problemOf(decider, { session, sessionId }, call.facts, behavior, rule);
    if (problem === undefined) {
      behavior = mergeBehaviors(behavior, rule.behavior);
    }
    verdicts.push({ rule, problem });
  }
  return {
    sessionId,
    verdicts,
    behavior: ofMethod(call.facts.method, orDefault(behavior, session?.settings)),
  };
}

async function problemOf(
  { store, seed }: Decider,
  { session, sessionId }: { readonly session: SessionState | undefined; readonly sessionId: string },
  facts: CallFacts,
  behavior: Behavior,
  rule: Rule,
): Promise<string | undefined> {
  const misfit = describeMisfit(rule.match, facts);
  if (misfit !== undefined) {
    return misfit;
  }
  if (!addsTo(behavior, rule.behavior)) {
    return 'what it says is said already by what comes before';
  }
  const { seen, draws } = await store.asked(useOf(sessionId, facts, rule));
  return rule.oneIn > 1 && !isDrawn(seed, session, facts, rule, draws)
    ? `one in ${rule.oneIn}: the draw took another call`
    : describeCount(rule, seen);
}

/** Why so many calls before this one keep a rule from it; undefined: they do not. */
function describeCount({ skip, times, perReservation }: Rule, seen: number): string | undefined {
  const whose = perReservation ? ' of the reservation' : '';
  if (seen < skip) {
    return skip === 1
      ? `lets the first call${whose} pass, which has not come`
      : `lets the first ${skip} calls${whose} pass, of which ${seen} ${seen === 1 ? 'has' : 'have'} come`;
  }
  return times > 0 && seen >= skip + times
    ? `has applied ${times} ${times === 1 ? 'time' : 'times'} of ${times}${perReservation ? ' to the reservation' : ''}`
    : undefined;
}
