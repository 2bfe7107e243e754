import type { WebhookDelivery } from '../../src/delivery/delivery.ts';
import { describe, expect, test } from 'vitest';
import { createDeliveryService } from '../../src/delivery/delivery-service.ts';
import { signatureHeadersFor } from '../../src/webhook-format/signature.ts';
import type { DeliveryQueue } from '../../src/delivery/ports.ts';
import { createMemoryDeliveryQueue } from '../../src/state/memory/delivery-queue.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { sampleEvent } from '../support/sample-payment.ts';
import { startScriptedReceiver, unusedOrigin } from './scripted-receiver.ts';
import { givenUpLine, keys, retryLine, startWebhookSender as startSender } from './start-webhook-sender.ts';

test('a failed webhook is tried again at growing distances until it arrives', async () => {
  const receiver = await startScriptedReceiver((response, nth) =>
    response.writeHead(nth < 3 ? 503 : 200).end(),
  );
  const { clock, send, logs, count, queue } = startSender();
  send(`${receiver.origin}/hooks?a=b`);
  for (const [nth, waitMs] of [1_000, 2_000, 4_000].entries()) {
    await expect.poll(() => logs(retryLine)).toHaveLength(nth + 1);
    expect(logs(retryLine)[nth]).toMatchObject({ attempt: nth + 1, retry_in_ms: waitMs });
    await clock.advance(waitMs - 1);
    expect(receiver.requests).toHaveLength(nth + 1);
    await clock.advance(1);
    await expect.poll(() => receiver.requests.length).toBe(nth + 2);
  }
  await expect.poll(() => logs('Webhook delivered')).toHaveLength(1);
  expect(logs('Webhook delivered')[0]).toMatchObject({ attempt: 4, http_status: 200, event_id: 'evt-1' });
  expect(await count('webhook_attempts_total', 'http_503')).toBe(3);
  expect(await count('webhook_attempts_total', 'delivered')).toBe(1);
  expect(await count('webhook_deliveries_total', 'delivered')).toBe(1);
  expect(queue.size()).toBe(0);
});

test('every attempt tells the same event, and its own time, signed anew with every key', async () => {
  const receiver = await startScriptedReceiver((response, nth) =>
    response.writeHead(nth < 1 ? 500 : 200).end(),
  );
  const { clock, send, logs } = startSender();
  send(`${receiver.origin}/`);
  await expect.poll(() => logs(retryLine)).toHaveLength(1);
  await clock.advance(1_000);
  await expect.poll(() => logs('Webhook delivered')).toHaveLength(1);
  const startSeconds = Math.floor(clock.now() / 1000) - 1;
  for (const [nth, { request, body }] of receiver.requests.entries()) {
    expect(JSON.parse(body)).toMatchObject({ event_id: 'evt-1', timestamp: startSeconds + nth });
    expect(request.headers).toMatchObject({
      ...signatureHeadersFor(keys, 'evt-1', startSeconds + nth, body),
      'content-type': 'application/json',
      'user-agent': 'PaymentSim/1.0',
    });
  }
});

test('with 429 and 503 the receiver says how long to wait', async () => {
  const receiver = await startScriptedReceiver((response, nth) => {
    const answers = [
      [429, '7'],
      [503, '9999999'],
    ] as const;
    const [statusCode, retryAfter] = answers[nth] ?? [200, ''];
    response.writeHead(statusCode, { 'retry-after': retryAfter }).end();
  });
  const { clock, send, logs } = startSender();
  send(`${receiver.origin}/`);
  for (const [nth, waitMs] of [7_000, 300_000].entries()) {
    await expect.poll(() => logs(retryLine)).toHaveLength(nth + 1);
    expect(logs(retryLine)[nth]).toMatchObject({ retry_in_ms: waitMs });
    await clock.advance(waitMs);
  }
  await expect.poll(() => logs('Webhook delivered')).toHaveLength(1);
});

