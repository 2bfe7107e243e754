import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { type Cluster, type ClusterReplica, startCluster } from '../support/cluster.ts';
import { type CrashPoint, crashPoints, goneReservation } from '../support/crash-points.ts';
import {
  type OutcomeAnswer,
  type OutcomeDelivery,
  type Outcomes,
  startOutcomes,
} from '../support/outcomes.ts';
import { checkNothingPending, checkSettledOnce } from '../support/settled-once.ts';
import { missingRedis, requireRedisInCi, startRedisServer } from '../support/redis-server.ts';
import { intentMessage } from '../system/connect-json.ts';

requireRedisInCi();

const entry = fileURLToPath(new URL('../support/crashing-replica.ts', import.meta.url));
/** From a kill to the takeover of what the killed replica had in hand, and all retries, in milliseconds. */
const recoveryMs = 90_000;
const inTime = { timeout: recoveryMs };
/** At most so many payments are made until the replica comes to its point. */
const enough = 2_000;
const callsAtATime = 16;

/**
 * Refuses the first attempt of every fourth delivery, and the second of every eighth. Not of all: senders
 * make a pause when everything fails.
 */
function refusingSome(): (delivery: OutcomeDelivery) => OutcomeAnswer {
  const refusals = new Map<string, number>();
  return ({ channel, paymentId, reservationId }) => {
    if (channel === 'webhook' && reservationId === goneReservation) {
      return 'gone';
    }
    const key = `${channel} ${paymentId}`;
    const left = refusals.get(key) ?? [2, 0, 0, 0, 1, 0, 0, 0][refusals.size % 8] ?? 0;
    refusals.set(key, left - 1);
    return left > 0 ? 'refuse' : 'take';
  };
}

/** What became of the payments of one crash point. */
interface Made {
  readonly acknowledged: string[];
  /** Those of them whose webhook is refused for good. */
  readonly gone: string[];
  unanswered: number;
  /** Calls that are repeated with their key, and wait until the lease of the killed replica is over. */
  readonly repeated: Promise<void>[];
}

describe.skipIf(missingRedis !== undefined)('a replica killed between two writes', () => {
  test('at every crash point of docs/adr/0014: all settle once, arrive on both channels, and keys hold', async () => {
    const [redis, outcomes] = await Promise.all([startRedisServer(), startOutcomes()]);
    outcomes.answer = refusingSome();
    const cluster = await startCluster(3, {
      entry,
      env: {
        ...outcomes.env,
        REDIS_URL: redis.url,
        WEBHOOK_RETRY_BASE_MS: '300',
        EVENTBRIDGE_RETRY_BASE_MS: '300',
        DEFAULT_DELAY_MS: '300',
      },
    });
    const [one, other, survivor] = cluster.replicas as [ClusterReplica, ClusterReplica, ClusterReplica];
    const made = new Map<CrashPoint, Made>();
    const points = crashPoints.values();
    async function crashAgainAndAgain(victim: ClusterReplica): Promise<void> {
      for (const point of points) {
        await victim.kill();
        await victim.restart({ CRASH_AT: point });
        made.set(point, await payUntilKilled(point, victim, survivor, outcomes));
      }
      await victim.restart();
    }
    await Promise.all([crashAgainAndAgain(one), crashAgainAndAgain(other)]);
    const all = [...made.values()];
    await Promise.all(all.flatMap(({ repeated }) => repeated));
    const acknowledged = all.flatMap((some) => some.acknowledged);
    await outcomes.whenComplete(acknowledged, recoveryMs);
    const arrived = [...outcomes.received].filter(([, outcome]) => outcome.reservationId !== goneReservation);
    await outcomes.whenComplete(
      arrived.map(([paymentId]) => paymentId),
      recoveryMs,
    );
    const gone = all.flatMap((some) => some.gone);
    expect(gone.length).toBeGreaterThan(0);
    await expect.poll(() => gone.filter((id) => !isGivenUp(cluster, outcomes, id)), inTime).toEqual([]);
    await checkSettledOnce(cluster, outcomes, [...acknowledged, ...gone]);
    await checkNothingPending(cluster);
    // One payment for each reservation, however often its create was repeated with its key.
    const reservations = [...outcomes.received.values()].map(({ reservationId }) => reservationId);
    const keyed = reservations.filter((reservationId) => reservationId.startsWith('keyed'));
    expect(new Set(keyed).size).toBe(keyed.length);
    const lines = [...made].map(
      ([point, some]) =>
        `${point}: ${some.acknowledged.length} acknowledged, ${some.unanswered} calls unanswered, ` +
        `${some.repeated.length} of them repeated with their key`,
    );
    expect(lines).toHaveLength(crashPoints.length);
    console.log(
      `${lines.join('\n')}\nall settled once and arrived on both channels; delivered again: ` +
        JSON.stringify(outcomes.countDuplicates()),
    );
  }, 300_000);
});

