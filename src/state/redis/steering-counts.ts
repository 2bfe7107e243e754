import type { IRedisClient } from 'bullmq';
import type { Asked, RuleUse } from '../../simulator/ports.ts';
import { globalSession } from '../../simulator/session.ts';
import type { RedisClient } from './redis-clients.ts';
import { countsKey, reservationNamesKey, reservationsKey, steeringKeys } from './redis-keys.ts';
import type { RedisLink } from './redis-link.ts';
import { runScript } from './redis-scripts.ts';

/** What counting works with. */
export interface SteeringCountsDeps {
  readonly client: RedisClient;
  readonly commands: IRedisClient;
  readonly link: RedisLink;
  /** So many reservations of a rule are remembered; with one more it begins anew. */
  readonly maxReservations: number;
}

/** How long a reservation's counts live without use, in milliseconds. */
const reservationTtlMs = 86_400_000;
/**
 * How long a session's counts live without use, in milliseconds: longer than any session does. Those of files'
 * rules, which apply to sessions that nobody has set anything for and that never end, would stay for ever.
 */
const sessionTtlMs = 172_800_000;
const firedField = 'fired:';

/** Counts a call that fits, and says whether the rule applies. */
export async function fire(
  { commands, link, maxReservations }: SteeringCountsDeps,
  { sessionId, ruleId, reservationId, skip, times, perReservation }: RuleUse,
): Promise<boolean> {
  const keys = [countsKey(sessionId)];
  const values = [ruleId, skip, times, lifeOf(sessionId)];
  if (perReservation) {
    keys.push(reservationsKey('calls', sessionId, ruleId), reservationNamesKey(sessionId));
    values.push(reservationId, maxReservations, reservationTtlMs);
  }
  return (await link.run(() => runScript<0 | 1>(commands, 'paymentSimFire', keys, values))) === 1;
}

/** Counts a draw; answers how many there were before. */
export async function occurrence(
  { commands, link, maxReservations }: SteeringCountsDeps,
  { sessionId, ruleId, reservationId }: RuleUse,
): Promise<number> {
  const keys = [reservationsKey('draws', sessionId, ruleId), reservationNamesKey(sessionId)];
  const values = [reservationId, maxReservations, reservationTtlMs];
  return (await link.run(() => runScript<number>(commands, 'paymentSimDraw', keys, values))) - 1;
}

/** How often a rule was asked; counts nothing. */
export async function asked(
  { client, link }: SteeringCountsDeps,
  { sessionId, ruleId, reservationId, perReservation }: RuleUse,
): Promise<Asked> {
  const [seen, draws] = await link.run(() =>
    Promise.all([
      perReservation
        ? client.hget(reservationsKey('calls', sessionId, ruleId), reservationId)
        : client.hget(countsKey(sessionId), `seen:${ruleId}`),
      client.hget(reservationsKey('draws', sessionId, ruleId), reservationId),
    ]),
  );
  return { seen: Number(seen ?? 0), draws: Number(draws ?? 0) };
}

/** How many calls each rule has applied to, by id. */
export async function matched(
  { client, link }: SteeringCountsDeps,
  sessionId: string,
): Promise<Map<string, number>> {
  const counts = await link.run(() => client.hgetall(countsKey(sessionId)));
  return new Map(
    Object.entries(counts).flatMap(([field, count]) =>
      field.startsWith(firedField) ? [[field.slice(firedField.length), Number(count)] as const] : [],
    ),
  );
}

/** Forgets the counts of a rule, or of a session and when it was used. */
export async function forgetCounts(
  { commands, link }: SteeringCountsDeps,
  sessionId: string,
  ruleId: string | undefined,
): Promise<void> {
  const keys = [countsKey(sessionId), reservationNamesKey(sessionId)];
  await link.run(() =>
    ruleId === undefined
      ? runScript(commands, 'paymentSimForgetSession', [...keys, steeringKeys.used], [sessionId])
      : runScript(
          commands,
          'paymentSimForgetRule',
          [...keys, reservationsKey('calls', sessionId, ruleId), reservationsKey('draws', sessionId, ruleId)],
          [ruleId],
        ),
  );
}

/** Notes that a session is in use; whether that was noted is of no account, the next use comes soon. */
export function noteUse({ commands, link }: SteeringCountsDeps, sessionId: string): void {
  const values = [sessionId, sessionTtlMs, lifeOf(sessionId)];
  const keys = [steeringKeys.used, countsKey(sessionId)];
  link.run(() => runScript(commands, 'paymentSimUse', keys, values)).catch(() => undefined);
}

/** How many milliseconds ago a session was used; undefined if never. */
export async function unusedMs(
  { commands, link }: SteeringCountsDeps,
  sessionId: string,
): Promise<number | undefined> {
  const agoMs = await link.run(() =>
    runScript<number>(commands, 'paymentSimUsed', [steeringKeys.used], [sessionId]),
  );
  return agoMs < 0 ? undefined : agoMs;
}

/** 0: for ever. The global session does not end. */
function lifeOf(sessionId: string): number {
  return sessionId === globalSession ? 0 : sessionTtlMs;
}