describe('the attempt log', () => {
  test('has every attempt with its time, its status or error, and how long it took', async () => {
    const receiver = await startScriptedReceiver((response, nth, socket) => {
      if (nth === 0) {
        response.writeHead(500).end('broken');
      } else if (nth === 1) {
        socket.destroy();
      } else {
        response.end();
      }
    });
    const { clock, send, logs, attemptLog } = startSender();
    const settledAtMs = clock.now();
    send(`${receiver.origin}/`);
    for (const nth of [1, 2]) {
      await expect.poll(() => logs(retryLine)).toHaveLength(nth);
      await clock.advance(nth * 1_000);
    }
    await expect.poll(() => logs('Webhook delivered')).toHaveLength(1);
    expect(await attemptLog.list('pay-1', 'evt-1')).toEqual([
      {
        attempt: 1,
        startedAtMs: settledAtMs,
        durationMs: 0,
        statusCode: 500,
        error: '500 Internal Server Error: broken',
      },
      {
        attempt: 2,
        startedAtMs: settledAtMs + 1_000,
        durationMs: 0,
        statusCode: undefined,
        error: expect.stringContaining('other side closed'),
      },
      { attempt: 3, startedAtMs: settledAtMs + 3_000, durationMs: 0, statusCode: 200, error: undefined },
    ]);
  });

  test('does not keep a webhook from being delivered when it fails', async () => {
    const receiver = await startScriptedReceiver((response) => response.end());
    const { send, logs } = startSender({
      attemptLog: {
        record: () => Promise.reject(new Error('out of reach')),
        list: async () => [],
        close: async () => undefined,
      },
    });
    send(`${receiver.origin}/`);
    await expect.poll(() => logs('Webhook delivered')).toHaveLength(1);
    expect(logs('Webhook attempt not noted')).toHaveLength(1);
  });
});

describe('given up', () => {
  test('after the last attempt: one line with all that is needed to deliver by hand, and counted', async () => {
    const receiver = await startScriptedReceiver((response) => response.writeHead(500).end('broken'));
    const { clock, send, logs, count, queue } = startSender({ maxAttempts: 3 });
    const settledAt = new Date(clock.now()).toISOString();
    send(`${receiver.origin}/`);
    for (const attempt of [1, 2]) {
      await expect.poll(() => logs(retryLine)).toHaveLength(attempt);
      await clock.advance(attempt * 1_000);
    }
    await expect.poll(() => logs(givenUpLine)).toHaveLength(1);
    expect(logs(givenUpLine)[0]).toMatchObject({
      level: 'error',
      channel: 'webhook',
      payment_id: 'pay-1',
      reservation_id: 'reservation-1',
      user_id: 'user-1',
      status: 'COMPLETED',
      amount: 120_000,
      currency: 'KRW',
      event_id: 'evt-1',
      webhook_url: `${receiver.origin}/`,
      attempts: 3,
      settled_at: settledAt,
      first_attempt_at: settledAt,
      last_attempt_at: new Date(clock.now()).toISOString(),
      reason: 'exhausted',
      error: '500 Internal Server Error: broken',
    });
    await clock.advance(86_400_000);
    expect(receiver.requests).toHaveLength(3);
    expect(queue.size()).toBe(0);
    expect(await count('webhook_deliveries_total', 'dead_letter_exhausted')).toBe(1);
    expect(await count('webhook_deliveries_total', 'delivered')).toBe(0);
  });

  test('at once when the receiver says that it is gone', async () => {
    const receiver = await startScriptedReceiver((response) => response.writeHead(410).end());
    const { clock, send, logs, count } = startSender();
    send(`${receiver.origin}/`);
    await expect.poll(() => logs(givenUpLine)).toHaveLength(1);
    expect(logs(givenUpLine)[0]).toMatchObject({ reason: 'refused', attempts: 1 });
    await clock.advance(86_400_000);
    expect(receiver.requests).toHaveLength(1);
    expect(await count('webhook_deliveries_total', 'dead_letter_refused')).toBe(1);
  });

  test('with a trace when the queue for retries fails', async () => {
    const receiver = await startScriptedReceiver((response) => response.writeHead(500).end());
    const queue: DeliveryQueue<WebhookDelivery> = {
      start: () => undefined,
      add: () => Promise.reject(new Error('out of reach')),
      drain: async () => [],
      hurry: () => undefined,
      takeOldest: () => undefined,
      heldHere: () => 0,
      size: () => 0,
    };
    const { sender, send, logs } = startSender({ queue });
    send(`${receiver.origin}/`);
    await expect.poll(() => logs(givenUpLine)).toHaveLength(1);
    expect(logs(givenUpLine)[0]).toMatchObject({ reason: 'queue_failed', attempts: 1 });
    await sender.drain(0);
  });
});

test('a payment without an address has no webhook', async () => {
  const { sender, connections, send } = startSender();
  send(undefined);
  expect(connections.stats()).toEqual({ busy: 0, idle: 0, waiting: 0 });
  await sender.drain(0);
});