/** Whether the webhook of a payment was given up in the log, and its event arrived. */
function isGivenUp({ warnings }: Cluster, { received }: Outcomes, paymentId: string): boolean {
  const events = received.get(paymentId)?.events ?? 0;
  const isGivenUpLine = (line: string) => line.includes('Webhook given up') && line.includes(paymentId);
  return events > 0 && warnings.some(isGivenUpLine);
}

/** Creates and processes payments on both replicas until the first one has come to its point. */
async function payUntilKilled(
  point: CrashPoint,
  victim: ClusterReplica,
  survivor: ClusterReplica,
  outcomes: Outcomes,
): Promise<Made> {
  const made: Made = { acknowledged: [], gone: [], unanswered: 0, repeated: [] };
  let payments = 0;

  async function pay(nth: number): Promise<void> {
    const isGone = point === 'given-up' && nth % 4 === 1;
    const isKeyed = nth % 2 === 0;
    const name = isGone ? goneReservation : `${isKeyed ? 'keyed' : 'plain'} ${point} ${nth}`;
    const message = intentMessage({
      reservation_id: name,
      webhook_url: outcomes.webhookUrl,
      ...(isKeyed ? { idempotency_key: name } : {}),
    });
    const id = await tryCall(nth % 4 < 2 ? victim : survivor, 'CreatePaymentIntent', message);
    if (id === undefined) {
      if (isKeyed) {
        made.repeated.push(repeat(message));
      }
      return;
    }
    (isGone ? made.gone : made.acknowledged).push(id);
    if (nth % 3 === 0) {
      await tryCall(victim, 'ProcessPayment', { payment_intent_id: id });
    }
  }

  /** What a client does that does not know what became of its call; twice, to get the same answer. */
  async function repeat(message: Readonly<Record<string, unknown>>): Promise<void> {
    const ids = [
      await tryCall(survivor, 'CreatePaymentIntent', message),
      await tryCall(survivor, 'CreatePaymentIntent', message),
    ];
    expect(ids[1]).toBe(ids[0]);
    made.acknowledged.push(ids[0] ?? '');
  }

  async function tryCall(
    replica: ClusterReplica,
    method: string,
    message: Readonly<Record<string, unknown>>,
  ): Promise<string | undefined> {
    const answer = await replica.call(method, message).catch((error: unknown) => {
      if (replica === survivor) {
        throw error;
      }
    });
    if (answer === undefined) {
      await victim.ended();
      made.unanswered += 1;
      return undefined;
    }
    expect(answer.httpStatus, JSON.stringify(answer.body)).toBe(200);
    return String(answer.body['payment_intent_id']);
  }

  async function work(): Promise<void> {
    while (victim.isUp() && payments < enough) {
      payments += 1;
      await pay(payments);
    }
  }

  await Promise.all(Array.from({ length: callsAtATime }, work));
  expect(victim.isUp(), `${payments} payments, and the replica has not come to "${point}"`).toBe(false);
  return made;
}
