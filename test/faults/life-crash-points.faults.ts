import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { type ClusterReplica, startCluster } from '../support/cluster.ts';
import { type CrashPoint, lifeCrashPoints } from '../support/crash-points.ts';
import { type OutcomeChannel, type Outcomes, startOutcomes } from '../support/outcomes.ts';
import { missingRedis, requireRedisInCi, startRedisServer } from '../support/redis-server.ts';
import { intentMessage } from '../system/connect-json.ts';

requireRedisInCi();

const entry = fileURLToPath(new URL('../support/crashing-replica.ts', import.meta.url));
/** From a kill to the takeover of what the killed replica had in hand, and all retries, in milliseconds. */
const inTime = { timeout: 90_000, interval: 500 };
/** At most so many payments are made until the replica comes to its point. */
const enough = 2_000;
const callsAtATime = 16;
const refundedWon = 50_000;

/** One payment, and what its one cancellation or refund came to. */
interface Lived {
  readonly paymentId: string;
  readonly isRefund: boolean;
  /** Undefined when it was refused, which only a cancellation may be that came too late. */
  refundId: string | undefined;
  status: string;
}

/** What arrived of an event, by channel. */
type Arrived = Map<string, Map<OutcomeChannel, { readonly sequence: number; readonly status: string }>>;

function record(outcomes: Outcomes): Map<string, Arrived> {
  const byPayment = new Map<string, Arrived>();
  outcomes.answer = ({ channel, paymentId, eventId, sequence, status }) => {
    const events: Arrived = byPayment.get(paymentId) ?? new Map();
    byPayment.set(
      paymentId,
      events.set(eventId, (events.get(eventId) ?? new Map()).set(channel, { sequence, status })),
    );
    return 'take';
  };
  return byPayment;
}

describe.skipIf(missingRedis !== undefined)(
  'a replica killed between two writes of a cancellation or refund',
  () => {
    test('at every crash point: each is done once, its events arrive on both channels, and keys hold', async () => {
      const [redis, outcomes] = await Promise.all([startRedisServer(), startOutcomes()]);
      const arrived = record(outcomes);
      const cluster = await startCluster(3, { entry, env: { ...outcomes.env, REDIS_URL: redis.url } });
      const [one, other, survivor] = cluster.replicas as [ClusterReplica, ClusterReplica, ClusterReplica];
      const lived: Lived[] = [];
      const counts: string[] = [];
      const left = lifeCrashPoints.values();
      async function crashAgainAndAgain(victim: ClusterReplica): Promise<void> {
        for (const point of left) {
          await victim.kill();
          await victim.restart({ CRASH_AT: point });
          const some = await liveUntilKilled(point, victim, survivor, outcomes.webhookUrl);
          lived.push(...some.lived);
          counts.push(
            `${point}: ${some.lived.length} payments, ${some.unanswered} calls unanswered and repeated`,
          );
        }
        await victim.restart();
      }
      await Promise.all([crashAgainAndAgain(one), crashAgainAndAgain(other)]);
      expect(counts).toHaveLength(lifeCrashPoints.length);
      const open = () => lived.filter((life) => !hasArrived(life, arrived.get(life.paymentId)));
      await expect.poll(() => open().slice(0, 3), inTime).toEqual([]);
      for (const life of lived) {
        await checkPayment(survivor, life);
      }
      expect(lived.some(({ status }) => status === 'PAYMENT_STATUS_CANCELLED')).toBe(true);
      console.log(`${counts.join('\n')}\nall were done once and told on both channels`);
    }, 300_000);
  },
);

/** Whether every event has arrived on both channels, each under one id and with its number. */
function hasArrived({ isRefund, refundId, status }: Lived, events: Arrived = new Map()): boolean {
  const all = [...events];
  const sequences = all
    .map(([, channels]) => channels.get('webhook')?.sequence ?? 0)
    .toSorted((a, b) => a - b);
  const told = refundId === undefined || refundId === '' ? undefined : refundId.replace('rfd', 'evt');
  return (
    all.every(([, channels]) => channels.size === 2) &&
    (told === undefined || events.has(told)) &&
    JSON.stringify(sequences) === (isRefund || told !== undefined ? '[1,2]' : '[1]') &&
    (told !== undefined || all[0]?.[1].get('event')?.status === status)
  );
}

