import type { MessageInitShape } from '@bufbuild/protobuf';
import { type Duration, durationFromMs, durationMs, timestampFromMs } from '@bufbuild/protobuf/wkt';
import type {
  Match as ProtoMatch,
  MatchSchema,
  Rule as ProtoRule,
  RuleSchema,
  Session as ProtoSession,
  SessionSchema,
} from '../../../gen/simulator/v1/simulator_pb.js';
import type { Match, MatchInput } from '../../simulator/match.ts';
import type { RuleInput } from '../../simulator/rule.ts';
import type { SessionInput, SessionSettings } from '../../simulator/session.ts';
import type { ListedRule, SessionCounters } from '../../simulator/looks.ts';
import { behaviorFromProto, behaviorToProto } from '../payment-v1/simulation-messages.ts';

/* Rules and sessions in the messages of the contract, in both directions. */

export function ruleFromProto(rule: ProtoRule): RuleInput {
  return {
    id: rule.ruleId,
    match: rule.match && matchFromProto(rule.match),
    simulation: rule.simulation && behaviorFromProto(rule.simulation),
    times: rule.times,
    skip: rule.skip,
    oneIn: rule.oneIn,
    perReservation: rule.perReservation,
    label: rule.label,
    matched: rule.matched,
    source: rule.source,
    sessionId: rule.sessionId,
  };
}

function matchFromProto(match: ProtoMatch): MatchInput {
  const { method, userId, reservationId, currency, minAmount, maxAmount, webhookUrl } = match;
  return { method, userId, reservationId, currency, minAmount, maxAmount, webhookUrl };
}

export function ruleToProto({ rule, sessionId, matched }: ListedRule): MessageInitShape<typeof RuleSchema> {
  return {
    ruleId: rule.id,
    match: matchToProto(rule.match),
    simulation: behaviorToProto(rule.behavior),
    times: rule.times,
    skip: rule.skip,
    oneIn: rule.oneIn,
    perReservation: rule.perReservation,
    label: rule.label,
    matched: BigInt(matched),
    source: rule.source,
    sessionId,
  };
}

function matchToProto(match: Match): MessageInitShape<typeof MatchSchema> {
  return { ...match, minAmount: BigInt(match.minAmount), maxAmount: BigInt(match.maxAmount) };
}

export function sessionFromProto(session: ProtoSession): SessionInput {
  return {
    default: session.default && behaviorFromProto(session.default),
    claims: session.claims && matchFromProto(session.claims),
    webhookUrl: session.webhookUrl,
    seed: session.seed,
    idleTtlMs: session.idleTtl && msOf(session.idleTtl),
    manualClock: session.manualClock,
  };
}

/** Also of one that is far beyond what numbers can tell. */
function msOf(duration: Duration): number {
  return Number(duration.seconds) > Number.MAX_SAFE_INTEGER / 1000 ? Infinity : durationMs(duration);
}

export function sessionToProto(
  sessionId: string,
  settings: SessionSettings,
  nowMs: number | undefined,
): MessageInitShape<typeof SessionSchema> {
  const { claims, webhookUrl = '', seed, idleTtlMs, manualClock = false } = settings;
  return {
    sessionId,
    ...(settings.default && { default: behaviorToProto(settings.default) }),
    ...(claims && { claims: matchToProto(claims) }),
    webhookUrl,
    manualClock,
    ...(nowMs !== undefined && { now: timestampFromMs(nowMs) }),
    ...(seed !== undefined && { seed }),
    ...(idleTtlMs !== undefined && { idleTtl: durationFromMs(idleTtlMs) }),
  };
}

export function countersToProto({ payments, paymentsByStatus, rules, matched }: SessionCounters) {
  return { payments, paymentsByStatus: { ...paymentsByStatus }, rules, matched: BigInt(matched) };
}
