import { PaymentError } from '../payment/errors.ts';
import type { CountByStatus } from '../payment/page.ts';
import type { Payments } from '../payment/ports.ts';
import { throwIfAny, type Violations } from '../payment/violations.ts';
import type { Decider } from './decide.ts';
import { type CallInput, type Explanation, explain, type RuleVerdict, validateCall } from './explain.ts';
import { fits, methodsOf } from './match.ts';
import type { SteeringStore } from './ports.ts';
import type { Rule } from './rule.ts';
import { globalSession, type SessionSettings } from './session.ts';
import { rulesOf } from './steering-state.ts';

/* What testers look at: sessions, and what would become of a call. Looking counts nothing and renews no session. */

/** A rule, and how many calls of the session it has applied to. */
export interface ListedRule {
  readonly rule: Rule;
  /** Whose it is; of a rule of a file the global one. */
  readonly sessionId: string;
  readonly matched: number;
}

/** What is in a session. */
export interface SessionCounters {
  readonly payments: number;
  readonly paymentsByStatus: CountByStatus;
  readonly rules: number;
  readonly matched: number;
}

/** A session as it was set, and what is in it. */
export interface ListedSession {
  readonly sessionId: string;
  readonly settings: SessionSettings;
  readonly counters: SessionCounters;
  /** In milliseconds since the epoch; undefined: never, as far as it is remembered. */
  readonly lastUsedMs: number | undefined;
}

/** What would become of a call, and of the rules that were asked. */
export interface ExplainedCall extends Omit<Explanation, 'verdicts'> {
  readonly verdicts: readonly (ListedRule & { readonly problem: string | undefined })[];
}

interface Deps {
  readonly store: SteeringStore;
  readonly payments: Payments;
  readonly decider: Decider;
  readonly fileRules: readonly Rule[];
  readonly magicRules: readonly Rule[];
}

export function toListed(rule: Rule, sessionId: string, matched: ReadonlyMap<string, number>): ListedRule {
  return { rule, sessionId, matched: matched.get(rule.id) ?? 0 };
}

/** See `Steering`. */
export async function explainCall(
  { store, decider, fileRules, magicRules }: Deps,
  sessionKey: string | undefined,
  input: CallInput,
): Promise<ExplainedCall> {
  const violations: Violations = [];
  const call = validateCall(violations, input);
  throwIfAny(violations);
  await store.refresh();
  const { facts } = call;
  const fitting = magicRules.filter(
    ({ match }) => methodsOf(match).includes(facts.method) && fits(match, facts),
  );
  const { verdicts, ...explained } = await explain(decider, { ...call, sessionKey }, (sessionId) => [
    ...rulesOf(decider.state.sessions.get(sessionId)),
    ...fileRules,
    ...fitting,
  ]);
  const matched = await store.matched(explained.sessionId);
  const ofFiles = new Set([...fileRules, ...fitting]);
  const toVerdict = ({ rule, problem }: RuleVerdict) => {
    const listed = toListed(rule, ofFiles.has(rule) ? globalSession : explained.sessionId, matched);
    return { ...listed, problem };
  };
  return { ...explained, verdicts: verdicts.map(toVerdict) };
}

/** See `Steering`. */
export async function listSessions(
  self: Deps,
  remembered: ReadonlyMap<string, number>,
  limit: number,
): Promise<{ readonly sessions: readonly ListedSession[]; readonly total: number }> {
  await self.store.refresh();
  const { sessions } = self.decider.state;
  const counts = await countPayments(self.payments);
  const ids = new Set([globalSession, ...sessions.keys(), ...remembered.keys(), ...counts.keys()]);
  const used = [...ids].map((sessionId) => {
    const lastUsedMs = Math.max(sessions.get(sessionId)?.lastUsedMs ?? 0, remembered.get(sessionId) ?? 0);
    return { sessionId, lastUsedMs: lastUsedMs === 0 ? undefined : lastUsedMs };
  });
  // Only these are looked at: the journal may remember tens of thousands.
  const listed = newestOf(used, limit).map(async ({ sessionId, lastUsedMs }) => {
    const countByStatus = counts.get(sessionId) ?? {};
    const total = Object.values(countByStatus).reduce((sum, count) => sum + count, 0);
    const { settings, counters } = await lookAtSession(self, sessionId, total, countByStatus);
    return { sessionId, settings, counters, lastUsedMs };
  });
  return { sessions: await Promise.all(listed), total: ids.size };
}

/** The last ones used, and the global one in any case. */
function newestOf<Used extends Pick<ListedSession, 'sessionId' | 'lastUsedMs'>>(
  used: readonly Used[],
  limit: number,
): readonly Used[] {
  const sorted = used.toSorted((a, b) => (b.lastUsedMs ?? 0) - (a.lastUsedMs ?? 0));
  const at = sorted.findIndex(({ sessionId }) => sessionId === globalSession);
  return at < limit ? sorted.slice(0, limit) : [...sorted.slice(0, limit - 1), ...sorted.slice(at, at + 1)];
}

/** In one pass, by session. Where payments cannot be found there are none to count. */
async function countPayments(payments: Payments): Promise<ReadonlyMap<string, CountByStatus>> {
  try {
    const query = { filter: {}, from: undefined, skip: 0, limit: 0, bySession: true };
    return (await payments.list(query)).countBySession ?? new Map();
  } catch (error) {
    if (error instanceof PaymentError && error.reason.kind === 'no-index') {
      return new Map();
    }
    throw error;
  }
}

/** A session as it was set, with counters. */
export async function lookAtSession(
  { store, decider }: Pick<Deps, 'store' | 'decider'>,
  sessionId: string,
  payments: number,
  paymentsByStatus: CountByStatus,
): Promise<{ settings: SessionSettings; counters: SessionCounters }> {
  const session = decider.state.sessions.get(sessionId);
  const matched = await store.matched(sessionId);
  const counters: SessionCounters = {
    payments,
    paymentsByStatus,
    rules: session?.rules.size ?? 0,
    matched: [...matched.values()].reduce((sum, count) => sum + count, 0),
  };
  return { settings: session?.settings ?? {}, counters };
}
