import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { describe, expect, onTestFinished, test } from 'vitest';
import { decodeResponse, encodeRequest } from '../support/clients/proto-codec.ts';
import { startAwsStandIn } from '../support/aws-stand-in.ts';
import { startService } from '../support/start-service.ts';
import { startWebhookReceiver } from '../support/webhook-receiver.ts';
import { detail, startQueues, startReservationApi, startWorker } from '../worker/support.ts';
import { intentMessage } from './connect-json.ts';

const traceId = '0af7651916cd43dd8448eb211c80319c';
const traced = {
  traceparent: `00-${traceId}-b7ad6b7169203331-01`,
  tracestate: 'rojo=00f067aa0ba902b7',
  'x-request-id': 'request-1',
};
const fields = { trace_id: traceId, request_id: 'request-1' };
const quick = { DEFAULT_DELAY_MS: '0', SHUTDOWN_GRACE_MS: '10000' }; // stopping waits for what is on its way

type Message = Parameters<typeof encodeRequest>[1];
type Headers = Readonly<Record<string, string>>;

async function callConnect(apiUrl: string, message: Message, headers: Headers) {
  const response = await fetch(`${apiUrl}/payment.v1.PaymentService/CreatePaymentIntent`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(message),
  });
  await response.arrayBuffer();
  return response.headers.get('x-request-id');
}

async function callGrpc(apiUrl: string, message: Message, headers: Headers) {
  const client = new Client(new URL(apiUrl).host, credentials.createInsecure());
  onTestFinished(() => client.close());
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) {
    metadata.set(name, value);
  }
  const error = await new Promise<ServiceError | null>((resolve) => {
    client.makeUnaryRequest(
      '/payment.v1.PaymentService/CreatePaymentIntent',
      (request: Message) => encodeRequest('CreatePaymentIntent', request),
      (bytes: Buffer) => decodeResponse('CreatePaymentIntent', bytes),
      message,
      metadata,
      (failure) => resolve(failure),
    );
  });
  return error?.metadata.get('x-request-id')[0] ?? null;
}

const ways = [
  ['gRPC', callGrpc, true],
  ['Connect', callConnect, true],
  ["Connect's stock handlers", callConnect, false],
] as const;

describe.each(ways)('a call over %s', (_name, call, unaryLane) => {
  test('hands its trace on to the log, the webhook and the event', async () => {
    const [aws, receiver] = await Promise.all([startAwsStandIn(), startWebhookReceiver()]);
    const service = await startService(
      { ...quick, EVENTBRIDGE: 'on', AWS_ENDPOINT_URL_EVENTBRIDGE: aws.url, ...awsKeys },
      { unaryLane },
    );
    await call(service.apiUrl, intentMessage({ webhook_url: receiver.url }) as Message, traced);
    const [webhook] = await receiver.waitFor(1);
    await aws.until(({ accepted }) => accepted.length === 1);

    expect(webhook?.headers).toMatchObject(traced);
    expect(aws.accepted[0]?.detail).toEqual({
      ...webhook?.body,
      timestamp: expect.any(Number) as number,
      user_id: 'user-1',
      trace_context: { traceparent: traced.traceparent, tracestate: traced.tracestate },
      request_id: 'request-1',
    });
    expect(Object.keys(webhook?.body ?? {})).not.toContain('trace_context');
    await service.app.stop();
    for (const line of ['Payment intent created', 'Payment processed successfully', 'Webhook delivered']) {
      expect(service.logs(line), line).toMatchObject([fields]);
    }
  });

  test('hands nothing on when it brings nothing, or nothing that is valid', async () => {
    const [aws, receiver] = await Promise.all([startAwsStandIn(), startWebhookReceiver()]);
    const service = await startService(
      { ...quick, EVENTBRIDGE: 'on', AWS_ENDPOINT_URL_EVENTBRIDGE: aws.url, ...awsKeys },
      { unaryLane },
    );
    const message = intentMessage({ webhook_url: receiver.url }) as Message;
    await call(service.apiUrl, message, {});
    await call(service.apiUrl, message, {
      traceparent: '00-1-2-3',
      tracestate: 'a=b',
      'x-request-id': 'a b',
    });
    const webhooks = await receiver.waitFor(2);
    await aws.until(({ accepted }) => accepted.length === 2);
    for (const { headers } of webhooks) {
      expect(Object.keys(headers).filter((name) => name in traced)).toEqual([]);
    }
    for (const entry of aws.accepted) {
      expect(Object.keys(entry.detail)).not.toEqual(expect.arrayContaining(['trace_context']));
      expect(Object.keys(entry.detail)).not.toEqual(expect.arrayContaining(['request_id']));
    }
    for (const line of service.logs()) {
      expect(line).not.toHaveProperty('trace_id');
      expect(line).not.toHaveProperty('request_id');
    }
  });

  test('that is refused bears one request id in its answer and in the log', async () => {
    const service = await startService(quick, { unaryLane });
    expect(await call(service.apiUrl, {}, traced)).toBe('request-1');
    const made = await call(service.apiUrl, {}, { traceparent: traced.traceparent });
    expect(made).toMatch(/^req-[0-9a-f-]{36}$/);
    expect(service.logs('Call refused')).toMatchObject([fields, { trace_id: traceId, request_id: made }]);
  });
});

test('what could not be delivered bears the trace', async () => {
  const receiver = await startWebhookReceiver((response) => response.writeHead(410).end());
  const service = await startService(quick);
  await callConnect(service.apiUrl, intentMessage({ webhook_url: receiver.url }) as Message, traced);
  await receiver.waitFor(1);
  await service.app.stop();
  expect(service.logs('Webhook given up')).toMatchObject([fields]);
});

test('the worker hands the trace on to the reservation API, and drops one that is malformed', async (context) => {
  const queues = await startQueues(context);
  const seen: unknown[] = [];
  const api = await startReservationApi(context, (response) => {
    const { traceparent, tracestate, 'x-request-id': requestId } = response.req.headers;
    seen.push({ traceparent, tracestate, 'x-request-id': requestId });
    response.end();
  });
  const worker = await startWorker(context, queues, { RESERVATION_API_URL: api.url });
  const { traceparent, tracestate } = traced;
  await queues.send(
    JSON.stringify(detail({ trace_context: { traceparent, tracestate }, request_id: 'request-1' })),
  );
  await worker.waitForLogs('Reservation confirmed', 1);
  const broken = { trace_context: { traceparent: 7, tracestate }, request_id: 'a\r\nb: c' };
  await queues.send(JSON.stringify(detail({ event_id: 'evt-2', ...broken })));
  await worker.waitForLogs('Reservation confirmed', 2);
  expect(seen).toEqual([traced, {}]);
  expect(worker.logs('Reservation confirmed')[0]).toMatchObject(fields);
  expect(worker.logs('Reservation confirmed')[1]).not.toHaveProperty('trace_id');
});

const awsKeys = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' };
