import type { RandomOutcomes } from '../payment/random-outcomes.ts';
import { type CallFacts, fits, methodsOf, type PaymentMethodName } from './match.ts';
import type { SteeringChange, SteeringDocument } from './ports.ts';
import type { Rule } from './rule.ts';
import { createRuleIndex, type RuleIndex } from './rule-index.ts';
import { allSessions, globalSession, type SessionSettings } from './session.ts';

/* What testers have set, as this process knows it: made of the documents of the store, and nothing else. */

/** A session that has settings or rules. */
export interface SessionState {
  readonly id: string;
  settings: SessionSettings | undefined;
  /** By their documents' keys, the oldest first. */
  readonly rules: Map<string, Rule>;
  /** Made when it is first asked after a change. */
  index: RuleIndex | undefined;
  /** Of its settings: of two that claim a payment the newer one has it. */
  order: number;
  /** By the machine's clock, in milliseconds since the epoch. */
  lastUsedMs: number;
  notedAtMs: number;
  /** Draws of its own; undefined without a seed of its own, and until the first. */
  outcomes: RandomOutcomes | undefined;
}

interface Reset {
  readonly scope: string;
  readonly untilMs: number;
  readonly order: number;
}

/** See above. */
export interface SteeringState {
  readonly sessions: Map<string, SessionState>;
  readonly resets: Map<string, Reset>;
  /** How many bytes each document takes, roughly. */
  readonly bytes: Map<string, number>;
  usedBytes: number;
  /** How many rules of sessions are about each method. */
  readonly about: Map<PaymentMethodName, number>;
  /** How many sessions have a default for the answers of calls. */
  defaultsOfAnswers: number;
  /** The sessions with claims, the newest first; undefined until it is needed after a change. */
  claiming: readonly SessionState[] | undefined;
}

/**
 * A document takes at most so much more than two bytes for each character of its JSON. Measured on Node 24: 4 kB
 * of heap for a session with settings and one rule, 0.8 kB for each further rule.
 */
const documentBytes = 1_500;
/** Resets are remembered for as long as idempotency keys: of more than so many sessions the oldest is forgotten. 3 MB. */
const maxResets = 10_000;

export function createSteeringState(): SteeringState {
  return {
    sessions: new Map(),
    resets: new Map(),
    bytes: new Map(),
    usedBytes: 0,
    about: new Map(),
    defaultsOfAnswers: 0,
    claiming: undefined,
  };
}

/** The key of a document. */
export function keyOf(document: SteeringDocument): string {
  const { kind, sessionId } = document;
  return kind === 'rule' ? ruleKey(sessionId, document.rule.id) : ownKey(kind, sessionId);
}

export function ruleKey(sessionId: string, ruleId: string): string {
  return JSON.stringify(['rule', sessionId, ruleId]);
}

/** Of what a session has one of. */
export function ownKey(kind: 'session' | 'reset', sessionId: string): string {
  return JSON.stringify([kind, sessionId]);
}

/** The keys of all that makes a session. */
export function keysOf({ id, rules, settings }: SessionState): readonly string[] {
  return [...rules.keys(), ...(settings === undefined ? [] : [ownKey('session', id)])];
}

export function bytesOfDocument(document: SteeringDocument): number {
  return documentBytes + 2 * JSON.stringify(document).length;
}

/**
 * Takes a change over.
 *
 * @param nowMs by the machine's clock.
 */
export function applyChange(self: SteeringState, change: SteeringChange, nowMs: number): void {
  const { key, document, order } = change;
  const { kind, sessionId } = parseKey(key);
  if (kind === 'reset') {
    if (document?.kind === 'reset') {
      self.resets.set(sessionId, { scope: document.scope, untilMs: document.untilMs, order });
    } else {
      self.resets.delete(sessionId);
    }
    return;
  }
  countBytes(self, key, document);
  const session = self.sessions.get(sessionId) ?? addSession(self, sessionId, nowMs);
  if (kind === 'rule') {
    changeRule(self, session, key, document?.kind === 'rule' ? document.rule : undefined);
  } else {
    changeSettings(self, session, document?.kind === 'session' ? document.settings : undefined, order);
  }
  if (session.settings === undefined && session.rules.size === 0) {
    self.sessions.delete(sessionId);
  }
}

