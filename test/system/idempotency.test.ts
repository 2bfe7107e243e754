import { describe, expect, test } from 'vitest';
import { createFakeClock } from '../support/fake-clock.ts';
import { startService } from '../support/start-service.ts';
import { startWebhookReceiver } from '../support/webhook-receiver.ts';
import { createConnectCaller, createPayment, getPayment, intentMessage } from './connect-json.ts';

async function start(env: Record<string, string> = {}) {
  const clock = createFakeClock(Date.now());
  const service = await startService({ EVENTBRIDGE: 'off', SHUTDOWN_GRACE_MS: '0', ...env }, { clock });
  return { clock, service, call: createConnectCaller(service.apiUrl) };
}

const keyed = { idempotency_key: 'key-1' };

describe('CreatePaymentIntent', () => {
  test('with the same key and parameters answers the same payment', async () => {
    const { clock, service, call } = await start();
    const id = await createPayment(call, keyed);
    expect(await createPayment(call, keyed)).toBe(id);
    await clock.advance(2_000);
    const again = await call('CreatePaymentIntent', intentMessage(keyed));
    expect(again.body).toEqual({ payment_intent_id: id, status: 'PAYMENT_STATUS_PENDING' });
    expect(await getPayment(call, id)).toMatchObject({ status: 'PAYMENT_STATUS_COMPLETED' });
    expect(await service.metric('payment_intents_created_total{scenario="APPROVE"}')).toBe(1);
  });

  test.each([
    { reservation_id: 'reservation-2' },
    { amount: { amount: 120_001, currency: 'KRW' } },
    { amount: { amount: 120_000, currency: 'USD' } },
    { scenario: 'PAYMENT_SCENARIO_FAIL' },
    { webhook_url: 'http://127.0.0.1:9/' },
    { simulation: { delay_ms: 0 } },
  ])('with the same key and another parameter %o is refused', async (change) => {
    const { call } = await start();
    const id = await createPayment(call, keyed);
    const refused = await call('CreatePaymentIntent', intentMessage({ ...keyed, ...change }));
    expect(refused.httpStatus).toBe(409);
    expect(refused.body['code']).toBe('already_exists');
    expect(refused.body['message']).toContain('key-1');
    expect(await createPayment(call, keyed)).toBe(id);
  });

  test('without a key makes a new payment each time, and each user has keys of their own', async () => {
    const { call } = await start();
    const ids = [
      await createPayment(call),
      await createPayment(call),
      await createPayment(call, keyed),
      await createPayment(call, { ...keyed, user_id: 'user-2' }),
      await createPayment(call, { idempotency_key: 'key-2' }),
    ];
    expect(new Set(ids).size).toBe(5);
  });

  test('100 times at once with one key makes one payment, one settlement, one webhook', async () => {
    const { clock, service, call } = await start();
    const receiver = await startWebhookReceiver();
    const message = { ...keyed, webhook_url: receiver.url };
    const ids = await Promise.all(Array.from({ length: 100 }, () => createPayment(call, message)));
    expect(new Set(ids).size).toBe(1);
    await clock.advance(2_000);
    await receiver.waitFor(1);
    expect(await service.metric('payment_settlements_total{status="COMPLETED"}')).toBe(1);
    expect(receiver.received).toHaveLength(1);
  });

  test('a refused call does not use its key up', async () => {
    const { call } = await start({ MAX_PAYMENTS: '1' });
    const blocking = await createPayment(call);
    const refused = await call('CreatePaymentIntent', intentMessage(keyed));
    expect(refused.body['code']).toBe('resource_exhausted');
    const invalid = await call('CreatePaymentIntent', intentMessage({ ...keyed, reservation_id: '' }));
    expect(invalid.body['code']).toBe('invalid_argument');
    await call('ProcessPayment', { payment_intent_id: blocking });
    expect(await createPayment(call, keyed)).toMatch(/^pay-/);
  });

  test('a key is free again after a day', async () => {
    const { clock, call } = await start();
    const id = await createPayment(call, keyed);
    await clock.advance(86_400_000 - 1);
    expect(await createPayment(call, keyed)).toBe(id);
    await clock.advance(1);
    expect(await createPayment(call, keyed)).not.toBe(id);
  });

  test('a key is not kept longer than payments are: what it answers is always known', async () => {
    const { clock, call } = await start({ PAYMENT_TTL_MS: '60000', DEFAULT_DELAY_MS: '1000' });
    const id = await createPayment(call, keyed);
    await clock.advance(60_000 - 1);
    expect(await createPayment(call, keyed)).toBe(id);
    await clock.advance(1_001);
    expect((await call('GetPaymentStatus', { payment_intent_id: id })).body['code']).toBe('not_found');
    const next = await createPayment(call, keyed);
    expect(next).not.toBe(id);
    expect(await getPayment(call, next)).toMatchObject({ status: 'PAYMENT_STATUS_PENDING' });
  });
});

describe('ProcessPayment', () => {
  test('answers the same outcome again, with the key, with another and without one', async () => {
    const { call } = await start();
    const id = await createPayment(call);
    const answers = [];
    for (const change of [keyed, keyed, { idempotency_key: 'key-2' }, {}]) {
      answers.push(await call('ProcessPayment', { payment_intent_id: id, ...change }));
    }
    expect(answers.every((answer) => answer.httpStatus === 200)).toBe(true);
    expect(new Set(answers.map((answer) => JSON.stringify(answer.body))).size).toBe(1);
  });

  test('refuses a key that was used for another payment, and leaves that one alone', async () => {
    const { call } = await start();
    const [one, other] = [await createPayment(call), await createPayment(call)];
    expect((await call('ProcessPayment', { payment_intent_id: one, ...keyed })).httpStatus).toBe(200);
    const refused = await call('ProcessPayment', { payment_intent_id: other, ...keyed });
    expect(refused.body['code']).toBe('already_exists');
    expect(await getPayment(call, other)).toMatchObject({ status: 'PAYMENT_STATUS_PENDING' });
  });

  test('has keys apart from those of CreatePaymentIntent', async () => {
    const { call } = await start();
    const id = await createPayment(call, keyed);
    expect((await call('ProcessPayment', { payment_intent_id: id, ...keyed })).httpStatus).toBe(200);
  });
});
