import { expect, test } from 'vitest';
import { createJsonSteeringClient } from '../support/clients/steering-client.ts';
import type { WatchedAttempt, WatchedDelivery } from '../support/clients/watch-client.ts';
import { openWatch } from '../support/clients/watch-client.ts';
import { isGenuine, startPipeline } from '../support/delivery-pipeline.ts';
import { inSession, messageOf } from '../support/steering.ts';
import type { ReceivedWebhook } from '../support/webhook-receiver.ts';

/* What was sent, and what came back. */

type Started = Awaited<ReturnType<typeof start>>;

async function start(env: Readonly<Record<string, string>> = {}) {
  const pipeline = await startPipeline({ WEBHOOK_RETRY_BASE_MS: '1', ...env });
  const { call } = createJsonSteeringClient(pipeline.service.apiUrl);
  const watch = openWatch(
    pipeline.service.apiUrl,
    { filter: { kinds: ['ENTRY_KIND_DELIVERY'] } },
    inSession('*'),
  );
  await watch.opened();
  return {
    ...pipeline,
    watch,
    async list(request: Record<string, string | number> = {}, session?: string) {
      const headers = session === undefined ? {} : inSession(session);
      return messageOf(await call('ListDeliveries', request, headers)) as {
        readonly deliveries?: readonly WatchedDelivery[];
        readonly next_page_token?: string;
      };
    },
    /** Until the deliveries of a payment have come to these statuses. */
    async ended(id: string, ...statuses: readonly string[]): Promise<void> {
      const seen = new Set<string>();
      await watch.until(({ payment_intent_id: of, delivery }) => {
        if (of === id && delivery !== undefined) {
          seen.add(`${delivery.channel}:${delivery.status}`);
        }
        return statuses.every((status) => seen.has(status));
      });
    },
  };
}

const webhook = 'SIMULATED_CHANNEL_WEBHOOK';
const eventBridge = 'SIMULATED_CHANNEL_EVENTBRIDGE';
const delivered = 'DELIVERY_STATUS_DELIVERED';

async function ofChannel(sim: Started, id: string, channel: string): Promise<readonly WatchedDelivery[]> {
  const { deliveries = [] } = await sim.list({ payment_intent_id: id });
  return deliveries.filter((each) => each.channel === channel);
}

/** As the receiver got it: the headers that we set, and the body byte for byte. */
function expectSame(attempt: WatchedAttempt | undefined, received: ReceivedWebhook | undefined): void {
  expect(attempt?.body).toBe(received?.rawBody.toString());
  expect(received?.headers).toMatchObject(attempt?.headers ?? { missing: '' });
  const own = new Set(['connection', 'host', 'content-length', 'transfer-encoding']);
  expect(Object.keys(attempt?.headers ?? {}).toSorted()).toEqual(
    Object.keys(received?.headers ?? {})
      .filter((name) => !own.has(name))
      .toSorted(),
  );
}

test('a delivery by both channels, byte for byte', async () => {
  const sim = await start();
  const id = await sim.pay({});
  await sim.ended(id, `${webhook}:${delivered}`, `${eventBridge}:${delivered}`);
  const [hook] = await ofChannel(sim, id, webhook);
  expect(hook).toMatchObject({
    event_type: 'payment.status_updated',
    sequence: 1,
    payment_status: 'PAYMENT_STATUS_COMPLETED',
    url: sim.receiver.url,
    status: delivered,
    attempts: [{ number: 1, status_code: 204 }],
  });
  expectSame(hook?.attempts?.[0], sim.receiver.received[0]);
  const [event] = await ofChannel(sim, id, eventBridge);
  const [entry] = sim.aws.accepted;
  expect(event).toMatchObject({ event_id: hook?.event_id, status: delivered });
  const [attempt] = event?.attempts ?? [];
  expect(attempt?.body).toBe(entry?.Detail);
  expect(attempt?.headers).toMatchObject({
    Source: entry?.Source,
    DetailType: entry?.DetailType,
    EventBusName: entry?.EventBusName,
  });
});

test.each([
  ['WRONG_SECRET', 'DELIVERY_STATUS_SIMULATED'],
  ['MISSING', 'DELIVERY_STATUS_SIMULATED'],
  ['STALE', 'DELIVERY_STATUS_SIMULATED'],
  ['TAMPERED', 'DELIVERY_STATUS_SIMULATED'],
])('a webhook that is forged, %s, as it was sent, and its name', async (signature, status) => {
  const sim = await start();
  const id = await sim.pay({ delivery: { channel: webhook, signature: `SIMULATED_SIGNATURE_${signature}` } });
  await sim.ended(id, `${webhook}:${status}`);
  const [hook] = await ofChannel(sim, id, webhook);
  expect(hook).toMatchObject({
    status,
    faults: ['signature'],
    attempts: [{ fault: signature, status_code: 401 }],
  });
  expectSame(hook?.attempts?.[0], sim.receiver.received[0]);
});

