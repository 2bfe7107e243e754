import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { startAwsStandIn } from '../support/aws-stand-in.ts';
import { encodeRequest } from '../support/clients/proto-codec.ts';
import { type OtlpReceiver, type ReceivedSpan, startOtlpReceiver } from '../support/otlp-receiver.ts';
import { startService } from '../support/start-service.ts';
import { startWebhookReceiver } from '../support/webhook-receiver.ts';
import {
  callPayments,
  caller,
  createName,
  eventBridgeOn,
  idsOf,
  isCall,
  isSettlement,
  isWebhook,
  quick,
} from './support.ts';

const ways = [
  ['the lane', true],
  ["Connect's stock handlers", false],
] as const;

describe.each(ways)('a payment that comes by %s', (_name, unaryLane) => {
  test('has one trace, from its caller to those who are told', async () => {
    const [otlp, aws, receiver] = await Promise.all([
      startOtlpReceiver(),
      startAwsStandIn(),
      startWebhookReceiver(),
    ]);
    const env = { ...quick, ...eventBridgeOn(aws), ...otlp.env };
    const service = await startService(env, { unaryLane });
    const { body } = await callPayments(
      service,
      'CreatePaymentIntent',
      { webhook_url: `${receiver.url}?key=secret` },
      {
        traceparent: caller.traceparent,
        tracestate: 'rojo=1',
        'x-request-id': 'request-1',
        'payment-sim-session': 's-1',
      },
    );
    const [webhook] = await receiver.waitFor(1);
    await aws.until(({ accepted }) => accepted.length === 1);
    const { call, settlement, attempt, event } = await spansOfPayment(otlp);
    const paymentId = body['payment_intent_id'];

    expect(call).toMatchObject({
      name: createName,
      kind: 'SERVER',
      parentId: caller.spanId,
      tracestate: 'rojo=1',
      error: undefined,
      attributes: {
        'rpc.system.name': 'connectrpc',
        'rpc.method': createName,
        'rpc.status_code': 'OK',
        'payment_sim.request_id': 'request-1',
      },
      resource: { 'service.name': 'payment-sim-api', 'telemetry.sdk.language': 'nodejs' },
    });
    expect(settlement).toMatchObject({
      kind: 'INTERNAL',
      attributes: {
        'payment_sim.payment.id': paymentId,
        'payment_sim.reservation.id': 'reservation-1',
        'payment_sim.payment.status': 'COMPLETED',
        'payment_sim.session.id': 's-1',
        'payment_sim.event.id': webhook?.body['event_id'],
      },
    });
    expect(attempt).toMatchObject({
      name: 'POST',
      kind: 'CLIENT',
      error: undefined,
      attributes: {
        'http.request.method': 'POST',
        'http.response.status_code': 200,
        'url.full': receiver.url,
        'server.address': '127.0.0.1',
        'payment_sim.attempt': 1,
        'payment_sim.payment.id': paymentId,
        'payment_sim.event.id': webhook?.body['event_id'],
      },
    });
    expect(attempt.attributes).not.toHaveProperty('http.request.resend_count');
    expect(event).toMatchObject({
      kind: 'PRODUCER',
      error: undefined,
      attributes: {
        'messaging.system.name': 'aws.eventbridge',
        'messaging.destination.name': 'ticket-reservation-events',
        'payment_sim.event.detail_type': 'Payment Status Updated',
        'payment_sim.event.id': webhook?.body['event_id'],
      },
    });
    for (const span of [settlement, attempt, event]) {
      expect(span).toMatchObject({ parentId: call.spanId, tracestate: 'rojo=1' });
    }
    expect(new Set(otlp.spans.map(({ traceId }) => traceId))).toEqual(new Set([caller.traceId]));
    expect(webhook?.headers).toMatchObject({
      traceparent: idsOf(attempt),
      tracestate: 'rojo=1',
      'x-request-id': 'request-1',
    });
    expect(aws.accepted[0]?.detail['trace_context']).toEqual({
      traceparent: idsOf(event),
      tracestate: 'rojo=1',
    });
    expect(otlp.requests[0]).toMatchObject({
      path: '/v1/traces',
      headers: { 'content-type': 'application/x-protobuf' },
    });
  });

  test('begins a trace when its caller has none that is valid', async () => {
    const [otlp, receiver] = await Promise.all([startOtlpReceiver(), startWebhookReceiver()]);
    const service = await startService({ ...quick, ...otlp.env }, { unaryLane });
    await callPayments(
      service,
      'CreatePaymentIntent',
      { webhook_url: receiver.url },
      { traceparent: '00-nothing', tracestate: 'rojo=1' },
    );
    const [webhook] = await receiver.waitFor(1);
    const [call] = await otlp.waitFor(isCall);
    const [attempt] = await otlp.waitFor(isWebhook);
    expect(call).toMatchObject({ parentId: '', tracestate: '' });
    expect(attempt).toMatchObject({ parentId: call?.spanId, traceId: call?.traceId });
    expect(webhook?.headers).toMatchObject({ traceparent: idsOf(attempt) });
    expect(webhook?.headers).not.toHaveProperty('tracestate');
  });

  test('makes no spans when its caller is not sampled, and says so to those who are told', async () => {
    const [otlp, aws, receiver] = await Promise.all([
      startOtlpReceiver(),
      startAwsStandIn(),
      startWebhookReceiver(),
    ]);
    const env = { ...quick, ...eventBridgeOn(aws), ...otlp.env };
    const service = await startService(env, { unaryLane });
    await callPayments(
      service,
      'CreatePaymentIntent',
      { webhook_url: receiver.url },
      { traceparent: caller.traceparent.replace(/01$/, '00') },
    );
    const [webhook] = await receiver.waitFor(1);
    await aws.until(({ accepted }) => accepted.length === 1);
    const unsampled = expect.stringMatching(new RegExp(`^00-${caller.traceId}-[0-9a-f]{16}-00$`)) as string;
    expect(webhook?.headers).toMatchObject({ traceparent: unsampled });
    expect(aws.accepted[0]?.detail).toMatchObject({ trace_context: { traceparent: unsampled } });
    await service.app.stop();
    expect(otlp.spans).toEqual([]);
  });

  test('has the trace of its span in the line of a call that fails', async () => {
    const otlp = await startOtlpReceiver();
    const service = await startService({ ...quick, ...otlp.env }, { unaryLane });
    await callPayments(service, 'GetPaymentStatus', { payment_intent_id: 'pay-none' });
    const [call] = await otlp.waitFor(isCall);
    expect(call).toMatchObject({
      name: 'payment.v1.PaymentService/GetPaymentStatus',
      error: undefined, // It is a mistake of the caller's.
      attributes: { 'rpc.status_code': 'NOT_FOUND' },
    });
    expect(service.logs('Call refused')).toMatchObject([{ trace_id: call?.traceId }]);
  });
});

