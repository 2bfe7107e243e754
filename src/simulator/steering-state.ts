import type { RandomOutcomes } from '../payment/random-outcomes.ts';
import { fits, type CallFacts, type PaymentMethodName, paymentMethods } from './match.ts';
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
  /** How many sessions' rules or defaults are about a method's answers. */
  readonly about: Map<PaymentMethodName, number>;
  /** The sessions with claims, the newest first; undefined until it is needed after a change. */
  claiming: readonly SessionState[] | undefined;
}

/** A document takes about so much more than two bytes for each character of its JSON. */
const documentBytes = 500;

export function createSteeringState(): SteeringState {
  return {
    sessions: new Map(),
    resets: new Map(),
    bytes: new Map(),
    usedBytes: 0,
    about: new Map(),
    claiming: undefined,
  };
}

/** The key of the document. */
export function keyOf(document: SteeringDocument): string {
  const { kind, sessionId } = document;
  return JSON.stringify(kind === 'rule' ? [kind, sessionId, document.rule.id] : [kind, sessionId]);
}

function partsOf(key: string): readonly string[] {
  const parts: unknown = JSON.parse(key);
  return Array.isArray(parts) ? parts.map(String) : [];
}

export function bytesOfDocument(document: SteeringDocument): number {
  return documentBytes + 2 * JSON.stringify(document).length;
}

/**
 * Takes a change over.
 *
 * @param nowMs by the machine's clock.
 */
export function applyChange(
  self: SteeringState,
  { key, document, order }: SteeringChange,
  nowMs: number,
): void {
  countBytes(self, key, document);
  const [kind, sessionId = ''] = partsOf(key);
  if (kind === 'reset') {
    if (document?.kind === 'reset') {
      self.resets.set(sessionId, { scope: document.scope, untilMs: document.untilMs, order });
    } else {
      self.resets.delete(sessionId);
    }
    return;
  }
  const session = self.sessions.get(sessionId) ?? addSession(self, sessionId, nowMs);
  countAbout(self, session, -1);
  changeSession(session, key, document, order);
  countAbout(self, session, 1);
  self.claiming = undefined;
  if (session.settings === undefined && session.rules.size === 0) {
    self.sessions.delete(sessionId);
  }
}

function changeSession(
  session: SessionState,
  key: string,
  document: SteeringDocument | undefined,
  order: number,
): void {
  session.index = undefined;
  if (document?.kind === 'rule') {
    session.rules.set(key, document.rule);
  } else if (document?.kind === 'session') {
    session.settings = document.settings;
    session.outcomes = undefined;
    session.order = order;
  } else if (!session.rules.delete(key)) {
    session.settings = undefined;
  }
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

/** So that calls of methods which nobody has set anything for need not look for their payment's session. */
function countAbout(self: SteeringState, session: SessionState, by: 1 | -1): void {
  const hasDefault = session.settings?.default?.api !== undefined;
  for (const method of paymentMethods) {
    if (hasDefault || indexOf(session).isAbout(method)) {
      self.about.set(method, (self.about.get(method) ?? 0) + by);
    }
  }
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
