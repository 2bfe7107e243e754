import { expect, test } from 'vitest';
import type { JsonObject } from '../support/clients/payment-client.ts';
import { createJsonSteeringClient } from '../support/clients/steering-client.ts';
import { startAwsStandIn } from '../support/aws-stand-in.ts';
import { startService } from '../support/start-service.ts';
import { steeringOf } from '../support/steering.ts';
import { startWebhookReceiver } from '../support/webhook-receiver.ts';

/* Sessions whose time a tester moves. */

const defaultDelayMs = 2_000;

async function start(env: Readonly<Record<string, string>> = {}) {
  const service = await startService({ EVENTBRIDGE: 'off', ...env });
  const sim = steeringOf(createJsonSteeringClient(service.apiUrl));
  return {
    ...service,
    ...sim,
    /** A session whose clock stands still, and its time. */
    async still(session: string, settings: JsonObject = {}): Promise<number> {
      const updated = await sim.done(
        'UpdateSession',
        { session: { manual_clock: true, ...settings } },
        session,
      );
      return timeOf(updated['session'] as JsonObject, 'now');
    },
    async advance(how: JsonObject, session: string) {
      const answer = await sim.done('AdvanceClock', how, session);
      return {
        nowMs: timeOf(answer, 'now'),
        transitions: ((answer['transitions'] ?? []) as JsonObject[]).map(
          ({ transition }) => (transition as JsonObject)['payment'] as JsonObject,
        ),
        deliveries: ((answer['deliveries'] ?? []) as JsonObject[]).map(
          ({ delivery }) => delivery as JsonObject,
        ),
      };
    },
  };
}

function timeOf(message: JsonObject, field: string): number {
  return Date.parse(message[field] as string);
}

const shortStatus = ({ status }: JsonObject) => (status as string).replace(/^(PAYMENT|DELIVERY)_STATUS_/, '');

test('nothing settles until the clock is moved that far, and then by its time, with its webhook', async () => {
  const sim = await start();
  const receiver = await startWebhookReceiver();
  const startedAtMs = await sim.still('a');
  const id = await sim.create({ webhook_url: receiver.url }, 'a');
  const before = await sim.advance({ by: `${(defaultDelayMs - 1) / 1000}s` }, 'a');
  expect(before).toEqual({ nowMs: startedAtMs + defaultDelayMs - 1, transitions: [], deliveries: [] });
  expect(shortStatus(await sim.payment(id))).toBe('PENDING');
  const after = await sim.advance({ by: '0.001s' }, 'a');
  expect(after.nowMs).toBe(startedAtMs + defaultDelayMs);
  expect(after.transitions.map(shortStatus)).toEqual(['COMPLETED']);
  expect(after.deliveries.map(shortStatus)).toEqual(['WAITING', 'DELIVERED']);
  // Before the call was answered.
  expect(receiver.received.map(({ body }) => body['payment_id'])).toEqual([id]);
  const payment = await sim.payment(id);
  expect(timeOf(payment, 'created_at')).toBe(startedAtMs);
  expect(timeOf(payment, 'processed_at')).toBe(startedAtMs + defaultDelayMs);
  // Receivers check this one.
  expect(Math.abs(Number(receiver.received[0]?.body['timestamp']) * 1000 - Date.now())).toBeLessThan(60_000);
});

test('other sessions do not notice', async () => {
  const sim = await start({ DEFAULT_DELAY_MS: '0' });
  await sim.still('a');
  await sim.still('b');
  const ids = [
    await sim.create({}, 'a'),
    await sim.create({}, 'b'),
    await sim.create({}, 'c'),
    await sim.create(),
  ];
  await sim.advance({ by: '86400s' }, 'a');
  await expect.poll(async () => shortStatus(await sim.payment(ids[3] ?? ''))).toBe('COMPLETED');
  const statuses = await Promise.all(ids.map(async (id) => shortStatus(await sim.payment(id))));
  expect(statuses).toEqual(['COMPLETED', 'PENDING', 'COMPLETED', 'COMPLETED']);
  const times = await Promise.all(
    ['c', ''].map(async (session) => sim.done('GetSession', {}, session || undefined)),
  );
  expect(times.map(({ session }) => (session as JsonObject)['now'])).toEqual([undefined, undefined]);
});

