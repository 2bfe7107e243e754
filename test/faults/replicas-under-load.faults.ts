import { describe, expect, test } from 'vitest';
import { type ClusterReplica, startCluster } from '../support/cluster.ts';
import { missingRedis, requireRedisInCi, startRedisServer } from '../support/redis-server.ts';
import { intentMessage } from '../system/connect-json.ts';

requireRedisInCi();

const count = 5_000;
const callsAtATime = 64;

type Payment = Readonly<Record<string, unknown>>;

async function createAt(replica: ClusterReplica, nth: number): Promise<string> {
  const { httpStatus, body } = await replica.call(
    'CreatePaymentIntent',
    intentMessage({ reservation_id: `reservation-${nth}`, simulation: { delay_ms: 86_400_000 } }),
  );
  expect(httpStatus, JSON.stringify(body)).toBe(200);
  return String(body['payment_intent_id']);
}

async function statusAt(replica: ClusterReplica, paymentId: string): Promise<Payment> {
  const { httpStatus, body } = await replica.call('GetPaymentStatus', { payment_intent_id: paymentId });
  expect(httpStatus, JSON.stringify(body)).toBe(200);
  return body['payment'] as Payment;
}

describe.skipIf(missingRedis !== undefined)('three replicas on one Redis', () => {
  test(
    '5,000 payments, calls spread over all: every status is right at once',
    { timeout: 60_000 },
    async () => {
      const redis = await startRedisServer({ appendOnly: 'everysec' });
      const cluster = await startCluster(3, { env: { REDIS_URL: redis.url, EVENTBRIDGE: 'off' } });
      const at = (nth: number) => cluster.replicas[nth % 3] as ClusterReplica;
      const transactions = new Set<unknown>();

      async function pay(nth: number): Promise<void> {
        const paymentId = await createAt(at(nth), nth);
        const pending = { payment_intent_id: paymentId, reservation_id: `reservation-${nth}` };
        expect(await statusAt(at(nth + 1), paymentId)).toMatchObject({
          ...pending,
          status: 'PAYMENT_STATUS_PENDING',
        });
        if (nth % 2 === 0) {
          const { body } = await at(nth + 2).call('ProcessPayment', { payment_intent_id: paymentId });
          expect(body).toMatchObject({ payment_id: paymentId, status: 'PAYMENT_STATUS_COMPLETED' });
          const { transaction_id: transactionId } = body;
          transactions.add(transactionId);
          const settled = { ...pending, status: 'PAYMENT_STATUS_COMPLETED', transaction_id: transactionId };
          expect(await statusAt(at(nth), paymentId)).toMatchObject(settled);
        }
      }

      let next = 0;
      const work = async () => {
        while (next < count) {
          next += 1;
          await pay(next - 1);
        }
      };
      await Promise.all(Array.from({ length: callsAtATime }, work));
      expect(transactions.size).toBe(count / 2);
      expect(cluster.warnings).toEqual([]);
    },
  );
});
