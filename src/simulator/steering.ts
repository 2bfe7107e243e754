import type { MachineClock } from '../base/clock.ts';
import type { IdGenerator } from '../base/ids.ts';
import type { Observer } from '../base/observer.ts';
import type { Payments } from '../payment/ports.ts';
import { throwIfAny, type Violations } from '../payment/violations.ts';
import type { WebhookUrlCheck } from '../payment/webhook-url.ts';
import { type Decider, type Decision, decide, type SteerableCall, touch } from './decide.ts';
import { SteeringError } from './errors.ts';
import { advanceClock, checkClock, followClock } from './clock-calls.ts';
import type { CallInput } from './explain.ts';
import { endIdleSessions } from './idle-sessions.ts';
import {
  explainCall,
  type ExplainedCall,
  type ListedRule,
  type ListedSession,
  listSessions,
  lookAtSession,
  type SessionCounters,
  toListed,
} from './looks.ts';
import type { AdvanceTarget, SessionClocks } from './session-clocks.ts';
import type { PaymentMethodName } from './match.ts';
import type { SteeringReport } from './observer.ts';
import type { SteeringDocument, SteeringStore } from './ports.ts';
import { type Rule, type RuleInput, validateRule } from './rule.ts';
import { createRuleIndex } from './rule-index.ts';
import {
  allSessions,
  globalSession,
  type SessionInput,
  type SessionSettings,
  validateSettings,
} from './session.ts';
import {
  applyChange,
  bytesOfDocument,
  createSteeringState,
  isAbout,
  keyOf,
  keyScopeOf,
  keysOf,
  ruleKey,
  rulesOf,
  sessionOf,
  staleResets,
} from './steering-state.ts';

/** What steering works with, and its bounds. */
export interface SteeringDeps {
  readonly store: SteeringStore;
  readonly machine: MachineClock;
  readonly newId: IdGenerator;
  readonly payments: Payments;
  readonly checkWebhookUrl: WebhookUrlCheck;
  /** Of files, in the order in which they are asked; for all sessions, after their own. */
  readonly fileRules: readonly Rule[];
  /** The same after those, but listed only where they have applied: there are many, and hardly anybody looks for them. */
  readonly magicRules: readonly Rule[];
  /** Of draws, where a session has none of its own. */
  readonly seed: number;
  readonly randomFailureRate: number;
  readonly maxSessions: number;
  /** A session ends that nobody has used for so long, in milliseconds. */
  readonly idleMs: number;
  /** How long idempotency keys live, in milliseconds. */
  readonly idempotencyTtlMs: number;
  readonly observe: Observer<SteeringReport>;
  /** Clocks of sessions; undefined where they cannot have any. */
  readonly clocks: SessionClocks | undefined;
}

/** What a reset has removed. */
export interface Removed {
  readonly rules: number;
  readonly payments: number;
  readonly sessions: number;
}

/** What testers steer with. Sessions are named by their keys; the empty one is the global session. */
export interface Steering {
  /** Call it before `decide` and `isAbout`, and wait for it. See `SteeringStore`. */
  refresh(): Promise<void> | undefined;
  /** See `decide`. */
  decide(call: SteerableCall): Decision | undefined | Promise<Decision>;
  /** Whether anything may be decided of a create that names no session and says nothing itself. */
  mayDecide(userId: string): boolean;
  /** Whether any rule or default may be about calls of a method; of CreatePaymentIntent it is not asked. */
  isAbout(method: PaymentMethodName): boolean;
  /** Notes that somebody uses a session; deciding does so by itself. */
  noteUse(sessionId: string): void;
  /** Tells idempotency keys apart; undefined is the global session. */
  readonly keyScopeOf: (sessionId: string | undefined) => string | undefined;
  /** @throws PaymentError `invalid-request`, SteeringError. So do the next ones. */
  createRule(sessionId: string, input: RuleInput): Promise<ListedRule>;
  /** In the order in which they are asked. Of all sessions with `*`: theirs one after the other. */
  listRules(sessionId: string): Promise<readonly ListedRule[]>;
  deleteRule(sessionId: string, ruleId: string): Promise<void>;
  /**
   * What would become of a call that was made now; see `explain`. Of the magic users' rules only those that fit are told.
   *
   * @param sessionKey as of a call; undefined: none is named.
   */
  explainCall(sessionKey: string | undefined, input: CallInput): Promise<ExplainedCall>;
  updateSession(sessionId: string, input: SessionInput): Promise<SessionSettings>;
  readSession(sessionId: string): Promise<{ settings: SessionSettings; counters: SessionCounters }>;
  /**
   * All sessions in which anything is set, and those that others remember: the last one used first.
   *
   * @param remembered when each was used by what is remembered, in milliseconds since the epoch.
   * @param limit so many at most; `total` is how many there are.
   */
  listSessions(
    remembered: ReadonlyMap<string, number>,
    limit: number,
  ): Promise<{ readonly sessions: readonly ListedSession[]; readonly total: number }>;
  /** Of all sessions with `*`. */
  resetSession(sessionId: string): Promise<Removed>;
  /** Moves the clock of a session; see `SessionClocks`. @returns its time then, in milliseconds since the epoch. */
  advance(sessionId: string, target: AdvanceTarget, signal: AbortSignal): Promise<number>;
  /** The time of a session that has a clock of its own, in milliseconds since the epoch; undefined otherwise. */
  nowOf(sessionId: string): number | undefined;
  /** Ends what runs by itself. */
  close(): void;
}

