import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { CreateQueueCommand, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { expect, test } from 'vitest';
import { localCredentials } from '../../dev/local-aws.ts';
import { detail, message, startQueues, startReservationApi, startWorker } from './support.ts';
import { startForwardProxy } from '../support/forward-proxy.ts';
import { freePort } from '../support/free-port.ts';

const nothingLeft = { visible: 0, hidden: 0 };

test.concurrent('payment events update their reservations', async (context) => {
  const queues = await startQueues(context);
  const api = await startReservationApi(context);
  const worker = await startWorker(context, queues, { RESERVATION_API_URL: `${api.url}/base/` });
  const eventBridge = new EventBridgeClient({
    region: queues.aws.region,
    endpoint: queues.aws.eventBridgeUrl,
    credentials: localCredentials,
  });
  context.onTestFinished(() => eventBridge.destroy());
  const completed = detail({ reservation_id: 'a b ?#é', event_id: 'evt-결제' });
  const failed = detail({ event_id: 'evt-2', status: 'PAYMENT_STATUS_FAILED' });

  await eventBridge.send(
    new PutEventsCommand({
      Entries: [completed, failed].map((event) => ({
        EventBusName: queues.aws.busName,
        Source: 'payment-sim-api',
        DetailType: 'Payment Status Updated',
        Detail: JSON.stringify(event),
      })),
    }),
  );
  await api.waitFor(2);
  expect(await (await fetch(`${worker.opsUrl}/health`)).json()).toEqual({
    status: 'healthy',
    service: 'reservation-worker',
  });
  await worker.waitForLogs('Reservation confirmed', 1);
  await worker.waitForLogs('Reservation cancelled', 1);
  expect(await worker.metric('reservation_worker_messages_total{outcome="confirmed"}')).toBe(1);
  expect(await worker.metric('reservation_worker_messages_total{outcome="cancelled"}')).toBe(1);
  expect(await worker.metric('reservation_worker_lag_seconds_count')).toBe(2);
  await worker.worker.stop();

  expect(api.calls).toHaveLength(2);
  expect(api.calls).toEqual(
    expect.arrayContaining([
      {
        method: 'PATCH',
        path: '/base/internal/reservations/a%20b%20%3F%23%C3%A9',
        // Node reads a byte as a character.
        idempotencyKey: Buffer.from('evt-결제').toString('latin1'),
        body: { status: 'CONFIRMED' },
      },
      {
        method: 'PATCH',
        path: '/base/internal/reservations/reservation-1',
        idempotencyKey: 'evt-2',
        body: { status: 'CANCELLED' },
      },
    ]),
  );
  expect(worker.logs('Reservation confirmed')).toMatchObject([
    { payment_id: 'pay-1', reservation_id: 'a b ?#é', status: 'CONFIRMED', event_id: 'evt-결제', attempt: 1 },
  ]);
  expect(await queues.count()).toEqual(nothingLeft);
});

test.concurrent('without a reservation API outcomes are logged', async (context) => {
  const queues = await startQueues(context);
  const worker = await startWorker(context, queues);

  await queues.send(JSON.stringify(detail()));
  await worker.waitForLogs('Payment outcome received; no reservation API is configured', 1);
  expect(await worker.metric('reservation_worker_messages_total{outcome="logged"}')).toBe(1);
  await worker.worker.stop();
  expect(await queues.count()).toEqual(nothingLeft);
});

test.concurrent('a message whose update fails is received again until it succeeds', async (context) => {
  const failures: Record<string, Parameters<typeof startReservationApi>[1]> = {
    http_500: (response) => response.writeHead(500).end(),
    http_401: (response) => response.writeHead(401).end(),
    http_302: (response) => response.writeHead(302, { location: '/elsewhere' }).end(),
    http_429: (response) => response.writeHead(429, { 'retry-after': '2' }).end(),
    http_404: (response) => response.writeHead(404).end(),
    http_409: (response) => response.writeHead(409).end(),
    timeout: () => undefined,
    connection: (response) => response.destroy(),
  };
  const failed = new Set<string>();
  const queues = await startQueues(context);
  const api = await startReservationApi(context, (response, call) => {
    const id = call.path.split('/').at(-1) ?? '';
    if (call.method === 'GET') {
      response.end('{"status":"HOLD"}');
    } else if (failed.has(id)) {
      response.end();
    } else {
      failed.add(id);
      failures[id]?.(response, call);
    }
  });
  const worker = await startWorker(context, queues, {
    RESERVATION_API_URL: api.url,
    RESERVATION_API_TIMEOUT_MS: '1000',
  });
  const ids = Object.keys(failures);

  await queues.send(...ids.map((id) => message({ event_id: id, reservation_id: id })));
  await worker.waitForLogs('Reservation confirmed', ids.length);
  expect(await worker.metric('reservation_worker_messages_total{outcome="retry"}')).toBe(ids.length);
  for (const id of ids) {
    expect(await worker.metric(`reservation_worker_failures_total{reason="${id}"}`)).toBe(1);
  }
  await worker.worker.stop();

  expect(worker.logs('Reservation confirmed').map((line) => line['attempt'])).toEqual(ids.map(() => 2));
  expect(api.calls.filter((call) => call.method === 'PATCH')).toHaveLength(2 * ids.length);
  expect(api.calls.filter((call) => call.method === 'GET')).toHaveLength(1);
  expect(await queues.count()).toEqual(nothingLeft);
});

test.concurrent('409 for a reservation that has the status already finishes the message', async (context) => {
  const queues = await startQueues(context);
  const api = await startReservationApi(context, (response, call) => {
    response.writeHead(call.method === 'GET' ? 200 : 409).end('{"status":"CONFIRMED"}');
  });
  const worker = await startWorker(context, queues, { RESERVATION_API_URL: api.url });

  await queues.send(message());
  await worker.waitForLogs('Reservation confirmed', 1);
  await worker.worker.stop();

  expect(worker.logs('Reservation confirmed')).toMatchObject([{ unchanged: true }]);
  expect(api.calls.map((call) => call.method)).toEqual(['PATCH', 'GET']);
  expect(await queues.count()).toEqual(nothingLeft);
});

test.concurrent('an interim 100 of the reservation API is passed over', async (context) => {
  const queues = await startQueues(context);
  const api = await startReservationApi(context, (response) => {
    response.writeContinue();
    response.end('{}');
  });
  const worker = await startWorker(context, queues, { RESERVATION_API_URL: api.url });
  await queues.send(message());
  await worker.waitForLogs('Reservation confirmed', 1);
  expect(api.calls).toHaveLength(1);
});

test.concurrent('an API that is down when the message comes is tried until it is up', async (context) => {
  const queues = await startQueues(context);
  const port = await freePort();
  const worker = await startWorker(context, queues, { RESERVATION_API_URL: `http://127.0.0.1:${port}` });

  await queues.send(message());
  await worker.waitForLogs('Reservation not updated, to be tried again', 1);
  const api = await startReservationApi(context, (response) => response.end(), port);
  await worker.waitForLogs('Reservation confirmed', 1);
  await worker.worker.stop();

  expect(api.calls).toHaveLength(1);
  expect(await queues.count()).toEqual(nothingLeft);
});

test.concurrent(
  'a message that fails for good ends in the dead-letter queue by the redrive policy',
  async (context) => {
    const queues = await startQueues(context, { maxReceiveCount: 2 });
    const api = await startReservationApi(context, (response) => response.writeHead(404).end());
    const worker = await startWorker(context, queues, { RESERVATION_API_URL: api.url });

    await queues.send(message());
    const [deadLetter] = await queues.deadLetters(1);
    await worker.worker.stop();

    expect(deadLetter?.Body).toBe(message());
    expect(api.calls).toHaveLength(2);
    expect(await queues.count()).toEqual(nothingLeft);
  },
);

test.concurrent(
  'messages that can never be understood go to the dead-letter queue with a reason',
  async (context) => {
    const poison = {
      malformed_json: '{"detail": ',
      missing_fields: message({ reservation_id: undefined }),
      unknown_status: message({ status: 'PAYMENT_STATUS_\u2713' }),
      unexpected_type: JSON.stringify({ 'detail-type': 'Object Created', detail: {} }),
      invalid_reservation_id: message({ reservation_id: '..' }),
    };
    const queues = await startQueues(context);
    const api = await startReservationApi(context);
    const worker = await startWorker(context, queues, { RESERVATION_API_URL: api.url });

    await queues.send(...Object.values(poison), message({ event_id: 'evt-good' }));
    await api.waitFor(1);
    const deadLetters = await queues.deadLetters(Object.keys(poison).length);
    for (const reason of Object.keys(poison)) {
      expect(await worker.metric(`reservation_worker_dead_letters_total{reason="${reason}"}`)).toBe(1);
    }
    await worker.worker.stop();

    const bodies = deadLetters.map((letter) => [
      letter.MessageAttributes?.['reason']?.StringValue,
      letter.Body,
    ]);
    expect(Object.fromEntries(bodies)).toEqual(poison);
    const isoTime = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as string;
    for (const letter of deadLetters) {
      expect(letter.MessageAttributes).toMatchObject({
        error: { StringValue: expect.any(String) as string },
        attempts: { StringValue: '1' },
        first_attempt_at: { StringValue: isoTime },
        last_attempt_at: { StringValue: isoTime },
        channel: { StringValue: 'reservation-worker' },
      });
    }
    expect(api.calls.map((call) => call.idempotencyKey)).toEqual(['evt-good']);
    expect(await queues.count()).toEqual(nothingLeft);
  },
);

for (const [why, line, PAYMENT_WEBHOOK_DLQ_URL] of [
  ['cannot be reached', 'Dead-letter queue not reached, to be tried again', 'http://127.0.0.1/0/missing'],
  ['is not configured', 'Message not understood, left to the redrive policy of the queue', ''],
] as const) {
  test.concurrent(`when the dead-letter queue ${why} nothing is deleted`, async (context) => {
    const queues = await startQueues(context);
    const worker = await startWorker(context, queues, {
      PAYMENT_WEBHOOK_DLQ_URL,
      WORKER_RETRY_BASE_MS: '60000',
    });

    await queues.send('nonsense');
    await worker.waitForLogs(line, 1);
    await worker.worker.stop();

    expect(await queues.count()).toEqual({ visible: 0, hidden: 1 });
  });
}

test.concurrent(
  'copies of an event are handled once, those in hand at the same time too',
  async (context) => {
    const queues = await startQueues(context);
    let answers = 0;
    const api = await startReservationApi(context, (response) => {
      answers += 1;
      response.writeHead(answers === 1 ? 503 : 200).end();
    });
    const worker = await startWorker(context, queues, { RESERVATION_API_URL: api.url });

    await queues.send(...Array.from({ length: 30 }, () => message()), message({ event_id: 'evt-2' }));
    await worker.waitForLogs('Event was handled before', 29);
    expect(await worker.metric('reservation_worker_messages_total{outcome="confirmed"}')).toBe(2);
    expect(await worker.metric('reservation_worker_messages_total{outcome="duplicate"}')).toBe(29);
    await worker.worker.stop();

    expect(api.calls.filter((call) => call.idempotencyKey === 'evt-1').length).toBeLessThanOrEqual(2);
    expect(api.calls).toHaveLength(3);
    expect(await queues.count()).toEqual(nothingLeft);
  },
);

test.concurrent(
  'a heartbeat keeps a message hidden while its handling takes longer than the visibility timeout',
  async (context) => {
    const queues = await startQueues(context);
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const api = await startReservationApi(context, (response) => void released.then(() => response.end()));
    const worker = await startWorker(context, queues, {
      RESERVATION_API_URL: api.url,
      WORKER_VISIBILITY_SECONDS: '2',
      WORKER_POLLERS: '1',
    });

    await queues.send(message());
    await api.waitFor(1);
    const another = new ReceiveMessageCommand({ QueueUrl: queues.aws.queueUrl, WaitTimeSeconds: 4 });
    expect((await queues.client.send(another)).Messages).toBeUndefined();
    release();
    await worker.waitForLogs('Reservation confirmed', 1);
    await worker.worker.stop();

    expect(api.calls).toHaveLength(1);
    expect(await queues.count()).toEqual(nothingLeft);
  },
);

test.concurrent('one bad moment of all pollers leaves the worker ready', async (context) => {
  const queues = await startQueues(context);
  const worker = await startWorker(context, queues, {
    PAYMENT_WEBHOOK_QUEUE_URL: `${queues.aws.sqsUrl}/000000000000/not-there`,
    WORKER_POLLERS: '8',
  });
  await worker.waitForLogs('Queue not read, to be tried again', 8);
  expect((await fetch(`${worker.opsUrl}/readyz`)).status).toBe(200);
});

test.concurrent('the reservation API is called through the proxy that is set for it', async (context) => {
  const queues = await startQueues(context);
  const api = await startReservationApi(context);
  const proxy = await startForwardProxy(context, Number(new URL(api.url).port));
  await startWorker(context, queues, {
    RESERVATION_API_URL: 'http://reservations.test',
    HTTP_PROXY: proxy.url,
  });
  await queues.send(message());
  await api.waitFor(1);
  expect(proxy.asked).toEqual(['PATCH reservations.test']);
});

test.concurrent('a queue that cannot be read makes the worker unhealthy until it can be', async (context) => {
  const queues = await startQueues(context);
  const worker = await startWorker(context, queues, {
    PAYMENT_WEBHOOK_QUEUE_URL: `${queues.aws.sqsUrl}/000000000000/not-there`,
    WORKER_POLLERS: '1',
  });

  await worker.waitForLogs('Queue not read, to be tried again', 3);
  const response = await fetch(`${worker.opsUrl}/readyz`);
  expect([response.status, await response.json()]).toMatchObject([
    503,
    { reason: expect.stringContaining('the queue cannot be read: SQS receive message failed') as string },
  ]);
  await queues.client.send(new CreateQueueCommand({ QueueName: 'not-there' }));
  await worker.waitForLogs('Queue read again', 1);
  expect((await fetch(`${worker.opsUrl}/readyz`)).status).toBe(200);
  await worker.worker.stop();
});

const refunded = 'payment.refund_updated';

test.concurrent('whatever ends a payment without money releases its reservation', async (context) => {
  const queues = await startQueues(context);
  const api = await startReservationApi(context);
  const worker = await startWorker(context, queues, { RESERVATION_API_URL: api.url });
  const statuses = ['CANCELLED', 'REFUNDED', 'EXPIRED', 'FAILED'];
  await queues.send(
    ...statuses.map((status) =>
      message({
        payment_id: `pay-${status}`,
        reservation_id: status,
        event_id: `evt-${status}`,
        status: `PAYMENT_STATUS_${status}`,
        sequence: status === 'REFUNDED' ? 3 : 1,
      }),
    ),
  );
  await worker.waitForLogs('Reservation cancelled', statuses.length);
  await worker.worker.stop();
  const changes = api.calls.map(({ path, body }) => `${path.split('/').at(-1)} ${JSON.stringify(body)}`);
  expect(changes.toSorted()).toEqual(statuses.toSorted().map((status) => `${status} {"status":"CANCELLED"}`));
  expect(await queues.count()).toEqual(nothingLeft);
});

test.concurrent(
  'a refund of a part, and one that failed, leave the reservation as it is',
  async (context) => {
    const queues = await startQueues(context);
    const api = await startReservationApi(context);
    const worker = await startWorker(context, queues, { RESERVATION_API_URL: api.url });
    const refund = { event_type: refunded, refund_id: 'rfd-1', refunded_amount: 5 };
    await queues.send(
      JSON.stringify(detail({ ...refund, event_id: 'evt-part', sequence: 2, refund_status: 'SUCCEEDED' })),
      JSON.stringify({
        'detail-type': 'Payment Refund Updated',
        detail: detail({ ...refund, event_id: 'evt-failed', sequence: 3, refund_status: 'FAILED' }),
      }),
    );
    await worker.waitForLogs('Refund received; the reservation stays as it is', 2);
    expect(await worker.metric('reservation_worker_messages_total{outcome="no_change"}')).toBe(2);
    await worker.worker.stop();
    expect(api.calls).toEqual([]);
    expect(await queues.count()).toEqual(nothingLeft);
  },
);

/** The first event of a payment, and the one by which it is refunded. */
function firstEvent(name: string): string {
  return message({ payment_id: name, reservation_id: name, event_id: `evt-${name}-1`, sequence: 1 });
}

function refundEvent(name: string): string {
  return message({
    payment_id: name,
    reservation_id: name,
    event_id: `evt-${name}-2`,
    sequence: 2,
    status: 'PAYMENT_STATUS_REFUNDED',
  });
}

test.concurrent(
  'an event never undoes a newer one of its payment, however late it comes',
  async (context) => {
    const queues = await startQueues(context);
    // The newer one is refused once, and comes again after the older one.
    let isRefused = false;
    const api = await startReservationApi(context, (response, call) => {
      const isNewer = call.idempotencyKey === 'evt-twice-2';
      response.writeHead(isNewer && !isRefused ? 500 : 200).end('{}');
      isRefused ||= isNewer;
    });
    const worker = await startWorker(context, queues, { RESERVATION_API_URL: api.url });
    await queues.send(refundEvent('late'));
    await worker.waitForLogs('Reservation cancelled', 1);
    await queues.send(firstEvent('late'), firstEvent('late'));
    await worker.waitForLogs('Event is older than one that was handled', 1);
    await queues.send(refundEvent('twice'));
    await worker.waitForLogs('Reservation not updated, to be tried again', 1);
    await queues.send(firstEvent('twice'));
    await worker.waitForLogs('Reservation cancelled', 2);
    await context.expect.poll(() => queues.count()).toEqual(nothingLeft);
    expect(await worker.metric('reservation_worker_messages_total{outcome="outdated"}')).toBeGreaterThan(0);
    await worker.worker.stop();
    const last = (name: string) => api.calls.findLast(({ path }) => path.endsWith(`/${name}`))?.body;
    expect(last('late')).toEqual({ status: 'CANCELLED' });
    expect(last('twice')).toEqual({ status: 'CANCELLED' });
    expect(api.calls.filter(({ path }) => path.endsWith('/late'))).toHaveLength(1);
  },
);
