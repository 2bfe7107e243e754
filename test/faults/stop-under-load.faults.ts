import type { ServerResponse } from 'node:http';
import { expect, test } from 'vitest';
import { startWebhookReceiver, type WebhookReceiver } from '../support/webhook-receiver.ts';
import { createConnectCaller, createPayment } from '../system/connect-json.ts';
import { startServiceProcess } from '../system/service-process.ts';

const inTime = { timeout: 20_000 };
const pendingCount = 5_000;
const originCount = 5;
/** The service's limit of connections to one origin: none of them waits for a connection. */
const perOrigin = 100;

/**
 * 5,000 pending payments, 500 deliveries in flight to receivers that hold on to them until they are
 * released, and a receiver that never answers.
 */
async function startLoaded(pendingUrls: (healthy: string, dead: string) => (nth: number) => string) {
  const graceMs = 12_000;
  const held: ServerResponse[] = [];
  let released = false;
  const answer = (response: ServerResponse) => void (released ? response.end() : held.push(response));
  const slow = await Promise.all(Array.from({ length: originCount }, () => startWebhookReceiver(answer)));
  const healthy = await startWebhookReceiver();
  const dead = await startWebhookReceiver(() => undefined);
  const service = startServiceProcess({
    DEFAULT_DELAY_MS: '86400000',
    SHUTDOWN_GRACE_MS: String(graceMs),
    LOG_LEVEL: 'info',
  });
  const { apiUrl } = await service.ready;
  const call = createConnectCaller(apiUrl);
  const inFlight = await Promise.all(
    slow.flatMap(({ url }) =>
      Array.from({ length: perOrigin }, () => createPayment(call, { webhook_url: url })),
    ),
  );
  await Promise.all(inFlight.map((id) => call('ProcessPayment', { payment_intent_id: id })));
  await expect.poll(() => held.length, inTime).toBe(originCount * perOrigin);
  const urlOf = pendingUrls(healthy.url, dead.url);
  const pending = await Promise.all(
    Array.from({ length: pendingCount }, (_, nth) => createPayment(call, { webhook_url: urlOf(nth) })),
  );
  const release = () => {
    released = true;
    for (const response of held) {
      response.end();
    }
  };
  return { service, graceMs, release, slow, healthy, dead, inFlight, pending };
}

function idsAt(receivers: readonly WebhookReceiver[]): readonly string[] {
  return receivers.flatMap(({ received }) => received.map(({ body }) => String(body['payment_id'])));
}

test('SIGTERM with 5,000 pending payments and 500 deliveries in flight: all are delivered, exit 0', async () => {
  const { service, release, slow, healthy, inFlight, pending } = await startLoaded((url) => () => url);
  service.signal('SIGTERM');
  await service.line('Stopping');
  release();
  expect(await service.ended).toEqual({ code: 0, signal: null });
  expect(new Set(idsAt(slow))).toEqual(new Set(inFlight));
  expect(new Set(idsAt([healthy]))).toEqual(new Set(pending));
  expect(idsAt([healthy])).toHaveLength(pendingCount);
  expect(service.logs('Webhook given up')).toEqual([]);
  expect(service.logs('Payment processed successfully')).toHaveLength(pendingCount + inFlight.length);
});

test('SIGTERM with receivers that never answer: each payment is delivered or accounted for, exit 0 in time', async () => {
  const loaded = await startLoaded((healthy, dead) => (nth) => (nth % 10 === 0 ? dead : healthy));
  const { service, graceMs, slow, healthy, dead, inFlight, pending } = loaded;
  const startedAtMs = Date.now();
  service.signal('SIGTERM');
  expect(await service.ended).toEqual({ code: 0, signal: null });
  // The end of the process itself is not part of the grace.
  expect(Date.now() - startedAtMs).toBeLessThan(graceMs + 5_000);

  const givenUp = service.logs('Webhook given up').map((line) => String(line['payment_id']));
  const delivered = new Set(idsAt([healthy]));
  expect(new Set(givenUp).size).toBe(givenUp.length);
  expect(new Set([...givenUp, ...delivered])).toEqual(new Set([...inFlight, ...pending]));
  expect(delivered.size).toBe(pendingCount - pendingCount / 10);
  expect(givenUp).toHaveLength(inFlight.length + pendingCount / 10);
  // What was on its way when time was up is among those given up, however far it had come.
  const accounted = new Set(givenUp);
  expect(idsAt([...slow, dead]).filter((id) => !accounted.has(id))).toEqual([]);
});

test('SIGTERM with more pending payments than webhooks may wait: all are delivered, and the ops port answers meanwhile', async () => {
  const receiver = await startWebhookReceiver();
  const service = startServiceProcess({
    DEFAULT_DELAY_MS: '86400000',
    SHUTDOWN_GRACE_MS: '120000',
    WEBHOOK_MAX_CONNECTIONS_PER_ORIGIN: '20',
    WEBHOOK_MAX_BACKLOG: '400',
    WEBHOOK_MAX_BACKLOG_PER_ORIGIN: '200',
    LOG_LEVEL: 'info',
  });
  const { apiUrl, opsUrl } = await service.ready;
  const call = createConnectCaller(apiUrl);
  const ids = await Promise.all(
    Array.from({ length: pendingCount }, () => createPayment(call, { webhook_url: receiver.url })),
  );
  service.signal('SIGTERM');
  await service.line('Stopping');
  // Each is answered before the next is asked, as long as webhooks go out.
  let answers = 0;
  while (receiver.received.length < pendingCount * 0.9) {
    expect((await fetch(`${opsUrl}/livez`)).status).toBe(200);
    answers += 1;
  }
  expect(answers).toBeGreaterThan(5);
  expect(await service.ended).toEqual({ code: 0, signal: null });
  expect(new Set(idsAt([receiver]))).toEqual(new Set(ids));
  expect(service.logs('Webhook given up')).toEqual([]);
}, 120_000);

test('SIGTERM with a receiver that never answers and a crowd for it: the others are delivered, all is accounted for', async () => {
  const healthy = await startWebhookReceiver();
  const dead = await startWebhookReceiver(() => undefined);
  const service = startServiceProcess({
    DEFAULT_DELAY_MS: '86400000',
    SHUTDOWN_GRACE_MS: '8000',
    WEBHOOK_MAX_CONNECTIONS_PER_ORIGIN: '20',
    WEBHOOK_MAX_BACKLOG: '1000',
    WEBHOOK_MAX_BACKLOG_PER_ORIGIN: '200',
    LOG_LEVEL: 'info',
  });
  const { apiUrl } = await service.ready;
  const call = createConnectCaller(apiUrl);
  const create = (url: string, count: number) =>
    Promise.all(Array.from({ length: count }, () => createPayment(call, { webhook_url: url })));
  const lost = await create(dead.url, 2_000);
  const sent = await create(healthy.url, 1_000);
  service.signal('SIGTERM');
  expect(await service.ended).toEqual({ code: 0, signal: null });
  expect(new Set(idsAt([healthy]))).toEqual(new Set(sent));
  const givenUp = service.logs('Webhook given up').map((line) => String(line['payment_id']));
  expect(new Set(givenUp)).toEqual(new Set(lost));
  expect(givenUp).toHaveLength(lost.length);
}, 60_000);