interface Self extends SteeringDeps {
  readonly decider: Decider;
}

/** Beyond this a session is a mistake. */
const maxRules = 1_000;
/** All rules and sessions together. A thousand sessions with ten rules each take 15 MB. */
const maxBytes = 67_108_864;

/** See `Steering`. */
export function createSteering(deps: SteeringDeps): Steering {
  const { store, machine } = deps;
  const state = createSteeringState();
  const fileRules = createRuleIndex([...deps.fileRules, ...deps.magicRules]);
  const { seed, randomFailureRate } = deps;
  const self: Self = {
    ...deps,
    decider: { state, store, machine, fileRules, seed, randomFailureRate },
  };
  store.onChange((change) => {
    applyChange(state, change, machine.now());
    followClock(deps, state, sessionOf(change));
  });
  const sweep = endIdleSessions({ ...deps, state });
  return {
    refresh: () => store.refresh(),
    decide: (call) => decide(self.decider, call),
    mayDecide: (userId) => state.sessions.size > 0 || fileRules.mayFit('CreatePaymentIntent', userId),
    isAbout: (method) => isAbout(state, method) || fileRules.isAbout(method),
    noteUse: (sessionId) => touchIfThere(self, sessionId),
    keyScopeOf: (sessionId = globalSession) => keyScopeOf(state, sessionId),
    createRule: (sessionId, input) => createRule(self, sessionId, input),
    listRules: (sessionId) => listRules(self, sessionId),
    deleteRule: (sessionId, ruleId) => deleteRule(self, sessionId, ruleId),
    explainCall: (sessionKey, input) => explainCall(self, sessionKey, input),
    updateSession: (sessionId, input) => updateSession(self, sessionId, input),
    readSession: (sessionId) => readSession(self, sessionId),
    listSessions: (remembered, limit) => listSessions(self, remembered, limit),
    resetSession: (sessionId) => resetSession(self, sessionId),
    async advance(sessionId, target, signal) {
      touchIfThere(self, sessionId);
      return await advanceClock(deps, sessionId, target, signal);
    },
    nowOf: (sessionId) =>
      deps.clocks?.has(sessionId) === true ? deps.clocks.of(sessionId).now() : undefined,
    close: () => sweep.cancel(),
  };
}

async function createRule(self: Self, sessionId: string, input: RuleInput): Promise<ListedRule> {
  const violations: Violations = [];
  const rule = validateRule(violations, input, { newId: () => self.newId('rul'), source: 'api' });
  throwIfAny(violations);
  const document: SteeringDocument = { kind: 'rule', sessionId, rule };
  await self.store.refresh();
  const rules = rulesOf(self.decider.state.sessions.get(sessionId));
  if ([...rules, ...self.fileRules, ...self.magicRules].some(({ id }) => id === rule.id)) {
    throw new SteeringError({ kind: 'rule-exists', ruleId: rule.id });
  }
  if (rules.length >= maxRules) {
    throw new SteeringError({ kind: 'too-many-rules', maxRules });
  }
  await put(self, document);
  return { rule, sessionId, matched: 0 };
}

