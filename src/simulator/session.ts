import { type Behavior, type BehaviorInput, validateBehavior } from '../payment/behavior.ts';
import { add, type Violations } from '../payment/violations.ts';
import type { WebhookUrlCheck } from '../payment/webhook-url.ts';
import { type Match, type MatchInput, validateMatch } from './match.ts';

/** What the calls of a session have in common, as a tester has set it. */
export interface SessionSettings {
  readonly default?: Behavior | undefined;
  readonly claims?: Match | undefined;
  readonly webhookUrl?: string | undefined;
  readonly seed?: number | undefined;
  /** In milliseconds. */
  readonly idleTtlMs?: number | undefined;
  /** Time stands still in the session until a tester moves it. */
  readonly manualClock?: true | undefined;
}

/** Settings as they came in. */
export interface SessionInput {
  readonly default: BehaviorInput | undefined;
  readonly claims: MatchInput | undefined;
  readonly webhookUrl: string;
  readonly seed: number | undefined;
  readonly idleTtlMs: number | undefined;
  readonly manualClock: boolean;
}

/** The key of the session that has all calls that belong to no other. */
export const globalSession = '';
/** Stands for all sessions, where that is allowed. */
export const allSessions = '*';

/** Which session a key stands for; undefined: all of them. */
export function scopeOf(key: string): string | undefined {
  return key === allSessions ? undefined : key;
}

/**
 * Whether something is in scope.
 *
 * @param sessionId whose it is; undefined: the global session's.
 */
export function isInScope(sessionId: string | undefined, scope: string | undefined): boolean {
  return scope === undefined || (sessionId ?? globalSession) === scope;
}

const minIdleMs = 1_000;
const maxIdleMs = 86_400_000;
/** Without the comma and blanks at the ends, which HTTP takes liberties with. */
const headerPattern = /^[!-+\--~](?:[ -+\--~]{0,126}[!-+\--~])?$/;

/** What a key of a session must be, and an id of a rule, in words that stand after "must be". */
export const wantedHeaderText = '1 to 128 visible ASCII characters, without commas';

/** Whether a header carries a text as it is, one in a list of several included. */
export function isHeaderText(text: string): boolean {
  return headerPattern.test(text);
}

/** Whether a text can be the key of a session. */
export function isSessionKey(text: string): boolean {
  return isHeaderText(text) && text !== allSessions;
}

/** Notes what is wrong. */
export function validateSettings(
  violations: Violations,
  input: SessionInput,
  checkWebhookUrl: WebhookUrlCheck,
): SessionSettings {
  const { claims, idleTtlMs } = input;
  if (idleTtlMs !== undefined && !(idleTtlMs >= minIdleMs && idleTtlMs <= maxIdleMs)) {
    add(violations, 'session.idle_ttl', 'must be from 1 to 86400 seconds, such as "1800s"');
  }
  return {
    default: input.default && validateBehavior(violations, 'session.default', input.default),
    claims: claims && validateClaims(violations, claims),
    webhookUrl: validateUrl(violations, input.webhookUrl, checkWebhookUrl),
    seed: input.seed,
    idleTtlMs,
    ...(input.manualClock && { manualClock: true as const }),
  };
}

function validateClaims(violations: Violations, claims: MatchInput): Match {
  if (claims.method !== '') {
    add(violations, 'session.claims.method', 'must be empty: a session claims payments');
  }
  const { userId, reservationId, currency, webhookUrl, minAmount, maxAmount } = claims;
  const isEmpty = [userId, reservationId, currency, webhookUrl].every((text) => text === '' || text === '*');
  if (isEmpty && minAmount === 0n && maxAmount === 0n) {
    add(violations, 'session.claims', 'must name something: everything belongs to the global session anyway');
  }
  return validateMatch(violations, 'session.claims', { ...claims, method: '' });
}

function validateUrl(violations: Violations, url: string, check: WebhookUrlCheck): string | undefined {
  const verdict = url === '' ? undefined : check(url);
  if (verdict !== undefined && 'problem' in verdict) {
    add(violations, 'session.webhook_url', verdict.problem);
  }
  return verdict !== undefined && 'address' in verdict ? verdict.address : undefined;
}
