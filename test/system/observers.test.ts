import { expect, test } from 'vitest';
import type { DeliveryReport } from '../../src/delivery/observer.ts';
import type { PaymentReport } from '../../src/payment/observer.ts';
import { startService } from '../support/start-service.ts';
import { startWebhookReceiver } from '../support/webhook-receiver.ts';
import { createConnectCaller, createPayment } from './connect-json.ts';

/** Watches, and cannot. */
function fail(): never {
  throw new Error('a defect of who watches');
}

const local = { EVENTBRIDGE: 'off', DEFAULT_DELAY_MS: '0' };

test('an observer that throws is logged once, and payments and webhooks go on', async () => {
  const service = await startService(local, { observers: { payments: fail, deliveries: fail } });
  const receiver = await startWebhookReceiver();
  const call = createConnectCaller(service.apiUrl, 2);
  for (let payment = 0; payment < 5; payment += 1) {
    await createPayment(call, { webhook_url: receiver.url });
  }
  await receiver.waitFor(5);
  await expect.poll(() => service.metric('webhook_deliveries_total{outcome="delivered"}')).toBe(5);
  expect(service.logs('Payment processed successfully')).toHaveLength(5);
  // One for what watches payments, one for what watches deliveries.
  expect(service.logs('An observer failed; it is not told of again')).toMatchObject([
    { level: 'error', err: { message: 'a defect of who watches' } },
    { err: { message: 'a defect of who watches' } },
  ]);
});

test('what happens to a payment is told once and in its order, first to last', async () => {
  const told: string[] = [];
  const observers = {
    payments: ({ kind }: PaymentReport) => void told.push(kind),
    deliveries: ({ kind }: DeliveryReport) => void told.push(kind),
  };
  const service = await startService(local, { observers });
  const receiver = await startWebhookReceiver();
  await createPayment(createConnectCaller(service.apiUrl, 2), { webhook_url: receiver.url });
  await expect.poll(() => told.at(-1)).toBe('delivered');
  expect(told).toEqual(['created', 'changed', 'accepted', 'webhook-attempted', 'delivered']);
});
