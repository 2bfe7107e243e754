import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import type { JsonObject } from '../support/clients/payment-client.ts';
import { failing, inSession, intent, type SteeredService, startSteered } from '../support/steering.ts';
import { startWebhookReceiver } from '../support/webhook-receiver.ts';

/* Waiting for what fits. Payments settle when they are told to: the simulation's clock stands still. */

const start = () => startSteered({ EVENTBRIDGE: 'off', WEBHOOK_MAX_ATTEMPTS: '1' }, { machine: systemClock });

function waitFor(sim: SteeredService, condition: JsonObject, more: JsonObject = {}, session?: string) {
  return sim.done('Await', { condition, ...more }, session);
}

test('what is there already is answered at once', async () => {
  const sim = await start();
  const id = await sim.create();
  expect(await waitFor(sim, { payments: { status: 'PAYMENT_STATUS_PENDING' } })).toMatchObject({
    met: true,
    observed: 1,
    payments: [{ payment_intent_id: id, status: 'PAYMENT_STATUS_PENDING' }],
  });
  expect(await waitFor(sim, { calls: { method: 'CreatePaymentIntent', code: 'OK' } })).toMatchObject({
    met: true,
    observed: 1,
    calls: [{ call: { method: 'CreatePaymentIntent' } }],
  });
});

test('what comes is waited for, until there is as much as is wanted', async () => {
  const sim = await start();
  const receiver = await startWebhookReceiver();
  const waiting = {
    payments: waitFor(sim, { payments: { status: 'PAYMENT_STATUS_COMPLETED' } }, { min: 2 }),
    deliveries: waitFor(sim, { deliveries: { status: 'DELIVERY_STATUS_DELIVERED' } }, { min: 2 }),
    calls: waitFor(sim, { calls: { method: 'ProcessPayment' } }, { min: 2 }),
  };
  for (let payments = 0; payments < 2; payments += 1) {
    const id = await sim.create({ webhook_url: receiver.url });
    await sim.done('ProcessPayment', { payment_intent_id: id });
  }
  for (const waited of Object.values(waiting)) {
    expect(await waited).toMatchObject({ met: true, observed: 2 });
  }
  const { deliveries } = (await waiting.deliveries) as { deliveries: JsonObject[] };
  expect(deliveries.map(({ attempts }) => attempts)).toEqual([
    [expect.objectContaining({ status_code: 200 })],
    [expect.objectContaining({ status_code: 200 })],
  ]);
});

test('says what was near when it does not come', async () => {
  const sim = await start();
  const receiver = await startWebhookReceiver((response) => response.writeHead(500).end());
  const id = await sim.create({ webhook_url: receiver.url });
  await sim.create({ user_id: 'user-2' });
  await sim.done('ProcessPayment', { payment_intent_id: id });
  await waitFor(sim, { deliveries: { status: 'DELIVERY_STATUS_GIVEN_UP' } });
  const soon = { timeout: '0s' };
  expect(await waitFor(sim, { deliveries: { status: 'DELIVERY_STATUS_DELIVERED' } }, soon)).toEqual({
    near_misses: ['1 but for status: 1 GIVEN_UP'],
  });
  expect(
    await waitFor(
      sim,
      { payments: { user_id: 'user-2', status: 'PAYMENT_STATUS_FAILED' } },
      { ...soon, min: 2 },
    ),
  ).toEqual({ near_misses: ['1 but for status: 1 PENDING', '1 differ in more than one thing'] });
  expect(await waitFor(sim, { calls: { method: 'ProcessPayment', code: 'NOT_FOUND' } }, soon)).toEqual({
    near_misses: ['1 but for code: 1 OK', '2 differ in more than one thing'],
  });
});

test('at most so many: not met as soon as there are more, met when the time is over', async () => {
  const sim = await start();
  const none = waitFor(sim, { payments: {} }, { max: 0, timeout: '60s' });
  await sim.create();
  expect(await none).toMatchObject({ observed: 1 });
  expect(await none).not.toHaveProperty('met');
  expect(await waitFor(sim, { payments: {} }, { max: 1, timeout: '0.05s' })).toMatchObject({
    met: true,
    observed: 1,
  });
  expect(await waitFor(sim, { payments: { user_id: 'nobody' } }, { max: 0, timeout: '0s' })).toMatchObject({
    met: true,
  });
});

test('of one session, of one payment whichever session it is in, and of all', async () => {
  const sim = await start();
  const id = await sim.create({}, 'a');
  await sim.create({}, 'b');
  const pending = { payments: { status: 'PAYMENT_STATUS_PENDING' } };
  const now = { timeout: '0s' };
  expect(await waitFor(sim, pending, now)).not.toHaveProperty('observed');
  expect(await waitFor(sim, pending, now, 'a')).toMatchObject({ observed: 1 });
  expect(await waitFor(sim, pending, now, '*')).toMatchObject({ observed: 2 });
  expect(await waitFor(sim, { payments: { payment_intent_id: id } }, now)).toMatchObject({ observed: 1 });
  expect(await waitFor(sim, { calls: { payment_intent_id: id } }, now)).toMatchObject({ observed: 1 });
});