async function checkPayment(replica: ClusterReplica, life: Lived): Promise<void> {
  const { body } = await replica.call('GetPaymentStatus', { payment_intent_id: life.paymentId });
  const payment = body['payment'] as Record<string, unknown>;
  const { refunded_amount: refunded } = payment;
  if (life.isRefund) {
    expect(payment).toMatchObject({
      status: 'PAYMENT_STATUS_COMPLETED',
      refunded_amount: { amount: String(refundedWon) },
    });
  } else {
    expect([payment['status'], refunded]).toEqual([
      life.status,
      life.status === 'PAYMENT_STATUS_REFUNDED' ? { amount: '120000', currency: 'KRW' } : undefined,
    ]);
  }
}

/** Cancels and refunds payments at `victim` until it has come to its point. */
async function liveUntilKilled(
  point: CrashPoint,
  victim: ClusterReplica,
  survivor: ClusterReplica,
  webhookUrl: string,
): Promise<{ readonly lived: Lived[]; readonly unanswered: number }> {
  const lived: Lived[] = [];
  let payments = 0;
  let unanswered = 0;

  async function live(nth: number): Promise<void> {
    const kind = (['cancel', 'refund', 'slow refund'] as const)[nth % 3] ?? 'cancel';
    const paymentId = await create(survivor, kind === 'slow refund', `${point} ${nth}`, webhookUrl);
    if (kind !== 'cancel') {
      await succeed(survivor, 'ProcessPayment', { payment_intent_id: paymentId });
    }
    const isRefund = kind !== 'cancel';
    const request = {
      payment_intent_id: paymentId,
      idempotency_key: `${point} ${nth}`,
      ...(isRefund && { refund_amount: { amount: refundedWon, currency: 'KRW' } }),
    };
    const answer = await victim.call('CancelPayment', request).catch(() => undefined);
    const final = answer ?? (await repeat(request));
    expect(final.httpStatus, JSON.stringify(final.body)).toBe(200);
    // Whoever asks again is told the same.
    const again = await survivor.call('CancelPayment', request);
    expect(again.body['refund_id']).toBe(final.body['refund_id']);
    const refundId = final.body['refund_id'] as string | undefined;
    lived.push({ paymentId, isRefund, refundId, status: String(again.body['status']) });
  }

  /** What a client does that does not know what became of its call. */
  async function repeat(request: Readonly<Record<string, unknown>>) {
    await victim.ended();
    unanswered += 1;
    return await survivor.call('CancelPayment', request);
  }

  async function work(): Promise<void> {
    while (victim.isUp() && payments < enough) {
      payments += 1;
      await live(payments);
    }
  }

  await Promise.all(Array.from({ length: callsAtATime }, work));
  expect(victim.isUp(), `${payments} payments, and the replica has not come to "${point}"`).toBe(false);
  return { lived, unanswered };
}

async function create(
  replica: ClusterReplica,
  isSlow: boolean,
  reservationId: string,
  webhookUrl: string,
): Promise<string> {
  const message = intentMessage({
    reservation_id: reservationId,
    webhook_url: webhookUrl,
    simulation: { delay_ms: 86_400_000, ...(isSlow && { refund: { delay_ms: 300 } }) },
  });
  return String((await succeed(replica, 'CreatePaymentIntent', message))['payment_intent_id']);
}

async function succeed(replica: ClusterReplica, method: string, message: Readonly<Record<string, unknown>>) {
  const { httpStatus, body } = await replica.call(method, message);
  expect(httpStatus, JSON.stringify(body)).toBe(200);
  return body;
}