test('a day of retries passes at once, each attempt at its time', async () => {
  const sim = await start({
    WEBHOOK_MAX_ATTEMPTS: '6',
    WEBHOOK_RETRY_BASE_MS: '60000',
    WEBHOOK_RETRY_MAX_MS: '3600000',
  });
  const receiver = await startWebhookReceiver((response) => response.writeHead(500).end());
  const startedAtMs = await sim.still('a');
  const id = await sim.create({ webhook_url: receiver.url, simulation: { delay_ms: 0 } }, 'a');
  const { deliveries, nowMs } = await sim.advance({ by: '86400s' }, 'a');
  expect(nowMs).toBe(startedAtMs + 86_400_000);
  expect(
    deliveries.flatMap(({ attempts = [] }) => attempts as JsonObject[]).map(({ number }) => number),
  ).toEqual([1, 2, 3, 4, 5, 6]);
  expect(deliveries.map(shortStatus).at(-1)).toBe('GIVEN_UP');
  const waits = deliveries.flatMap((each) =>
    each['next_attempt_at'] === undefined ? [] : [timeOf(each, 'next_attempt_at')],
  );
  expect(waits).toHaveLength(5);
  expect(waits.map((at) => at - startedAtMs)).toEqual(
    waits.map((at) => at - startedAtMs).toSorted((a, b) => a - b),
  );
  expect((waits[0] ?? 0) - startedAtMs).toBeGreaterThanOrEqual(48_000);
  expect(receiver.received).toHaveLength(6);
  const { deliveries: [listed] = [] } = (await sim.done('ListDeliveries', { payment_intent_id: id })) as {
    deliveries?: JsonObject[];
  };
  expect(listed?.['attempts']).toHaveLength(6);
});

test('to the next thing, until there is nothing, and to a time', async () => {
  const sim = await start({ PAYMENT_EXPIRY_MS: '600000' });
  const startedAtMs = await sim.still('a');
  const times = [30_000, 10_000, 20_000];
  for (const delay of times) {
    await sim.create({ simulation: { delay_ms: delay } }, 'a');
  }
  await sim.create({ simulation: { outcome: 'SIMULATED_OUTCOME_EXPIRE' } }, 'a');
  const held = await sim.create({ simulation: { outcome: 'SIMULATED_OUTCOME_HOLD' } }, 'a');
  const first = await sim.advance({ to_next: true }, 'a');
  expect([first.nowMs - startedAtMs, first.transitions.map(shortStatus)]).toEqual([10_000, ['COMPLETED']]);
  const to = new Date(startedAtMs + 25_000).toISOString();
  expect((await sim.advance({ to }, 'a')).transitions).toHaveLength(1);
  const rest = await sim.advance({ until_idle: true }, 'a');
  expect(rest.transitions.map(shortStatus)).toEqual(['COMPLETED', 'EXPIRED']);
  expect(rest.nowMs - startedAtMs).toBe(600_000);
  expect(shortStatus(await sim.payment(held))).toBe('PENDING');
  expect((await sim.advance({ to_next: true }, 'a')).transitions).toEqual([]);
});

test('refunds, delayed deliveries and delayed outcomes go by it, in order of time', async () => {
  const sim = await start();
  const receiver = await startWebhookReceiver();
  await sim.still('a');
  const refunded = await sim.create(
    { webhook_url: receiver.url, simulation: { delay_ms: 0, refund: { delay_ms: 7_000 } } },
    'a',
  );
  const late = await sim.create(
    { webhook_url: receiver.url, simulation: { delay_ms: 1_000, delivery: { delay_ms: 5_000 } } },
    'a',
  );
  const simulated = await sim.create({ webhook_url: receiver.url, simulation: { delay_ms: 60_000 } }, 'a');
  await sim.done('SimulateWebhook', {
    payment_intent_id: simulated,
    target_status: 'PAYMENT_STATUS_FAILED',
    delay_seconds: 2,
  });
  await sim.advance({ to_next: true }, 'a');
  await sim.done('CancelPayment', { payment_intent_id: refunded });
  await sim.advance({ by: '10s' }, 'a');
  expect(receiver.received.map(({ body }) => [body['payment_id'], body['status'], body['sequence']])).toEqual(
    [
      [refunded, 'PAYMENT_STATUS_COMPLETED', 1],
      [simulated, 'PAYMENT_STATUS_FAILED', 1],
      [late, 'PAYMENT_STATUS_COMPLETED', 1],
      [refunded, 'PAYMENT_STATUS_REFUNDED', 2],
    ],
  );
});