test.each([
  [
    { copies: 3 },
    { status: delivered, faults: ['copies'], attempts: [{ number: 1 }, { number: 2 }, { number: 3 }] },
  ],
  [{ drop: true }, { status: 'DELIVERY_STATUS_SIMULATED', faults: ['drop'] }],
  [{ hold_until_next_event: true }, { status: 'DELIVERY_STATUS_WAITING', faults: ['hold_until_next_event'] }],
  [{ delay_ms: 80_000_000 }, { status: 'DELIVERY_STATUS_WAITING', faults: ['delay_ms'] }],
])('what a tester has done to it: %j', async (delivery, expected) => {
  const sim = await start();
  const id = await sim.pay({ delivery: { channel: webhook, ...delivery } });
  const attempts = 'attempts' in expected ? (expected.attempts ?? []) : [];
  await sim.receiver.waitFor(attempts.length);
  await expect.poll(async () => (await ofChannel(sim, id, webhook))[0]).toMatchObject(expected);
  expect((await ofChannel(sim, id, webhook))[0]?.attempts ?? []).toHaveLength(attempts.length);
});

test('a contradiction has a delivery of its own', async () => {
  const sim = await start();
  const id = await sim.pay({ delivery: { channel: webhook, conflicting_status: 'PAYMENT_STATUS_FAILED' } });
  await sim.receiver.waitFor(2);
  await expect
    .poll(async () => (await ofChannel(sim, id, webhook)).map(({ payment_status: status }) => status))
    .toEqual(['PAYMENT_STATUS_COMPLETED', 'PAYMENT_STATUS_FAILED']);
});

test('every attempt at a receiver that fails, by webhook and EventBridge, until it is given up', async () => {
  const sim = await start({
    WEBHOOK_MAX_ATTEMPTS: '3',
    WEBHOOK_SECRET: 'another',
    EVENTBRIDGE_MAX_ATTEMPTS: '2',
  });
  sim.aws.answerUsually({ kind: 'partial', codeFor: () => 'InternalFailure' });
  const id = await sim.pay({});
  await sim.ended(id, `${webhook}:DELIVERY_STATUS_GIVEN_UP`, `${eventBridge}:DELIVERY_STATUS_GIVEN_UP`);
  const [hook] = await ofChannel(sim, id, webhook);
  expect(hook).toMatchObject({
    status: 'DELIVERY_STATUS_GIVEN_UP',
    error: expect.stringMatching(/^exhausted: 401 Unauthorized/),
    attempts: [1, 2, 3].map((number) => ({
      number,
      status_code: 401,
      error: expect.stringContaining('401'),
    })),
  });
  hook?.attempts?.forEach((attempt, index) => expectSame(attempt, sim.receiver.received[index]));
  expect(sim.receiver.received.filter(isGenuine)).toEqual([]);
  const [event] = await ofChannel(sim, id, eventBridge);
  expect(event).toMatchObject({
    status: 'DELIVERY_STATUS_GIVEN_UP',
    attempts: [1, 2].map((number) => ({ number, error: expect.stringContaining('InternalFailure') })),
  });
  const told = sim.watch.entries.filter(({ delivery }) => delivery?.channel === webhook);
  expect(told.filter(({ delivery }) => delivery?.attempts !== undefined)).toHaveLength(3);
});

function idsOf({ deliveries = [] }: Awaited<ReturnType<Started['list']>>): readonly string[] {
  return deliveries.map((each) => each.payment_intent_id);
}

test('pages, the last payment first, filtered by status and session', async () => {
  const sim = await start({ EVENTBRIDGE: 'off' });
  const ids: string[] = [];
  for (let payments = 0; payments < 5; payments += 1) {
    const id = await sim.pay(payments === 2 ? { delivery: { drop: true } } : {});
    ids.unshift(id);
    await sim.ended(id, `${webhook}:${payments === 2 ? 'DELIVERY_STATUS_SIMULATED' : delivered}`);
  }
  const seen: string[] = [];
  let token = '';
  do {
    const page = await sim.list({ page_size: 2, page_token: token });
    seen.push(...idsOf(page));
    token = page.next_page_token ?? '';
  } while (token !== '');
  expect(seen).toEqual(ids);
  expect(idsOf(await sim.list({ status: 'DELIVERY_STATUS_SIMULATED' }))).toEqual([ids[2]]);
  expect(idsOf(await sim.list({}, 'other'))).toEqual([]);
  expect(idsOf(await sim.list({}, '*'))).toEqual(ids);
});

test('a page_token, a page_size and a status that are none are refused by name', async () => {
  const { service } = await startPipeline();
  const { call } = createJsonSteeringClient(service.apiUrl);
  for (const [field, value] of [
    ['page_token', 'x'],
    ['page_size', -1],
    ['status', 9],
    ['payment_intent_id', ' '],
  ] as const) {
    const { code, violations } = await call('ListDeliveries', { [field]: value });
    expect([code, violations.map((each) => each.field)]).toEqual(['INVALID_ARGUMENT', [field]]);
  }
});
