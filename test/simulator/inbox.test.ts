import { request } from 'node:http';
import { describe, expect, test } from 'vitest';
import { DeliveryStatus, SimulatedSignature } from '../../src/contract.ts';
import { startPaymentSim } from '../../src/index.ts';
import { startService } from '../support/start-service.ts';
import { onTestFinished } from 'vitest';

/* The built-in receiver: for who has none. */

async function startSim(variables = {}) {
  const sim = await startPaymentSim({
    variables: { DEFAULT_DELAY_MS: 0, WEBHOOK_RETRY_BASE_MS: 1, ...variables },
  });
  onTestFinished(() => sim.stop());
  const pay = async (session: Pick<typeof sim, 'client'> = sim, webhookUrl = sim.inboxUrl) => {
    const { paymentIntentId } = await session.client.createPaymentIntent({
      reservationId: 'reservation-1',
      userId: 'user-1',
      amount: { amount: 120_000n, currency: 'KRW' },
      webhookUrl,
    });
    return paymentIntentId;
  };
  return { sim, pay };
}

function post(url: string, body: string | Buffer, headers: Record<string, string> = {}) {
  return fetch(url, { method: 'POST', body, headers });
}

test('the webhook of a payment arrives, and verifies', async () => {
  const { sim, pay } = await startSim();
  expect(await sim.received()).toEqual([]);
  const id = await pay();
  await sim.waitForWebhook(id);
  const { webhooks, total, address } = await sim.simulator.listReceived({});
  expect([total, address]).toEqual([1n, sim.inboxUrl]);
  const [webhook] = webhooks;
  expect(webhook).toMatchObject({
    number: 1n,
    path: '/inbox',
    verified: true,
    problem: '',
    paymentIntentId: id,
    sessionId: '',
    statusCode: 204,
  });
  expect(webhook?.headers).toMatchObject({
    'content-type': 'application/json',
    'webhook-id': webhook?.eventId,
  });
  expect(webhook?.headers).not.toHaveProperty('connection');
  expect(JSON.parse(webhook?.body ?? '')).toMatchObject({ payment_id: id, event_id: webhook?.eventId });
});

test('a forged one is refused, kept, and told apart', async () => {
  const { sim, pay } = await startSim();
  await sim.rule({ simulation: { delivery: { signature: SimulatedSignature.WRONG_SECRET } } });
  const id = await pay();
  await sim.await({
    condition: {
      what: { case: 'deliveries', value: { paymentIntentId: id, status: DeliveryStatus.SIMULATED } },
    },
  });
  expect(await sim.received()).toMatchObject([
    { verified: false, problem: expect.stringMatching(/signature/), statusCode: 401, paymentIntentId: id },
  ]);
});

test('it answers what the address asks for, so attempts are repeated', async () => {
  const { sim, pay } = await startSim({ WEBHOOK_MAX_ATTEMPTS: 3 });
  const id = await pay(sim, `${sim.inboxUrl}/orders?answer=503`);
  await sim.waitForWebhook(id);
  const received = await sim.received();
  expect(
    received.map(({ statusCode, verified, number, path }) => [statusCode, verified, number, path]),
  ).toEqual([
    [503, true, 3n, '/inbox/orders?answer=503'],
    [503, true, 2n, '/inbox/orders?answer=503'],
    [503, true, 1n, '/inbox/orders?answer=503'],
  ]);
});

test('each session has its own, and a reset takes them away', async () => {
  const { sim, pay } = await startSim();
  const [one, two] = [sim.session('one'), sim.session('two')];
  const ids = [await pay(one), await pay(two), await pay()];
  for (const id of ids) {
    await sim.waitForWebhook(id);
  }
  const idsOf = async (session: Pick<typeof sim, 'received'>, filter = {}) =>
    (await session.received(filter)).map(({ paymentIntentId }) => paymentIntentId);
  expect([await idsOf(one), await idsOf(two), await idsOf(sim)]).toEqual(ids.map((id) => [id]));
  expect(await idsOf(sim, { paymentIntentId: ids[0] })).toEqual([ids[0]]);
  const headers = { 'payment-sim-session': '*' };
  const all = await sim.simulator.listReceived({ pageSize: 2 }, { headers });
  expect([all.webhooks.length, all.total]).toEqual([2, 3n]);
  await one.reset();
  expect([await idsOf(one), await idsOf(two)]).toEqual([[], [ids[1]]]);
  await sim.resetAll();
  expect((await sim.simulator.listReceived({}, { headers })).total).toBe(0n);
});