async function put(self: Self, document: SteeringDocument): Promise<void> {
  const { state } = self.decider;
  const { sessionId } = document;
  // The global session is always there, whether or not anything is set in it.
  const named = state.sessions.size - Number(state.sessions.has(globalSession));
  if (sessionId !== globalSession && !state.sessions.has(sessionId) && named >= self.maxSessions) {
    throw new SteeringError({ kind: 'too-many-sessions', maxSessions: self.maxSessions });
  }
  const key = keyOf(document);
  if (state.usedBytes - (state.bytes.get(key) ?? 0) + bytesOfDocument(document) > maxBytes) {
    throw new SteeringError({ kind: 'too-many-bytes', maxBytes });
  }
  await self.store.put(new Map([[key, document]]));
  touchIfThere(self, sessionId);
}

function touchIfThere({ decider }: Self, sessionId: string): void {
  const session = decider.state.sessions.get(sessionId);
  if (session !== undefined) {
    touch(decider, session);
  }
}

async function listRules(self: Self, sessionId: string): Promise<readonly ListedRule[]> {
  const { store, decider, fileRules, magicRules } = self;
  await store.refresh();
  touchIfThere(self, sessionId);
  // Those of files apply everywhere; of all sessions the global one is shown.
  const ofFiles = sessionId === allSessions ? globalSession : sessionId;
  const matched = await store.matched(ofFiles);
  const ids = sessionId === allSessions ? [...decider.state.sessions.keys()] : [sessionId];
  const own = await Promise.all(
    ids.map(async (id) => {
      const counts = id === ofFiles ? matched : await store.matched(id);
      return rulesOf(decider.state.sessions.get(id)).map((rule) => toListed(rule, id, counts));
    }),
  );
  const magic = magicRules.filter(({ id }) => (matched.get(id) ?? 0) > 0);
  return [...own.flat(), ...[...fileRules, ...magic].map((rule) => toListed(rule, globalSession, matched))];
}

async function deleteRule(self: Self, sessionId: string, ruleId: string): Promise<void> {
  const { store, decider, fileRules, magicRules } = self;
  await store.refresh();
  const rule = rulesOf(decider.state.sessions.get(sessionId)).find(({ id }) => id === ruleId);
  const ofFile = [...fileRules, ...magicRules].find(({ id }) => id === ruleId);
  if (rule === undefined) {
    throw new SteeringError(
      ofFile === undefined
        ? { kind: 'rule-not-found', ruleId }
        : { kind: 'rule-of-a-file', ruleId, source: ofFile.source },
    );
  }
  touchIfThere(self, sessionId);
  await store.remove([ruleKey(sessionId, ruleId)]);
  await store.forgetCounts(sessionId, ruleId);
}

async function updateSession(self: Self, sessionId: string, input: SessionInput): Promise<SessionSettings> {
  const violations: Violations = [];
  const settings = validateSettings(violations, input, self.checkWebhookUrl);
  throwIfAny(violations);
  await self.store.refresh();
  if (settings.manualClock === true) {
    await checkClock(self, sessionId);
  }
  await put(self, { kind: 'session', sessionId, settings });
  return settings;
}

async function readSession(self: Self, sessionId: string) {
  await self.store.refresh();
  touchIfThere(self, sessionId);
  const { totalCount, countByStatus } = await self.payments.list({
    filter: { sessionId },
    from: undefined,
    skip: 0,
    limit: 0,
  });
  return await lookAtSession(self, sessionId, totalCount, countByStatus);
}

async function resetSession(self: Self, sessionId: string): Promise<Removed> {
  const { store, decider, machine, newId, payments, idempotencyTtlMs } = self;
  await store.refresh();
  const { sessions } = decider.state;
  const ids = sessionId === allSessions ? [...new Set([globalSession, ...sessions.keys()])] : [sessionId];
  // First: where payments cannot be found, nothing else is changed either.
  const removed = await payments.remove(sessionId === allSessions ? {} : { sessionId });
  const untilMs = machine.now() + idempotencyTtlMs;
  const reset: SteeringDocument = { kind: 'reset', sessionId, scope: newId('rst'), untilMs };
  await store.put(new Map([[keyOf(reset), reset]]));
  await store.remove(staleResets(decider.state, sessionId));
  const there = ids.flatMap((id) => sessions.get(id) ?? []);
  const rules = there.reduce((sum, session) => sum + session.rules.size, 0);
  await store.remove(there.flatMap(keysOf));
  await Promise.all(ids.map((id) => store.forgetCounts(id)));
  const all: Removed = { rules, sessions: there.length, payments: removed };
  self.observe({ kind: 'session-reset', sessionId, ...all });
  return all;
}
