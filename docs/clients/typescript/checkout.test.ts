// A test of a service that pays through a gateway, with the real simulator inside the test's process.
// Run: npm install --save-dev payment-sim, then node --test checkout.test.ts
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { type PaymentSim, type PaymentWebhook, startPaymentSim, verifyWebhook } from 'payment-sim';
import { BadRequestSchema, PaymentScenario, PaymentService, PaymentStatus } from 'payment-sim/gen';

let sim: PaymentSim;
/** What the shop under test has been told. */
const received: PaymentWebhook[] = [];
const shop = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    received.push(
      verifyWebhook({
        body: Buffer.concat(chunks),
        headers: request.headers,
        secret: sim.webhookSecret,
      }),
    );
    response.writeHead(204).end();
  });
});

before(async () => {
  sim = await startPaymentSim({ variables: { DEFAULT_DELAY_MS: 50 } });
  await once(shop.listen(0, '127.0.0.1'), 'listening');
});
after(async () => {
  await sim.stop();
  shop.close();
});

function shopUrl(): string {
  const address = shop.address();
  assert(typeof address === 'object' && address !== null);
  return `http://127.0.0.1:${address.port}/webhooks`;
}

void test('a payment is pending, then completed, and the shop is told', async () => {
  const payments = createClient(PaymentService, createGrpcTransport({ baseUrl: sim.apiUrl }));
  const { paymentIntentId, status } = await payments.createPaymentIntent({
    reservationId: 'reservation-1',
    userId: 'user-1',
    amount: { amount: 120_000n, currency: 'KRW' },
    scenario: PaymentScenario.APPROVE,
    webhookUrl: shopUrl(),
  });
  assert.equal(status, PaymentStatus.PENDING);

  const settled = await sim.waitForSettlement(paymentIntentId);
  assert.equal(settled.status, 'COMPLETED');
  const webhook = await sim.waitForWebhook(paymentIntentId);
  assert.deepEqual([webhook.outcome, webhook.attempts, webhook.statusCode], ['delivered', 1, 204]);
  assert.equal(received[0]?.payment_id, paymentIntentId);
  assert.equal(received[0]?.status, 'PAYMENT_STATUS_COMPLETED');
});

void test('a request that is wrong names its fields', async () => {
  const payments = createClient(PaymentService, createGrpcTransport({ baseUrl: sim.apiUrl }));
  await assert.rejects(payments.createPaymentIntent({ reservationId: 'reservation-1' }), (error) => {
    assert(error instanceof ConnectError);
    assert.equal(error.code, Code.InvalidArgument);
    const [badRequest] = error.findDetails(BadRequestSchema);
    assert.deepEqual(
      badRequest?.fieldViolations.map(({ field }) => field),
      ['user_id', 'amount'],
    );
    return true;
  });
});