test('the first attempt by EventBridge is waited for too', async () => {
  const aws = await startAwsStandIn();
  const sim = await start({
    EVENTBRIDGE: 'on',
    AWS_ENDPOINT_URL_EVENTBRIDGE: aws.url,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
  });
  await expect.poll(async () => (await fetch(`${sim.opsUrl}/readyz`)).status).toBe(200);
  await sim.still('a');
  const id = await sim.create({}, 'a');
  const { deliveries } = await sim.advance({ by: '2s' }, 'a');
  expect(aws.accepted.map(({ detail }) => detail['payment_id'])).toEqual([id]);
  expect(deliveries.map(({ channel, status }) => [channel, status])).toEqual([
    ['SIMULATED_CHANNEL_EVENTBRIDGE', 'DELIVERY_STATUS_DELIVERED'],
  ]);
});

test('a dead receiver of one session opens no circuit for another', async () => {
  const sim = await start({ WEBHOOK_MAX_ATTEMPTS: '20', WEBHOOK_RETRY_BASE_MS: '1000' });
  let isBroken = true;
  const receiver = await startWebhookReceiver((response) => response.writeHead(isBroken ? 503 : 204).end());
  await sim.still('a');
  await sim.create({ webhook_url: receiver.url }, 'a');
  await sim.advance({ by: '600s' }, 'a');
  expect(sim.logs('Webhook circuit opened').length + receiver.received.length).toBeGreaterThan(5);
  isBroken = false;
  const before = receiver.received.length;
  const other = await sim.create({ webhook_url: receiver.url, simulation: { delay_ms: 0 } });
  expect((await receiver.waitFor(before + 1)).at(-1)?.body['payment_id']).toBe(other);
});

test('when the clock is taken away, or the session reset, what waits goes by the time of all', async () => {
  const sim = await start();
  const receiver = await startWebhookReceiver();
  await sim.still('a');
  const id = await sim.create({ webhook_url: receiver.url, simulation: { delay_ms: 50 } }, 'a');
  await sim.done('UpdateSession', { session: {} }, 'a');
  expect((await receiver.waitFor(1))[0]?.body['payment_id']).toBe(id);
  await sim.still('b');
  const late = await sim.create(
    { webhook_url: receiver.url, simulation: { delay_ms: 0, delivery: { delay_ms: 30 } } },
    'b',
  );
  await sim.advance({ to_next: true }, 'b');
  await sim.done('ResetSession', {}, 'b');
  // Accepted before the reset: it is not lost.
  expect((await receiver.waitFor(2))[1]?.body['payment_id']).toBe(late);
  expect((await sim.call('AdvanceClock', { by: '1s' }, { 'payment-sim-session': 'b' })).code).toBe(
    'FAILED_PRECONDITION',
  );
});

test('a stop does not wait for a clock that stands still', async () => {
  const sim = await start({ SHUTDOWN_GRACE_MS: '5000' });
  const receiver = await startWebhookReceiver();
  await sim.still('a');
  const id = await sim.create({ webhook_url: receiver.url }, 'a');
  await sim.app.stop();
  expect(receiver.received.map(({ body }) => body['payment_id'])).toEqual([id]);
});

test('what cannot be is refused, and says why', async () => {
  const sim = await start();
  const refused = async (method: string, request: JsonObject, session = 'a') => {
    const { code, text } = await sim.call(method, request, { 'payment-sim-session': session });
    return [code, text];
  };
  expect(await refused('AdvanceClock', { by: '1s' })).toEqual([
    'FAILED_PRECONDITION',
    'the session has no clock that can be moved; UpdateSession with manual_clock gives it one',
  ]);
  const nowMs = await sim.still('a');
  for (const [request, text] of [
    [{}, 'how: is required'],
    [{ by: '-1s' }, 'by: must be above 0'],
    [{ by: '0s' }, 'by: must be above 0'],
    [{ by: '99999999s' }, 'by: must be above 0 and at most 31 days'],
    [{ to: new Date(nowMs - 1).toISOString() }, 'time goes forward'],
    [{ to_next: false }, 'to_next: must be true'],
  ] as const) {
    expect(await refused('AdvanceClock', request)).toEqual([
      'INVALID_ARGUMENT',
      expect.stringContaining(text),
    ]);
  }
  expect(
    await refused('UpdateSession', { session: { manual_clock: true, now: new Date(nowMs).toISOString() } }),
  ).toEqual(['INVALID_ARGUMENT', expect.stringContaining('session.now: is not to be given')]);
  await sim.create({ simulation: { outcome: 'SIMULATED_OUTCOME_HOLD' } }, 'b');
  expect(await refused('UpdateSession', { session: { manual_clock: true } }, 'b')).toEqual([
    'FAILED_PRECONDITION',
    expect.stringContaining('1 payments of the session wait for another clock already'),
  ]);
});
