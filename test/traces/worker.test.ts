import { expect, test } from 'vitest';
import { startOtlpReceiver } from '../support/otlp-receiver.ts';
import { startService } from '../support/start-service.ts';
import { detail, message, startQueues, startReservationApi, startWorker } from '../worker/support.ts';
import { callPayments, caller, eventBridgeOn, idsOf, isCall, quick } from './support.ts';

const isUpdate = ({ name }: { readonly name: string }) => name === 'PATCH';
const isMessage = ({ kind }: { readonly kind: string }) => kind === 'CONSUMER';

test('the trace of a call goes on in the worker, up to the reservation API', async (context) => {
  const [queues, otlp] = await Promise.all([startQueues(context), startOtlpReceiver()]);
  const seen: unknown[] = [];
  const api = await startReservationApi(context, (response) => {
    seen.push(response.req.headers['traceparent']);
    response.end('{}');
  });
  await startWorker(context, queues, { RESERVATION_API_URL: api.url, ...otlp.env });
  const service = await startService({
    ...quick,
    ...eventBridgeOn({ url: queues.aws.eventBridgeUrl }),
    AWS_REGION: queues.aws.region,
    EVENT_BUS_NAME: queues.aws.busName,
    ...otlp.env,
  });
  await callPayments(service, 'CreatePaymentIntent', {}, caller);
  const [update] = await otlp.waitFor(isUpdate);
  const [handled] = await otlp.waitFor(isMessage);
  const [event] = await otlp.waitFor(({ kind }) => kind === 'PRODUCER');
  const [call] = await otlp.waitFor(isCall);

  expect(call?.parentId).toBe(caller.spanId);
  expect(event?.parentId).toBe(call?.spanId);
  expect(handled).toMatchObject({
    name: 'process payment-webhook',
    parentId: event?.spanId,
    error: undefined,
    attributes: {
      'messaging.system.name': 'aws_sqs',
      'messaging.operation.type': 'process',
      'messaging.destination.name': 'payment-webhook',
      'payment_sim.event.id': event?.attributes['payment_sim.event.id'],
      'payment_sim.attempt': 1,
    },
    resource: { 'service.name': 'reservation-worker' },
  });
  expect(update).toMatchObject({
    kind: 'CLIENT',
    parentId: handled?.spanId,
    error: undefined,
    attributes: { 'http.request.method': 'PATCH', 'http.response.status_code': 200 },
  });
  expect(seen).toEqual([idsOf(update)]);
  expect(new Set(otlp.spans.map(({ traceId }) => traceId))).toEqual(new Set([caller.traceId]));
});

test('what fails in the worker is an error of its spans, and a copy of an event has a span without a call', async (context) => {
  const [queues, otlp] = await Promise.all([startQueues(context), startOtlpReceiver()]);
  let calls = 0;
  const api = await startReservationApi(context, (response) => {
    calls += 1;
    response.writeHead(calls === 1 ? 500 : 200).end('{}');
  });
  const worker = await startWorker(context, queues, { RESERVATION_API_URL: api.url, ...otlp.env });
  await queues.send(message({ trace_context: { traceparent: caller.traceparent } }));
  const updates = await otlp.waitFor(isUpdate, 2);
  expect(updates).toMatchObject([
    { error: 'http_500', attributes: { 'http.response.status_code': 500, 'error.type': '500' } },
    { error: undefined },
  ]);
  expect(await otlp.waitFor(isMessage, 2)).toMatchObject([
    { error: 'http_500', parentId: caller.spanId, attributes: { 'payment_sim.attempt': 1 } },
    { error: undefined, parentId: caller.spanId, attributes: { 'payment_sim.attempt': 2 } },
  ]);

  await queues.send(message());
  const [, , copy] = await otlp.waitFor(isMessage, 3);
  expect(copy).toMatchObject({ error: undefined, parentId: '' });
  await queues.send('no JSON');
  const [, , , poison] = await otlp.waitFor(isMessage, 4);
  expect(poison).toMatchObject({ error: 'malformed_json', parentId: '' });
  await worker.worker.stop();
  expect(otlp.spans.filter(isUpdate)).toHaveLength(2);
});

test('what a worker has done last is sent before it ends', async (context) => {
  const [queues, otlp] = await Promise.all([startQueues(context), startOtlpReceiver()]);
  const worker = await startWorker(context, queues, { ...otlp.env, OTEL_BSP_SCHEDULE_DELAY: '86400000' });
  await queues.send(JSON.stringify(detail()));
  await worker.waitForLogs('Payment outcome received; no reservation API is configured', 1);
  await worker.worker.stop();
  expect(otlp.spans.map(({ kind }) => kind)).toEqual(['CONSUMER']);
});