describe('whatever is posted', () => {
  test('is kept as text, and what is secret is not shown', async () => {
    const { sim } = await startSim();
    const binary = Buffer.from([0xff, 0xfe, 0x00, 0x41]);
    expect((await post(sim.inboxUrl, binary)).status).toBe(401);
    expect((await post(sim.inboxUrl, '')).status).toBe(401);
    const secret = { authorization: 'Bearer s3cret', cookie: 'a=s3cret', 'x-other': 'shown' };
    expect((await post(sim.inboxUrl, '{"event_id":7,"payment_id":{}}', secret)).status).toBe(401);
    const received = await sim.received();
    expect(received.map(({ body }) => body)).toEqual([
      '{"event_id":7,"payment_id":{}}',
      '',
      '\ufffd\ufffd\0A',
    ]);
    expect(received[0]?.headers).toMatchObject({ authorization: '(not shown)', 'x-other': 'shown' });
    expect(JSON.stringify(received[0]?.headers)).not.toContain('s3cret');
  });

  test.each([
    ['GET', '/inbox', 200],
    ['HEAD', '/inbox/a', 200],
    ['PUT', '/inbox', 405],
    ['DELETE', '/inbox', 405],
    ['POST', '/inbox?answer=99', 400],
    ['POST', '/inbox?answer=abc', 400],
    ['POST', '/inbox?answer=418', 418],
    ['POST', '/inbox/', 401],
    ['POST', `/inbox/${'a'.repeat(129)}`, 501],
    ['POST', '/inboxes', 501],
  ])('%s %s is answered %i, and the connection serves on', async (method, path, status) => {
    const { apiUrl } = await startService({ SHUTDOWN_GRACE_MS: '0' });
    const answer = await fetch(`${apiUrl}${path}`, { method });
    await answer.arrayBuffer();
    expect(answer.status).toBe(status);
    expect((await fetch(`${apiUrl}/healthz`)).status).toBe(200);
  });

  test('a body that is too large is refused while it comes', async () => {
    const { sim } = await startSim();
    expect((await post(sim.inboxUrl, 'a'.repeat(65_536))).status).toBe(401);
    expect((await post(sim.inboxUrl, 'a'.repeat(65_537))).status).toBe(413);
    const status = await new Promise((resolve) => {
      const endless = request(sim.inboxUrl, { method: 'POST' }, ({ statusCode }) => resolve(statusCode));
      endless.on('error', () => undefined);
      endless.write('a'.repeat(100_000));
      onTestFinished(() => void endless.destroy());
    });
    expect(status).toBe(413);
    expect(await sim.received()).toHaveLength(1);
  });

  test('an answer is never more than clients of gRPC take', async () => {
    const { sim } = await startSim();
    for (let sent = 0; sent < 40; sent += 1) {
      await post(sim.inboxUrl, 'a'.repeat(65_000));
    }
    const { webhooks, total } = await sim.simulator.listReceived({ pageSize: 1_000 });
    expect([webhooks.length, total]).toEqual([8, 40n]);
  });

  test('no more is remembered than a thousand', async () => {
    const { sim } = await startSim();
    for (let sent = 0; sent < 1_050; sent += 50) {
      await Promise.all(Array.from({ length: 50 }, () => post(`${sim.inboxUrl}?answer=200`, 'x')));
    }
    const received = await sim.received();
    expect([received.length, received[0]?.number]).toEqual([1_000, 1_050n]);
  });
});

test('it is not there where nobody may steer', async () => {
  const { apiUrl } = await startService({ SHUTDOWN_GRACE_MS: '0', SIMULATOR_API: 'off' });
  expect([(await post(`${apiUrl}/inbox`, '')).status, (await fetch(`${apiUrl}/inbox`)).status]).toEqual([
    501, 501,
  ]);
});
