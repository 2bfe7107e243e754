import { expect } from 'vitest';
import type { Cluster } from './cluster.ts';
import type { Outcomes } from './outcomes.ts';

const callsAtATime = 64;

/**
 * Checks that every acknowledged payment is settled on every replica that one asks, with one
 * transaction id, and that whatever arrived of any payment has one event id and one status.
 */
export async function checkSettledOnce(
  cluster: Cluster,
  outcomes: Outcomes,
  acknowledged: readonly string[],
): Promise<void> {
  const differing = [...outcomes.received].filter(
    ([, { eventIds, statuses }]) => eventIds.size !== 1 || statuses.size !== 1,
  );
  expect(differing).toEqual([]);
  const eventIds = new Set([...outcomes.received.values()].map((outcome) => [...outcome.eventIds][0]));
  expect(eventIds.size).toBe(outcomes.received.size);
  expect([...cluster.settlements].filter(([, transactionIds]) => transactionIds.length > 1)).toEqual([]);

  const transactionIds = new Set<unknown>();
  const wrong: unknown[] = [];
  let next = 0;
  async function ask(): Promise<void> {
    for (let nth = next; nth < acknowledged.length; nth = next) {
      next += 1;
      const paymentId = acknowledged[nth] ?? '';
      const replica = cluster.replicas[nth % cluster.replicas.length];
      const answer = await replica?.call('GetPaymentStatus', { payment_intent_id: paymentId });
      const payment = (answer?.body['payment'] ?? {}) as Record<string, unknown>;
      transactionIds.add(payment['transaction_id']);
      // A killed replica takes its last lines with it.
      const [logged = payment['transaction_id']] = cluster.settlements.get(paymentId) ?? [];
      const statuses = [...(outcomes.received.get(paymentId)?.statuses ?? [])];
      if (payment['status'] !== statuses[0] || payment['transaction_id'] !== logged) {
        wrong.push({ paymentId, answer, logged, statuses });
      }
    }
  }
  await Promise.all(Array.from({ length: callsAtATime }, ask));
  expect(wrong).toEqual([]);
  expect(transactionIds.size).toBe(acknowledged.length);
}

/** Checks that no job is left on any queue, of payments that nobody knows of either. */
export async function checkNothingPending({ replicas: [replica] }: Cluster): Promise<void> {
  const names = [
    'payment_stored{state="pending"}',
    'payment_settlements_scheduled',
    'webhook_retries_waiting',
  ];
  const left = () => Promise.all(names.map(async (name) => await replica?.metric(name)));
  await expect.poll(left, { timeout: 60_000 }).toEqual(names.map(() => 0));
}