test.each([true, false])('calls over gRPC are said to be that (with the lane: %j)', async (unaryLane) => {
  const otlp = await startOtlpReceiver();
  const { apiUrl } = await startService({ ...quick, ...otlp.env }, { unaryLane });
  const client = new Client(new URL(apiUrl).host, credentials.createInsecure());
  onTestFinished(() => client.close());
  const metadata = new Metadata();
  metadata.set('traceparent', caller.traceparent);
  await new Promise((resolve) => {
    client.makeUnaryRequest(
      `/${createName}`,
      () => encodeRequest('CreatePaymentIntent', {}),
      (bytes: Buffer) => bytes,
      {},
      metadata,
      resolve,
    );
  });
  const [call] = await otlp.waitFor(isCall);
  expect(call).toMatchObject({
    parentId: caller.spanId,
    attributes: { 'rpc.system.name': 'grpc', 'rpc.status_code': 'INVALID_ARGUMENT' },
  });
});

test("calls of the platform's contract have spans of the same names", async () => {
  const otlp = await startOtlpReceiver();
  const { platformUrl } = await startService({ ...quick, PLATFORM_GRPC_PORT: '0', ...otlp.env });
  await callPayments({ apiUrl: platformUrl }, 'CreatePaymentIntent', {}, caller);
  expect(await otlp.waitFor(isCall)).toMatchObject([{ name: createName, parentId: caller.spanId }]);
});

