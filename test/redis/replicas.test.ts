import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { missingRedis, requireRedisInCi, startRedisServer } from '../support/redis-server.ts';
import { startService } from '../support/start-service.ts';
import { startWebhookReceiver } from '../support/webhook-receiver.ts';
import { createConnectCaller, createPayment, getPayment, intentMessage } from '../system/connect-json.ts';

requireRedisInCi();

/** Two replicas on one Redis, with a caller for each. */
async function startReplicas(env: Readonly<Record<string, string>> = {}) {
  const redis = await startRedisServer();
  const variables = { REDIS_URL: redis.url, QUEUE_SHARDS: '2', SHUTDOWN_GRACE_MS: '1000', ...env };
  const [a, b] = [await startService(variables), await startService(variables)];
  return { redis, a, b, callA: createConnectCaller(a.apiUrl), callB: createConnectCaller(b.apiUrl) };
}

describe.skipIf(missingRedis !== undefined)('two replicas', () => {
  test('each knows at once what the other was told', async () => {
    const { callA, callB } = await startReplicas({ DEFAULT_DELAY_MS: '60000' });
    const ids = await Promise.all(
      Array.from({ length: 200 }, (_, i) => createPayment(i % 2 === 0 ? callA : callB)),
    );
    const payments = await Promise.all(ids.map((id, i) => getPayment(i % 2 === 0 ? callB : callA, id)));
    for (const [i, payment] of payments.entries()) {
      expect(payment).toMatchObject({ payment_intent_id: ids[i], status: 'PAYMENT_STATUS_PENDING' });
    }
    expect(await getPayment(callA, 'pay-none')).toBe('not_found');
  });

  test('each payment settles once and has one webhook, wherever it was created', async () => {
    const receiver = await startWebhookReceiver();
    const { a, b, callA, callB } = await startReplicas({ DEFAULT_DELAY_MS: '0', DEFAULT_SCENARIO: 'random' });
    const ids = await Promise.all(
      Array.from({ length: 200 }, (_, i) =>
        createPayment(i % 2 === 0 ? callA : callB, { webhook_url: receiver.url }),
      ),
    );
    const webhooks = await receiver.waitFor(200);
    expect(new Set(webhooks.map(({ body }) => body['payment_id']))).toEqual(new Set(ids));
    for (const { body } of webhooks) {
      expect(await getPayment(callA, String(body['payment_id']))).toMatchObject({ status: body['status'] });
    }
    const settled = [a, b].map((replica) => replica.logs('Payment processed successfully'));
    expect(new Set(settled.flat().map((line) => line['payment_id']))).toEqual(new Set(ids));
    expect(settled.flat()).toHaveLength(200);
    await expect.poll(() => a.metric('payment_stored{state="pending"}')).toBe(0);
    expect(receiver.received).toHaveLength(200);
  });

  test('ProcessPayment settles what the other has taken, once, and the webhook comes at once', async () => {
    const receiver = await startWebhookReceiver();
    const { a, b, callA, callB } = await startReplicas({ DEFAULT_DELAY_MS: '60000' });
    const id = await createPayment(callA, { webhook_url: receiver.url });
    const answers = await Promise.all(
      [callB, callA, callB, callA].map((call) => call('ProcessPayment', { payment_intent_id: id })),
    );
    expect(new Set(answers.map(({ body }) => body['transaction_id'])).size).toBe(1);
    expect(answers[0]?.body['status']).toBe('PAYMENT_STATUS_COMPLETED');
    await receiver.waitFor(1);
    expect([
      ...a.logs('Payment processed successfully'),
      ...b.logs('Payment processed successfully'),
    ]).toHaveLength(1);
    await expect.poll(() => a.metric('payment_settlements_scheduled')).toBe(0);
    expect(receiver.received).toHaveLength(1);
  });

  test('an idempotency key is one payment, on whichever replica it is used', async () => {
    const { a, callA, callB } = await startReplicas({ DEFAULT_DELAY_MS: '60000' });
    const message = intentMessage({ idempotency_key: 'key-1' });
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? callA : callB)('CreatePaymentIntent', message)),
    );
    expect(new Set(answers.map(({ body }) => body['payment_intent_id'])).size).toBe(1);
    expect(await a.metric('payment_stored{state="pending"}')).toBe(1);
    const other = await callB('CreatePaymentIntent', { ...message, reservation_id: 'other' });
    expect(other.body['code']).toBe('already_exists');
    const id = String(answers[0]?.body['payment_intent_id']);
    const elsewhere = await createPayment(callA);
    const processed = [
      await callB('ProcessPayment', { payment_intent_id: id, idempotency_key: 'key-2' }),
      await callA('ProcessPayment', { payment_intent_id: id, idempotency_key: 'key-2' }),
      await callA('ProcessPayment', { payment_intent_id: elsewhere, idempotency_key: 'key-2' }),
    ];
    expect(processed.map(({ httpStatus }) => httpStatus)).toEqual([200, 200, 409]);
  });

  test('a replica that stops leaves its payments to the other', async () => {
    const receiver = await startWebhookReceiver();
    const { a, callA, callB } = await startReplicas({ DEFAULT_DELAY_MS: '400' });
    const ids = await Promise.all(
      Array.from({ length: 50 }, () => createPayment(callA, { webhook_url: receiver.url })),
    );
    await a.app.stop();
    await receiver.waitFor(50);
    for (const id of ids) {
      expect(await getPayment(callB, id)).toMatchObject({ status: 'PAYMENT_STATUS_COMPLETED' });
    }
    expect(receiver.received).toHaveLength(50);
    expect(a.logs('Webhook given up')).toEqual([]);
  });

  test('a webhook that failed is tried again, by any of them', async () => {
    let failures = 0;
    const receiver = await startWebhookReceiver((response) => {
      failures += 1;
      response.writeHead(failures <= 3 ? 503 : 200).end();
    });
    const { callA } = await startReplicas({ DEFAULT_DELAY_MS: '0', WEBHOOK_RETRY_BASE_MS: '20' });
    await createPayment(callA, { webhook_url: receiver.url });
    const webhooks = await receiver.waitFor(4);
    expect(new Set(webhooks.map(({ body }) => body['event_id'])).size).toBe(1);
  });

  test('a receiver that never answers holds up neither payments nor other webhooks', async () => {
    const healthy = await startWebhookReceiver();
    const hanging = await startWebhookReceiver(() => undefined);
    // Longer than the test may take.
    const { a, callA, callB } = await startReplicas({
      DEFAULT_DELAY_MS: '0',
      WEBHOOK_TIMEOUT_MS: '60000',
      QUEUE_SHARDS: '1',
    });
    const pay = (url: string, count: number) =>
      Promise.all(
        Array.from({ length: count }, (_, i) =>
          createPayment(i % 2 === 0 ? callA : callB, { webhook_url: url }),
        ),
      );
    const stuck = await pay(hanging.url, 500);
    await hanging.waitFor(100);
    const ids = await pay(healthy.url, 100);
    const webhooks = await healthy.waitFor(100);
    expect(new Set(webhooks.map(({ body }) => body['payment_id']))).toEqual(new Set(ids));
    await expect
      .poll(async () => await Promise.all(stuck.map((id) => getPayment(callA, id))), { timeout: 20_000 })
      .toEqual(stuck.map(() => expect.objectContaining({ status: 'PAYMENT_STATUS_COMPLETED' }) as unknown));
    expect(a.logs('Webhook given up')).toEqual([]);
  });

  test('a call waits for another one with the same key, which hangs in the other, two seconds and no longer', async () => {
    const redis = await startRedisServer();
    const variables = { REDIS_URL: redis.url, SHUTDOWN_GRACE_MS: '0' };
    const hangs = Promise.withResolvers<void>();
    const a = await startService(variables, {
      wrapRedisPayments: (parts) => ({
        ...parts,
        records: {
          ...parts.records,
          register() {
            hangs.resolve();
            return new Promise(() => undefined);
          },
        },
      }),
    });
    const b = await startService(variables);
    const message = intentMessage({ idempotency_key: 'key-1' });
    const hanging = createConnectCaller(a.apiUrl)('CreatePaymentIntent', message).catch(() => undefined);
    await hangs.promise;
    const call = createConnectCaller(b.apiUrl);
    const answer = await Promise.race([
      call('CreatePaymentIntent', message),
      // The rest is for a busy machine.
      delay(6_000),
    ]);
    expect(answer?.httpStatus).toBe(200);
    expect(await createPayment(call, { idempotency_key: 'key-1' })).toBe(answer?.body['payment_intent_id']);
    await a.app.stop();
    await hanging;
  });
});
