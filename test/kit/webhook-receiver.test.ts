import express from 'express';
import { fastify } from 'fastify';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { createWebhookReceiver, type PaymentWebhook, startPaymentSim } from '../../src/index.ts';

/* Receiving webhooks in one line, with a simulator that sends them. */

async function startSim(variables = {}) {
  const sim = await startPaymentSim({
    variables: { DEFAULT_DELAY_MS: 0, WEBHOOK_RETRY_BASE_MS: 1, WEBHOOK_MAX_ATTEMPTS: 3, ...variables },
  });
  onTestFinished(() => sim.stop());
  return sim;
}

async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhooks`;
}

type Sim = Awaited<ReturnType<typeof startSim>>;

async function pay({ client }: Sim, webhookUrl: string, simulation = {}): Promise<string> {
  const { paymentIntentId } = await client.createPaymentIntent({
    reservationId: 'reservation-1',
    userId: 'user-1',
    amount: { amount: 120_000n, currency: 'KRW' },
    webhookUrl,
    simulation,
  });
  return paymentIntentId;
}

/** What was handled, and a receiver that has handled it. */
function receiving(
  secret: string | readonly string[],
  onWebhook: (webhook: PaymentWebhook) => void = () => undefined,
) {
  const handled: PaymentWebhook[] = [];
  const errors: unknown[] = [];
  const receiver = createWebhookReceiver({
    secret,
    onWebhook(webhook) {
      handled.push(webhook);
      onWebhook(webhook);
    },
    onError: (error) => void errors.push(error),
  });
  return { handled, errors, receiver };
}

test.each(['node:http', 'Express', 'Fastify'])('with %s', async (framework) => {
  const sim = await startSim();
  const { handled, receiver } = receiving(sim.webhookSecret);
  const urlOf = {
    'node:http': () => listen(receiver),
    Express: () => listen(express().post('/webhooks', receiver)),
    Fastify: async () => {
      const app = fastify();
      app.register(receiver.fastify, { path: '/webhooks' });
      // JSON is parsed elsewhere as it was.
      app.post('/json', (request, reply) => reply.send(request.body));
      onTestFinished(() => app.close());
      const origin = await app.listen({ host: '127.0.0.1', port: 0 });
      const parsed = await app.inject({ method: 'POST', url: '/json', payload: { a: 1 } });
      expect(parsed.json()).toEqual({ a: 1 });
      return `${origin}/webhooks`;
    },
  };
  const id = await pay(sim, await urlOf[framework as keyof typeof urlOf]());
  expect(await sim.waitForWebhook(id)).toMatchObject({ outcome: 'delivered', statusCode: 204 });
  expect(handled.map((webhook) => [webhook.payment_id, webhook.status])).toEqual([
    [id, 'PAYMENT_STATUS_COMPLETED'],
  ]);
});

test('an event that comes twice is handled once, and taken twice', async () => {
  const sim = await startSim();
  const { handled, receiver } = receiving(sim.webhookSecret);
  const id = await pay(sim, await listen(receiver), { delivery: { copies: 3 } });
  await sim.await({
    condition: { what: { case: 'deliveries', value: { paymentIntentId: id, minAttempts: 3 } } },
  });
  const [delivery] = await sim.deliveries({ paymentIntentId: id });
  expect(delivery?.attempts.map(({ statusCode }) => statusCode)).toEqual([204, 204, 204]);
  expect(handled).toHaveLength(1);
});

test('one that does not verify is refused, with the reason', async () => {
  const sim = await startSim();
  const { handled, errors, receiver } = receiving('another secret');
  const id = await pay(sim, await listen(receiver));
  const webhook = await sim.waitForWebhook(id);
  expect(webhook).toMatchObject({ outcome: 'given_up', statusCode: 401 });
  expect(webhook.error).toContain('SignatureMismatch');
  expect([handled.length, errors.length]).toEqual([0, 3]);
});

test('what could not be handled comes again', async () => {
  const sim = await startSim();
  let failures = 1;
  const { handled, receiver } = receiving(sim.webhookSecret, () => {
    failures -= 1;
    if (failures >= 0) {
      throw new Error('the database is away');
    }
  });
  const id = await pay(sim, await listen(receiver));
  expect(await sim.waitForWebhook(id)).toMatchObject({ outcome: 'delivered', attempts: 2 });
  expect(handled).toHaveLength(2);
});

test('a body that was parsed before is refused with what to do', async () => {
  const sim = await startSim({ WEBHOOK_MAX_ATTEMPTS: 1 });
  const { receiver } = receiving(sim.webhookSecret);
  const id = await pay(sim, await listen(express().use(express.json()).post('/webhooks', receiver)));
  const { error = '' } = await sim.waitForWebhook(id);
  expect(error).toContain('500 Internal Server Error: pass the raw body');
});

test('a body that is too long is refused, and a secret that cannot be used at once', async () => {
  const url = await listen(receiving('secret').receiver);
  const { status } = await fetch(url, { method: 'POST', body: 'x'.repeat(70_000) });
  expect(status).toBe(413);
  expect(() => receiving('whsec_!')).toThrow(TypeError);
});
