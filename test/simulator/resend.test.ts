import { expect, test } from 'vitest';
import { createJsonSteeringClient } from '../support/clients/steering-client.ts';
import type { JsonObject } from '../support/clients/payment-client.ts';
import { isGenuine, startPipeline } from '../support/delivery-pipeline.ts';
import { inSession, messageOf } from '../support/steering.ts';

/* Sending events again. */

async function start(env: Readonly<Record<string, string>> = {}) {
  const pipeline = await startPipeline({ WEBHOOK_RETRY_BASE_MS: '1', ...env });
  const { call } = createJsonSteeringClient(pipeline.service.apiUrl);
  const done = async (method: string, request: JsonObject, headers = {}) =>
    messageOf(await call(method, request, headers));
  return {
    ...pipeline,
    steer: call,
    resend: (request: JsonObject, headers = {}) => done('ResendDeliveries', request, headers),
    deliveries: async (id: string) =>
      ((await done('ListDeliveries', { payment_intent_id: id }))['deliveries'] ?? []) as JsonObject[],
  };
}

type Started = Awaited<ReturnType<typeof start>>;

/** A payment whose webhook and event have arrived. */
async function delivered(sim: Started): Promise<string> {
  const id = await sim.pay({});
  await sim.receiver.waitFor(1);
  await sim.aws.until(({ accepted }) => accepted.length === 1);
  await expect.poll(() => sim.deliveries(id)).toHaveLength(2);
  return id;
}

test('by payment: every channel again, under the same event_id, signed anew', async () => {
  const sim = await start();
  const id = await delivered(sim);
  const answer = await sim.resend({ payment_intent_id: id });
  expect(answer).toMatchObject({ total: 2 });
  const webhooks = await sim.receiver.waitFor(2);
  await sim.aws.until(({ accepted }) => accepted.length === 2);
  expect(new Set(webhooks.map(({ body }) => body['event_id'])).size).toBe(1);
  expect(new Set(sim.aws.accepted.map(({ detail }) => detail['event_id']))).toEqual(
    new Set(webhooks.map(({ body }) => body['event_id'])),
  );
  expect(webhooks.map(isGenuine)).toEqual([true, true]);
  await expect
    .poll(async () =>
      (await sim.deliveries(id)).map(({ status, attempts }) => [
        status,
        (attempts as JsonObject[]).map(({ number }) => number),
      ]),
    )
    .toEqual([
      ['DELIVERY_STATUS_DELIVERED', [1, 2]],
      ['DELIVERY_STATUS_DELIVERED', [1, 2]],
    ]);
});

test('by event, one channel, twice and forged: as a tester wants it', async () => {
  const sim = await start();
  const id = await delivered(sim);
  const [first] = await sim.deliveries(id);
  const delivery = {
    channel: 'SIMULATED_CHANNEL_WEBHOOK',
    copies: 2,
    signature: 'SIMULATED_SIGNATURE_TAMPERED',
  };
  const answer = await sim.resend({ event_id: first?.['event_id'] ?? '', simulation: { delivery } });
  expect(answer).toMatchObject({ total: 1, deliveries: [{ channel: 'SIMULATED_CHANNEL_WEBHOOK' }] });
  const webhooks = await sim.receiver.waitFor(3);
  expect(webhooks.map(isGenuine)).toEqual([true, false, false]);
  expect(sim.service.logs('Simulated delivery')).not.toEqual([]);
  expect(await sim.service.metric('webhook_deliveries_total{outcome="dead_letter_refused"}')).toBeUndefined();
  expect(sim.aws.accepted).toHaveLength(1);
});

test('all that was given up, since a time, of a session; a dry run sends nothing', async () => {
  const sim = await start({ WEBHOOK_MAX_ATTEMPTS: '1', EVENTBRIDGE: 'off', WEBHOOK_SECRET: 'new,old' });
  const before = new Date().toISOString();
  const lost = await sim.pay({});
  await expect.poll(async () => (await sim.deliveries(lost))[0]?.['status']).toBe('DELIVERY_STATUS_GIVEN_UP');
  const request = { given_up_since: before };
  expect(await sim.resend({ ...request, dry_run: true })).toMatchObject({
    total: 1,
    deliveries: [{ payment_intent_id: lost }],
  });
  expect(await sim.resend(request, inSession('other'))).toEqual({});
  expect(await sim.resend({ given_up_since: new Date(Date.now() + 60_000).toISOString() })).toEqual({});
  expect(sim.receiver.received).toHaveLength(1);
  expect(await sim.resend(request, inSession('*'))).toMatchObject({ total: 1 });
  await sim.receiver.waitFor(2);
  await expect.poll(() => sim.service.logs('Webhook given up')).toHaveLength(2);
});

test('a thousand at once', async () => {
  const sim = await start({ WEBHOOK_MAX_ATTEMPTS: '1', EVENTBRIDGE: 'off', WEBHOOK_SECRET: 'other' });
  const before = new Date().toISOString();
  const payments = 1_000;
  for (let left = payments; left > 0; left -= 100) {
    await Promise.all(Array.from({ length: 100 }, () => sim.pay({})));
  }
  await sim.receiver.waitFor(payments);
  await expect.poll(() => sim.service.logs('Webhook given up').length, { timeout: 20_000 }).toBe(payments);
  expect(await sim.resend({ given_up_since: before })).toMatchObject({ total: payments });
  const all = await sim.receiver.waitFor(2 * payments);
  expect(new Set(all.slice(payments).map(({ body }) => body['event_id'])).size).toBe(payments);
});

test('what cannot be sent again is refused, and says what to do', async () => {
  const sim = await start();
  const id = await delivered(sim);
  const refused = async (request: JsonObject) => {
    const { code, text } = await sim.steer('ResendDeliveries', request);
    return [code, text];
  };
  expect(await refused({})).toEqual(['INVALID_ARGUMENT', expect.stringContaining('which: is required')]);
  expect(await refused({ payment_intent_id: 'pay-none' })).toEqual([
    'NOT_FOUND',
    expect.stringContaining('no delivery of payment pay-none is remembered'),
  ]);
  expect(await refused({ event_id: 'evt-none' })).toEqual([
    'NOT_FOUND',
    expect.stringContaining('event evt-none'),
  ]);
  for (const [simulation, text] of [
    [{ delay_ms: 5 }, 'simulation: must have delivery, and nothing else'],
    [{ delivery: { copies: 2 }, failure_code: 'x' }, 'simulation: must have delivery, and nothing else'],
    [{ delivery: { drop: true } }, 'simulation.delivery.drop: contradicts sending it again'],
    [{ delivery: { hold_until_next_event: true } }, 'simulation.delivery.hold_until_next_event: contradicts'],
    [{ delivery: { copies: 99 } }, 'simulation.delivery.copies: must be'],
  ] as const) {
    expect(await refused({ payment_intent_id: id, simulation })).toEqual([
      'INVALID_ARGUMENT',
      expect.stringContaining(text),
    ]);
  }
  expect(sim.receiver.received).toHaveLength(1);
});