/** The session that a change is about. */
export function sessionOf({ key }: SteeringChange): string {
  return parseKey(key).sessionId;
}

function parseKey(key: string) {
  const parts: unknown = JSON.parse(key);
  const [kind = '', sessionId = ''] = Array.isArray(parts) ? parts.map(String) : [];
  return { kind, sessionId };
}

function changeRule(self: SteeringState, session: SessionState, key: string, rule: Rule | undefined): void {
  session.index = undefined;
  countAbout(self, session.rules.get(key), -1);
  countAbout(self, rule, 1);
  if (rule === undefined) {
    session.rules.delete(key);
  } else {
    session.rules.set(key, rule);
  }
}

function changeSettings(
  self: SteeringState,
  session: SessionState,
  settings: SessionSettings | undefined,
  order: number,
): void {
  self.defaultsOfAnswers +=
    Number(settings?.default?.api !== undefined) - Number(session.settings?.default?.api !== undefined);
  session.settings = settings;
  session.outcomes = undefined;
  session.order = order;
  self.claiming = undefined;
}

function addSession(self: SteeringState, id: string, nowMs: number): SessionState {
  const session: SessionState = {
    id,
    settings: undefined,
    rules: new Map(),
    index: undefined,
    order: 0,
    lastUsedMs: nowMs,
    notedAtMs: 0,
    outcomes: undefined,
  };
  self.sessions.set(id, session);
  return session;
}

function countBytes(self: SteeringState, key: string, document: SteeringDocument | undefined): void {
  self.usedBytes -= self.bytes.get(key) ?? 0;
  self.bytes.delete(key);
  if (document !== undefined) {
    const bytes = bytesOfDocument(document);
    self.bytes.set(key, bytes);
    self.usedBytes += bytes;
  }
}

function countAbout({ about }: SteeringState, rule: Rule | undefined, by: 1 | -1): void {
  for (const method of rule === undefined ? [] : methodsOf(rule.match)) {
    about.set(method, (about.get(method) ?? 0) + by);
  }
}

/** Whether a rule of any session, or the default of one, may be about the answers of a method. */
export function isAbout({ about, defaultsOfAnswers }: SteeringState, method: PaymentMethodName): boolean {
  return defaultsOfAnswers > 0 || (about.get(method) ?? 0) > 0;
}

/** The session's rules, the newest first. */
export function rulesOf(session: SessionState | undefined): readonly Rule[] {
  return session === undefined ? [] : [...session.rules.values()].toReversed();
}

export function indexOf(session: SessionState): RuleIndex {
  session.index ??= createRuleIndex(rulesOf(session));
  return session.index;
}

/** The session that claims the call's payment, the global one when none does. */
export function claimingSession(self: SteeringState, facts: CallFacts): string {
  self.claiming ??= [...self.sessions.values()]
    .filter(({ settings }) => settings?.claims !== undefined)
    .toSorted((a, b) => b.order - a.order);
  const claiming = self.claiming.find(
    ({ settings }) => settings?.claims !== undefined && fits(settings.claims, facts),
  );
  return claiming?.id ?? globalSession;
}

/** Tells the idempotency keys of one session, since it was last reset, from all others; undefined outside of any. */
export function keyScopeOf({ resets }: SteeringState, sessionId: string): string | undefined {
  const [own, all] = [resets.get(sessionId), resets.get(allSessions)];
  const reset = (own?.order ?? 0) > (all?.order ?? 0) ? own : all;
  return sessionId === globalSession && reset === undefined
    ? undefined
    : JSON.stringify([sessionId, reset?.scope ?? '']);
}

/** The keys of resets that are not needed after one of `sessionId`: of all, when all are reset, and the oldest of too many. */
export function staleResets({ resets }: SteeringState, sessionId: string): readonly string[] {
  const others = [...resets.entries()].filter(([id]) => id !== sessionId && id !== allSessions);
  const stale =
    sessionId === allSessions
      ? others
      : others.toSorted(([, a], [, b]) => a.order - b.order).slice(0, Math.max(0, others.length - maxResets));
  return stale.map(([id]) => ownKey('reset', id));
}