test('one receiver that is down does not delay the next', async () => {
  const receiver = await startScriptedReceiver((response) => response.end());
  const { send, logs, queue } = startSender();
  const down = await unusedOrigin();
  for (let i = 0; i < 50; i += 1) {
    send(`${down}/`, `down-${i}`);
  }
  send(`${receiver.origin}/`, 'up');
  await expect.poll(() => logs('Webhook delivered')).toHaveLength(1);
  await expect.poll(() => queue.size()).toBe(50);
});

describe('drain', () => {
  test('waits for what is under way', async () => {
    const held: (() => void)[] = [];
    const receiver = await startScriptedReceiver((response) => held.push(() => response.end()));
    const { sender, clock, send, logs, attemptLog } = startSender();
    send(`${receiver.origin}/`);
    await expect.poll(() => held.length).toBe(1);
    const drained = sender.drain(10_000);
    held[0]?.();
    await drained;
    expect(logs('Webhook delivered')).toHaveLength(1);
    expect(logs(givenUpLine)).toHaveLength(0);
    await attemptLog.close();
    expect(clock.timerCount()).toBe(0);
  });

  test('makes the retries that are due in time and accounts for the others', async () => {
    const receiver = await startScriptedReceiver((response, nth) =>
      response.writeHead(nth < 2 ? 503 : 200).end(),
    );
    const { sender, clock, send, logs, count } = startSender();
    send(`${receiver.origin}/`, 'a');
    await expect.poll(() => logs(retryLine)).toHaveLength(1);
    await clock.advance(500);
    send(`${receiver.origin}/`, 'b');
    await expect.poll(() => logs(retryLine)).toHaveLength(2);
    // a is due in 500 ms, b in 1,000.
    const drained = sender.drain(600);
    await expect.poll(() => logs(givenUpLine)).toHaveLength(1);
    expect(logs(givenUpLine)[0]).toMatchObject({ event_id: 'evt-b', reason: 'shutdown', attempts: 1 });
    await clock.advance(500);
    await drained;
    expect(logs('Webhook delivered')).toMatchObject([{ event_id: 'evt-a', attempt: 2 }]);
    expect(receiver.requests).toHaveLength(3);
    expect(await count('webhook_deliveries_total', 'dead_letter_shutdown')).toBe(1);
  });

  test('accounts for all retries at once where it is not to wait for them; first attempts go out', async () => {
    const held: (() => void)[] = [];
    const receiver = await startScriptedReceiver((response, nth) =>
      nth === 0
        ? response.writeHead(503).end()
        : held.push(() => response.writeHead(nth < 2 ? 503 : 200).end()),
    );
    const { sender, send, logs } = startSender({ drainsRetries: false });
    send(`${receiver.origin}/`, 'waits');
    await expect.poll(() => logs(retryLine)).toHaveLength(1);
    send(`${receiver.origin}/`, 'fails');
    await expect.poll(() => held.length).toBe(1);
    send(`${receiver.origin}/`, 'succeeds');
    await expect.poll(() => held.length).toBe(2);
    const drained = sender.drain(3_600_000);
    held.forEach((answer) => answer());
    await drained; // the clock stands still: nothing waited for a retry
    expect(logs(givenUpLine)).toMatchObject([
      { event_id: 'evt-waits', reason: 'shutdown' },
      { event_id: 'evt-fails', reason: 'shutdown' },
    ]);
    expect(logs('Webhook delivered')).toMatchObject([{ event_id: 'evt-succeeds' }]);
  });

  test('accounts for what fails meanwhile and could not be tried again in time', async () => {
    const held: (() => void)[] = [];
    const receiver = await startScriptedReceiver((response) =>
      held.push(() => response.writeHead(503).end('full')),
    );
    const { sender, send, logs } = startSender();
    send(`${receiver.origin}/`);
    await expect.poll(() => held.length).toBe(1);
    const drained = sender.drain(999);
    held[0]?.();
    await drained;
    expect(logs(givenUpLine)).toMatchObject([
      { reason: 'shutdown', attempts: 1, error: '503 Service Unavailable: full' },
    ]);
    expect(logs(retryLine)).toEqual([]); // nothing is announced that will not happen
  });

  test('out of time it gives up all that is left, once each, and sends nothing more', async () => {
    const receiver = await startScriptedReceiver(() => undefined); // never answers
    const failing = await startScriptedReceiver((response) => response.writeHead(503).end());
    const { sender, clock, connections, send, logs, count } = startSender();
    send(`${failing.origin}/`, 'retrying');
    await expect.poll(() => logs(retryLine)).toHaveLength(1);
    for (let i = 0; i < 25; i += 1) {
      send(`${receiver.origin}/`, String(i));
    }
    await expect.poll(() => receiver.requests.length).toBe(10);
    expect(connections.stats()).toMatchObject({ busy: 10, waiting: 15 });

    const drained = sender.drain(1_000);
    await clock.advance(999);
    expect(logs(givenUpLine)).toHaveLength(0);
    await clock.advance(1);
    await drained;
    send(`${receiver.origin}/`, 'too-late');
    await connections.destroy();
    await expect.poll(() => receiver.connections()).toBe(0);

    const given = logs(givenUpLine).map((line) => line['event_id']);
    const expected = Array.from({ length: 25 }, (_, i) => `evt-${i}`);
    expect(new Set(given)).toEqual(new Set([...expected, 'evt-retrying', 'evt-too-late']));
    expect(given).toHaveLength(27);
    expect(logs(givenUpLine).every((line) => line['reason'] === 'shutdown')).toBe(true);
    expect(await count('webhook_deliveries_total', 'dead_letter_shutdown')).toBe(27);
    expect(receiver.requests).toHaveLength(10);
  });

  test('accounts for what is under way also when the queue cannot end', async () => {
    const receiver = await startScriptedReceiver(() => undefined);
    const queue = createMemoryDeliveryQueue<WebhookDelivery>({
      clock: createFakeClock(),
      maxWaiting: 10,
      maxWaitingPerOrigin: 10,
      originOf: ({ url }) => url,
    });
    const { sender, clock, send, logs } = startSender({
      queue: { ...queue, drain: () => Promise.reject(new Error('the queue cannot end')) },
    });
    send(`${receiver.origin}/`);
    await expect.poll(() => receiver.requests.length).toBe(1);
    const ended = expect(sender.drain(1_000)).rejects.toThrow('failed');
    await clock.advance(1_000);
    await ended;
    expect(logs(givenUpLine)).toMatchObject([{ event_id: 'evt-1', reason: 'shutdown' }]);
  });

  test('given up, those that wait do not go out when a connection comes free', async () => {
    const held: (() => void)[] = [];
    const receiver = await startScriptedReceiver((response) => held.push(() => response.end()));
    const { sender, clock, connections, send, logs } = startSender();
    for (let i = 0; i < 15; i += 1) {
      send(`${receiver.origin}/`, String(i));
    }
    await expect.poll(() => held.length).toBe(10);
    const drained = sender.drain(0);
    await clock.advance(0);
    await drained;
    expect(logs(givenUpLine)).toHaveLength(15);
    for (const answer of held) {
      answer();
    }
    await expect.poll(() => connections.stats()).toMatchObject({ busy: 0, waiting: 0 });
    expect(receiver.requests).toHaveLength(10);
    expect(logs('Webhook delivered')).toHaveLength(0);
    expect(logs(givenUpLine)).toHaveLength(15);
  });
});

test('one event goes to all channels, and drain waits for every channel', async () => {
  const accepted: unknown[] = [];
  const reported: unknown[] = [];
  const gate = Promise.withResolvers<void>();
  const channel = (drain: () => Promise<void>) => ({
    start: () => undefined,
    accept: (event: unknown) => void accepted.push(event),
    hasRoom: () => true,
    drain,
  });
  const delivery = createDeliveryService({
    channels: [
      { name: 'webhook', channel: channel(async () => undefined) },
      { name: 'eventbridge', channel: channel(() => gate.promise) },
    ],
    observe: (report) => void reported.push(report),
    deliverLater: () => expect.unreachable(),
  });
  const event = sampleEvent();
  expect(delivery.deliver(event)).toBeUndefined();
  expect(accepted).toEqual([event, event]);
  expect(reported).toEqual([{ kind: 'accepted', event }]);
  const events: string[] = [];
  const drain = async () => {
    await delivery.drain(0);
    events.push('drained');
  };
  const drained = drain();
  await new Promise((resolve) => setImmediate(resolve));
  events.push('gate opened');
  gate.resolve();
  await drained;
  expect(events).toEqual(['gate opened', 'drained']);
});
