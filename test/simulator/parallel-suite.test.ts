import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import type { JsonObject } from '../support/clients/payment-client.ts';
import { createGrpcSteeringClient } from '../support/clients/steering-client.ts';
import { startService } from '../support/start-service.ts';
import { closing, describeOutcome, steeringOf } from '../support/steering.ts';
import { startWebhookReceiver } from '../support/webhook-receiver.ts';

/* What a team's suite does, over gRPC: two hundred tests at once, none of which waits for a time to pass. */

const count = 200;
type Sim = ReturnType<typeof steeringOf>;

test.each([1, 2, 3])('200 tests at once pay, are told, and refund (suite %i)', async () => {
  const [service, receiver] = await Promise.all([startService(), startWebhookReceiver()]);
  const sim = steeringOf(closing(createGrpcSteeringClient(service.apiUrl)));
  const beganMs = performance.now();
  const sessions = await Promise.all(
    Array.from({ length: count }, async () => await runTest(sim, receiver.url)),
  );
  console.log(`${count} tests at once in ${((performance.now() - beganMs) / 1_000).toFixed(1)} s`);
  // Each has had its own two webhooks, in their order, and nobody else's.
  for (const { session, id } of sessions) {
    const told = receiver.received.filter(({ headers }) => headers['payment-sim-session'] === session);
    expect(told.map(({ body }) => [body['payment_id'], body['status'], body['sequence']])).toEqual([
      [id, 'PAYMENT_STATUS_COMPLETED', 1],
      [id, 'PAYMENT_STATUS_REFUNDED', 2],
    ]);
  }
  expect(receiver.received).toHaveLength(2 * count);
});

async function runTest(sim: Sim, webhookUrl: string) {
  const session = `test-${randomUUID()}`;
  await sim.done('UpdateSession', { session: { manual_clock: true } }, session);
  const id = await sim.create({ webhook_url: webhookUrl }, session);
  expect(describeOutcome(await sim.payment(id))).toBe('PENDING');
  const settled = await sim.done('AdvanceClock', { by: { seconds: '2' } }, session);
  expect(deliveredOf(settled['deliveries'])).toEqual(['PAYMENT_STATUS_COMPLETED']);
  expect(describeOutcome(await sim.payment(id))).toBe('COMPLETED');
  await sim.done('CancelPayment', { payment_intent_id: id });
  const deliveries = { payment_intent_id: id, status: 'DELIVERY_STATUS_DELIVERED' };
  expect(await sim.done('Await', { condition: { deliveries }, min: 2 }, session)).toMatchObject({
    met: true,
  });
  expect(describeOutcome(await sim.payment(id))).toBe('REFUNDED');
  const { payments } = await sim.done('ResetSession', {}, session);
  expect(payments).toBe(1);
  return { session, id };
}

/** What was told and taken. */
function deliveredOf(entries: unknown): readonly unknown[] {
  return (entries as { readonly delivery: JsonObject }[])
    .map(({ delivery }) => delivery)
    .filter(({ status }) => status === 'DELIVERY_STATUS_DELIVERED')
    .map(({ payment_status: status }) => status);
}
