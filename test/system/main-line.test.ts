import { createHmac } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { expect, test } from 'vitest';
import { createFakeClock } from '../support/fake-clock.ts';
import { startService } from '../support/start-service.ts';
import { startWebhookReceiver } from '../support/webhook-receiver.ts';

const secret = 'a-secret-for-this-test';

test('an intent answers PENDING, settles after its delay, and its webhook can be verified', async () => {
  const clock = createFakeClock(Date.now());
  const service = await startService({ WEBHOOK_SECRET: secret }, { clock, machine: clock });
  const receiver = await startWebhookReceiver();

  const created = await call(service.apiUrl, 'CreatePaymentIntent', {
    reservation_id: 'reservation-1',
    user_id: 'user-1',
    amount: { amount: 120_000, currency: 'KRW' },
    webhook_url: receiver.url,
  });
  expect(created['status']).toBe('PAYMENT_STATUS_PENDING');
  const paymentId = created['payment_intent_id'];
  expect(paymentId).toMatch(/^pay-[0-9a-f-]{36}$/);

  await clock.advance(1_999);
  expect(await statusOf(service.apiUrl, paymentId)).toBe('PAYMENT_STATUS_PENDING');
  await clock.advance(1);
  expect(await statusOf(service.apiUrl, paymentId)).toBe('PAYMENT_STATUS_COMPLETED');

  const [webhook] = await receiver.waitFor(1);
  expect(webhook?.body).toEqual({
    payment_id: paymentId,
    reservation_id: 'reservation-1',
    status: 'PAYMENT_STATUS_COMPLETED',
    amount: 120_000,
    currency: 'KRW',
    timestamp: Math.floor(clock.now() / 1000),
    event_type: 'payment.status_updated',
    event_id: expect.stringMatching(/^evt-[0-9a-f-]{36}$/) as string,
    sequence: 1,
    transaction_id: expect.stringMatching(/^txn-[0-9a-f-]{36}$/) as string,
  });
  const rawBody = webhook?.rawBody ?? Buffer.alloc(0);
  const headers = webhook?.headers as Record<string, string>;
  expect(headers['content-type']).toBe('application/json');
  expect(headers['user-agent']).toBe('PaymentSim/1.0');
  expect(headers['webhook-id']).toBe(webhook?.body['event_id']);
  expect(headers['x-webhook-signature']).toBe(
    `sha256=${createHmac('sha256', secret).update(rawBody).digest('hex')}`,
  );
  const verifier = new Webhook(secret, { format: 'raw' });
  expect(verifier.verify(rawBody.toString('utf8'), headers)).toEqual(webhook?.body);
});

async function call(apiUrl: string, method: string, body: unknown): Promise<Record<string, unknown>> {
  const response = await fetch(`${apiUrl}/payment.v1.PaymentService/${method}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return (await response.json()) as Record<string, unknown>;
}

async function statusOf(apiUrl: string, paymentId: unknown): Promise<unknown> {
  const { payment } = await call(apiUrl, 'GetPaymentStatus', { payment_intent_id: paymentId });
  return (payment as Record<string, unknown>)['status'];
}
