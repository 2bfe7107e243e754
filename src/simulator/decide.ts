import type { MachineClock } from '../base/clock.ts';
import type { Behavior } from '../payment/behavior.ts';
import { addsTo, mergeBehaviors } from '../payment/merge-behaviors.ts';
import { createSeededOutcomes, drawOf, type RandomOutcomes } from '../payment/random-outcomes.ts';
import type { CallFacts } from './match.ts';
import type { RuleUse, SteeringStore } from './ports.ts';
import type { Rule } from './rule.ts';
import type { RuleIndex } from './rule-index.ts';
import { globalSession, type SessionSettings } from './session.ts';
import { claimingSession, indexOf, type SessionState, type SteeringState } from './steering-state.ts';

/** A call that may be steered. */
export interface SteerableCall {
  readonly facts: CallFacts;
  /** The key that the caller named, or its payment has; undefined: none. */
  readonly sessionKey: string | undefined;
  /** What the caller says itself, in request and header; undefined: nothing. */
  readonly own: Behavior | undefined;
}

/** What shall happen to a call. */
export interface Decision {
  /** Undefined for the global session. */
  readonly sessionId: string | undefined;
  /** What the caller said itself is in it. Of other methods than CreatePaymentIntent, `api` alone. */
  readonly behavior: Behavior;
  /** The rules that decided. */
  readonly ruleIds: readonly string[];
  /** Of a payment that has none. */
  readonly webhookUrl: string | undefined;
  /** Of the scenario RANDOM, if not those of all. */
  readonly outcomes: RandomOutcomes | undefined;
}

/** What deciding needs. */
export interface Decider {
  readonly state: SteeringState;
  readonly store: SteeringStore;
  readonly machine: MachineClock;
  readonly fileRules: RuleIndex;
  /** Of what is left to chance, where a session has none. */
  readonly seed: number;
  readonly randomFailureRate: number;
}

const nothing: Behavior = {};
const noRules: readonly string[] = [];
/** In milliseconds. A replica that uses a session all the time tells the others so often. */
const noteEveryMs = 250;

/**
 * What shall happen to a call; undefined when nobody has said anything, which is the rule and costs nothing.
 * A promise only where rules are asked.
 */
export function decide(self: Decider, call: SteerableCall): Decision | undefined | Promise<Decision> {
  const { facts, own } = call;
  const { sessions } = self.state;
  const sessionId = sessionOfCall(self, call);
  const session = sessions.get(sessionId);
  const ofSession = session === undefined ? [] : indexOf(session).find(facts);
  const ofFiles = self.fileRules.find(facts);
  if (session === undefined && own === undefined && sessionId === globalSession && ofFiles.length === 0) {
    return undefined;
  }
  if (session !== undefined) {
    touch(self, session);
  }
  if (ofSession.length === 0 && ofFiles.length === 0) {
    return conclude(self, session, sessionId, own ?? nothing, noRules);
  }
  return ask(self, session, sessionId, call, [...ofSession, ...ofFiles]);
}

/** The session that a call is in: the one that it names, or the one that claims it. */
export function sessionOfCall(
  { state }: Pick<Decider, 'state'>,
  { sessionKey, facts }: SteerableCall,
): string {
  return sessionKey ?? (state.sessions.size === 0 ? globalSession : claimingSession(state, facts));
}

/** Asks rules one after the other; one that has nothing to add counts nothing. */
async function ask(
  self: Decider,
  session: SessionState | undefined,
  sessionId: string,
  { facts, own = nothing }: SteerableCall,
  rules: readonly Rule[],
): Promise<Decision> {
  let behavior = own;
  const ruleIds: string[] = [];
  for (const rule of rules) {
    if (addsTo(behavior, rule.behavior) && (await applies(self, session, sessionId, facts, rule))) {
      behavior = mergeBehaviors(behavior, rule.behavior);
      ruleIds.push(rule.id);
    }
  }
  return conclude(self, session, sessionId, behavior, ruleIds);
}

async function applies(
  { store, seed }: Decider,
  session: SessionState | undefined,
  sessionId: string,
  facts: CallFacts,
  rule: Rule,
): Promise<boolean> {
  const use = useOf(sessionId, facts, rule);
  if (rule.oneIn > 1 && !isDrawn(seed, session, facts, rule, await store.occurrence(use))) {
    return false;
  }
  return await store.fire(use);
}

/** A call of a session as a rule counts it. */
export function useOf(
  sessionId: string,
  { reservationId }: CallFacts,
  { id: ruleId, skip, times, perReservation }: Rule,
): RuleUse {
  return { sessionId, ruleId, reservationId, skip, times, perReservation };
}

/**
 * Whether the draw of a rule for one in so many is for the call.
 *
 * @param seed where the session has none of its own.
 * @param before how many draws its reservation had.
 */
export function isDrawn(
  seed: number,
  session: SessionState | undefined,
  { reservationId }: CallFacts,
  { oneIn, drawText }: Rule,
  before: number,
): boolean {
  return drawOf(session?.settings?.seed ?? seed, `${drawText}:${reservationId}`, before) < 1 / oneIn;
}

function conclude(
  { randomFailureRate }: Decider,
  session: SessionState | undefined,
  sessionId: string,
  behavior: Behavior,
  ruleIds: readonly string[],
): Decision {
  const settings = session?.settings;
  if (session !== undefined && settings?.seed !== undefined) {
    session.outcomes ??= createSeededOutcomes(randomFailureRate, settings.seed);
  }
  return {
    sessionId: sessionId === globalSession ? undefined : sessionId,
    behavior: orDefault(behavior, settings),
    ruleIds,
    webhookUrl: settings?.webhookUrl,
    outcomes: session?.outcomes,
  };
}

/** What the session says where nothing else does. */
export function orDefault(behavior: Behavior, settings: SessionSettings | undefined): Behavior {
  return settings?.default === undefined ? behavior : mergeBehaviors(behavior, settings.default);
}

/** Notes that a session is in use. */
export function touch({ machine, store }: Pick<Decider, 'machine' | 'store'>, session: SessionState): void {
  const nowMs = machine.now();
  session.lastUsedMs = nowMs;
  if (nowMs - session.notedAtMs >= noteEveryMs) {
    session.notedAtMs = nowMs;
    store.noteUse(session.id);
  }
}