test('calls by the rule that decided', async () => {
  const sim = await start();
  const rule = await sim.rule(failing('', { code: 'UNAVAILABLE' }, { times: 1 }));
  const waited = waitFor(sim, { calls: { rule_id: rule } });
  await sim.call('CreatePaymentIntent', intent());
  expect(await waited).toMatchObject({
    met: true,
    calls: [{ call: { code: 'UNAVAILABLE', rule_ids: [rule] } }],
  });
});

test('two hundred wait at the same time, each for its own', async () => {
  const sim = await start();
  const sessions = Array.from({ length: 200 }, (_, i) => `session ${i}`);
  const waiting = sessions.map((session) => waitFor(sim, { payments: {} }, { min: 2 }, session));
  await Promise.all(sessions.flatMap((session) => [sim.create({}, session), sim.create({}, session)]));
  for (const waited of waiting) {
    expect(await waited).toMatchObject({ met: true, observed: 2 });
  }
});

test('a stop ends it, and does not pass for an answer', async () => {
  const sim = await start();
  const waiting = [{ max: 0 }, { min: 1 }].map((more) =>
    sim.call('Await', { condition: { payments: {} }, timeout: '300s', ...more }),
  );
  await sim.call('GetSession', {});
  await sim.app.stop();
  for (const waited of waiting) {
    expect(await waited).toMatchObject({ code: 'UNAVAILABLE', text: 'the service is stopping' });
  }
});

test('over HTTP/1.1 it ends when its caller has gone', async () => {
  const sim = await start();
  const body = JSON.stringify({ condition: { payments: {} }, timeout: '300s' });
  const socket = connect(sim.apiPort, '127.0.0.1');
  socket.write(
    `POST /simulator.v1.SimulatorService/Await HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  );
  const handled =
    'grpc_server_handled_total{grpc_type="unary",grpc_service="simulator.v1.SimulatorService",grpc_method="Await"';
  await expect.poll(async () => await sim.metric('api_connections{protocol="http1"}')).toBeGreaterThan(0);
  socket.end();
  await expect
    .poll(async () =>
      (await (await fetch(`${sim.opsUrl}/metrics`)).text())
        .split('\n')
        .filter((line) => line.startsWith(handled) && !line.endsWith(' 0')),
    )
    .not.toEqual([]);
});

test('counts all that fit, however many they are', async () => {
  const sim = await start();
  for (let left = 1_200; left > 0; left -= 100) {
    await Promise.all(Array.from({ length: 100 }, () => sim.create()));
  }
  const now = { timeout: '0s' };
  expect(await waitFor(sim, { payments: {} }, { ...now, min: 1_200 })).toMatchObject({
    met: true,
    observed: 1_200,
  });
  expect(await waitFor(sim, { payments: {} }, { ...now, max: 1_100 })).toMatchObject({ observed: 1_200 });
});

test('a call about a payment that there is not belongs to the session that it names', async () => {
  const sim = await start();
  await sim.call('GetPaymentStatus', { payment_intent_id: 'pay-none' }, inSession('a'));
  expect(await waitFor(sim, { calls: { code: 'NOT_FOUND' } }, { timeout: '0s' }, 'a')).toMatchObject({
    observed: 1,
  });
});

test('bad requests are refused by their fields', async () => {
  const sim = await start();
  const condition = { payments: {} };
  const cases: readonly (readonly [JsonObject, string])[] = [
    [{}, 'condition'],
    [{ condition: {} }, 'condition'],
    [{ condition, min: -1 }, 'min'],
    [{ condition, max: 0, min: 1 }, 'max'],
    [{ condition, timeout: '301s' }, 'timeout'],
    [{ condition: { payments: { status: 9 } } }, 'condition.payments.status'],
    [{ condition: { deliveries: { status: 9 } } }, 'condition.deliveries.status'],
    [{ condition: { deliveries: { channel: 9 } } }, 'condition.deliveries.channel'],
    [{ condition: { deliveries: { min_attempts: -1 } } }, 'condition.deliveries.min_attempts'],
    [{ condition: { calls: { method: 'Pay' } } }, 'condition.calls.method'],
    [{ condition: { calls: { code: 99 } } }, 'condition.calls.code'],
  ];
  for (const [request, field] of cases) {
    const { code, violations } = await sim.call('Await', request, inSession('a'));
    expect([code, violations.map((each) => each.field)], field).toEqual(['INVALID_ARGUMENT', [field]]);
  }
});
