import { Code, ConnectError, createClient, type Interceptor } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-web';
import { describe, expect, test } from 'vitest';
import { PaymentService } from '../../gen/payment/v1/payment_pb.js';
import { createGrpcSteeringClient } from '../support/clients/steering-client.ts';
import { closing, failing, intent, startSteered, type SteeredService } from '../support/steering.ts';

/* Clients that try again: what they meet is what their own retry policy makes of it. */

const unavailable = { code: 'UNAVAILABLE' };
const lostAnswer = { code: 'UNAVAILABLE', when: 'SIMULATED_ERROR_TIME_AFTER' };

/** Makes one payment, trying again while the service says UNAVAILABLE. */
type Creator = (sim: SteeredService, key: string) => Promise<void>;

const serviceConfig = JSON.stringify({
  methodConfig: [
    {
      name: [{ service: 'payment.v1.PaymentService' }],
      retryPolicy: {
        maxAttempts: 4,
        initialBackoff: '0.01s',
        maxBackoff: '0.01s',
        backoffMultiplier: 1,
        retryableStatusCodes: ['UNAVAILABLE'],
      },
    },
  ],
});

const byGrpcJs: Creator = async (sim, key) => {
  const client = closing(createGrpcSteeringClient(sim.apiUrl, { 'grpc.service_config': serviceConfig }));
  const answer = await client.call('CreatePaymentIntent', intent({ idempotency_key: key }));
  expect(answer).toMatchObject({ code: 'OK', text: '' });
};

const again: Interceptor = (next) => async (request) => {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await next(request);
    } catch (error) {
      if (attempt >= 4 || ConnectError.from(error).code !== Code.Unavailable) {
        throw error;
      }
    }
  }
};

const byConnect: Creator = async (sim, key) => {
  const transport = createConnectTransport({ baseUrl: sim.apiUrl, interceptors: [again] });
  const { paymentIntentId } = await createClient(PaymentService, transport).createPaymentIntent({
    reservationId: 'reservation-1',
    userId: 'user-1',
    amount: { amount: 120_000n, currency: 'KRW' },
    idempotencyKey: key,
  });
  expect(paymentIntentId).toMatch(/^pay-/);
};

/** How many attempts the service saw, by its own count. */
async function attempts(sim: SteeredService): Promise<number | undefined> {
  const labels =
    'grpc_type="unary",grpc_service="payment.v1.PaymentService",grpc_method="CreatePaymentIntent"';
  return await sim.metric(`grpc_server_started_total{${labels}}`);
}

describe.each([
  { name: 'grpc-js with a retry policy', create: byGrpcJs },
  { name: 'Connect with an interceptor that tries again', create: byConnect },
])('$name', ({ create }) => {
  test('meets UNAVAILABLE twice and is answered at the third attempt', async () => {
    const sim = await startSteered();
    await sim.rule(failing('', unavailable, { times: 2 }));
    await create(sim, '');
    expect(await attempts(sim)).toBe(3);
    expect(await sim.list()).toHaveLength(1);
    expect(await sim.rules()).toMatchObject([{ matched: '2' }]);
  });

  test.each([
    { key: 'key-1', payments: 1, what: 'with a key there is one payment' },
    { key: '', payments: 2, what: 'without a key there are two' },
  ])('when only the answer is lost, $what', async ({ key, payments }) => {
    const sim = await startSteered();
    await sim.rule(failing('', lostAnswer, { times: 1 }));
    await create(sim, key);
    expect(await attempts(sim)).toBe(2);
    expect(await sim.list()).toHaveLength(payments);
  });
});