test('a call that is refused before it is understood has a span too', async () => {
  const otlp = await startOtlpReceiver();
  const service = await startService({ ...quick, ...otlp.env });
  await callPayments(service, 'CreatePaymentIntent', { amount: 'much' }, caller);
  const [call] = await otlp.waitFor(isCall);
  expect(call).toMatchObject({
    name: createName,
    traceId: caller.traceId,
    parentId: caller.spanId,
    attributes: { 'rpc.status_code': 'INVALID_ARGUMENT' },
  });
  expect(call?.endMs).toBeGreaterThanOrEqual(call?.startMs ?? Infinity);
  expect(service.logs('Call refused')).toMatchObject([{ trace_id: caller.traceId }]);
});

test('an error of the server is one of its span, and says when a tester has asked for it', async () => {
  const otlp = await startOtlpReceiver();
  const service = await startService({ ...quick, ...otlp.env });
  await callPayments(service, 'CreatePaymentIntent', {
    simulation: { api: { code: 'UNAVAILABLE' } },
  });
  const [call] = await otlp.waitFor(isCall);
  expect(call).toMatchObject({
    error: 'UNAVAILABLE',
    attributes: {
      'rpc.status_code': 'UNAVAILABLE',
      'error.type': 'UNAVAILABLE',
      'payment_sim.simulated': true,
    },
  });
});

test('each attempt at a webhook has a span of its own, which its request names', async () => {
  const otlp = await startOtlpReceiver();
  let answered = 0;
  const receiver = await startWebhookReceiver((response) => {
    answered += 1;
    response.writeHead(answered === 1 ? 503 : 200).end();
  });
  const service = await startService({ ...quick, WEBHOOK_RETRY_BASE_MS: '1', ...otlp.env });
  await callPayments(service, 'CreatePaymentIntent', { webhook_url: receiver.url }, caller);
  const webhooks = await receiver.waitFor(2);
  const attempts = await otlp.waitFor(isWebhook, 2);
  expect(attempts).toMatchObject([
    {
      error: 'http_503',
      attributes: { 'payment_sim.attempt': 1, 'http.response.status_code': 503, 'error.type': '503' },
    },
    {
      error: undefined,
      attributes: {
        'payment_sim.attempt': 2,
        'http.response.status_code': 200,
        'http.request.resend_count': 1,
      },
    },
  ]);
  expect(webhooks.map(({ headers }) => headers['traceparent'])).toEqual(attempts.map(idsOf));
  expect(new Set(attempts.map(({ parentId }) => parentId)).size).toBe(1);
});

test('an attempt without an answer has its reason and no status', async () => {
  const otlp = await startOtlpReceiver();
  const receiver = await startWebhookReceiver((response) => response.destroy());
  const service = await startService({ ...quick, WEBHOOK_MAX_ATTEMPTS: '1', ...otlp.env });
  await callPayments(service, 'CreatePaymentIntent', { webhook_url: receiver.url });
  const [attempt] = await otlp.waitFor(isWebhook);
  expect(attempt).toMatchObject({ error: 'connection', attributes: { 'error.type': 'connection' } });
  expect(attempt?.attributes).not.toHaveProperty('http.response.status_code');
});

test('an event that EventBridge does not take at first has a span for each attempt, and bears the last one', async () => {
  const [otlp, aws] = await Promise.all([startOtlpReceiver(), startAwsStandIn()]);
  aws.answerNext({ kind: 'partial', codeFor: () => 'ThrottlingException' });
  const service = await startService({
    ...quick,
    ...eventBridgeOn(aws),
    EVENTBRIDGE_RETRY_BASE_MS: '1',
    ...otlp.env,
  });
  await callPayments(service, 'CreatePaymentIntent', {}, caller);
  await aws.until(({ accepted }) => accepted.length === 1);
  const attempts = await otlp.waitFor(({ kind }) => kind === 'PRODUCER', 2);
  expect(attempts).toMatchObject([
    { error: expect.any(String) as string, attributes: { 'payment_sim.attempt': 1 } },
    { error: undefined, attributes: { 'payment_sim.attempt': 2 } },
  ]);
  expect(aws.calls.map(([entry]) => entry?.detail['trace_context'])).toEqual(
    attempts.map((span) => ({ traceparent: idsOf(span) })),
  );
});

test('a refund that takes time is in the trace of its payment, as it begins and as it ends', async () => {
  const otlp = await startOtlpReceiver();
  const service = await startService({ ...quick, ...otlp.env });
  const { body } = await callPayments(
    service,
    'CreatePaymentIntent',
    { simulation: { refund: { delay_ms: 1 } } },
    caller,
  );
  await otlp.waitFor(isSettlement);
  await callPayments(service, 'CancelPayment', { payment_intent_id: body['payment_intent_id'] });
  const [begun] = await otlp.waitFor(({ name }) => name === 'begin refund');
  const [ended] = await otlp.waitFor(({ name }) => name === 'end refund');
  expect([begun?.traceId, ended?.traceId]).toEqual([caller.traceId, caller.traceId]);
  expect(ended?.attributes).toMatchObject({
    'payment_sim.payment.status': 'REFUNDED',
    'payment_sim.refund.id': begun?.attributes['payment_sim.refund.id'],
    'payment_sim.refund.status': 'SUCCEEDED',
  });
});

test('probes and reflection, and what testers set, have no spans', async () => {
  const otlp = await startOtlpReceiver();
  const service = await startService({ ...quick, ...otlp.env });
  for (const path of ['grpc.health.v1.Health/Check', 'simulator.v1.SimulatorService/ListRules']) {
    const response = await fetch(`${service.apiUrl}/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...caller },
      body: '{}',
    });
    await response.arrayBuffer();
  }
  await callPayments(service, 'ListPayments', { user_id: 'user-1' });
  const [call] = await otlp.waitFor(isCall);
  expect(call?.name).toBe('payment.v1.PaymentService/ListPayments');
  await service.app.stop();
  expect(otlp.spans).toHaveLength(1);
});

test('OpenTelemetry reads its own variables for what is said of the process, and to the collector', async () => {
  vi.stubEnv('OTEL_RESOURCE_ATTRIBUTES', 'deployment.environment.name=test,service.name=not-this');
  vi.stubEnv('OTEL_EXPORTER_OTLP_HEADERS', 'api-key=key-1');
  const otlp = await startOtlpReceiver();
  const service = await startService({ ...quick, ...otlp.env, OTEL_SERVICE_NAME: 'gateway' }).finally(() =>
    vi.unstubAllEnvs(),
  );
  await callPayments(service, 'CreatePaymentIntent');
  const [call] = await otlp.waitFor(isCall);
  expect(call?.resource).toMatchObject({
    'service.name': 'gateway',
    'deployment.environment.name': 'test',
    'service.instance.id': expect.any(String) as string,
  });
  expect(otlp.requests[0]?.headers).toMatchObject({ 'api-key': 'key-1' });
});

/** All spans of a payment that has a webhook, and settles by itself. */
async function spansOfPayment(otlp: OtlpReceiver) {
  const kinds = {
    call: isCall,
    settlement: isSettlement,
    attempt: isWebhook,
    event: ({ kind }: ReceivedSpan) => kind === 'PRODUCER',
  };
  const entries = await Promise.all(
    Object.entries(kinds).map(async ([name, isMeant]) => [name, (await otlp.waitFor(isMeant))[0]]),
  );
  return Object.fromEntries(entries) as Readonly<Record<keyof typeof kinds, ReceivedSpan>>;
}
