import { createServer, type AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { loadedPackages } from '../support/loaded-packages.ts';
import { startOtlpReceiver } from '../support/otlp-receiver.ts';
import { startService } from '../support/start-service.ts';
import { startWebhookReceiver } from '../support/webhook-receiver.ts';
import { callPayments, caller, isCall, quick } from './support.ts';

const down = 'Spans did not reach the collector';

test('OpenTelemetry is loaded only when there is somewhere to send spans', async () => {
  const { url } = await startOtlpReceiver();
  const runs = [
    {},
    { OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_SDK_DISABLED: 'true' },
    { OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_TRACES_EXPORTER: 'none' },
    { OTEL_EXPORTER_OTLP_ENDPOINT: url },
  ];
  const results = await Promise.all(
    runs.map(async (env) => {
      const names = await loadedPackages({
        EVENTBRIDGE: 'off',
        PAYMENT_WEBHOOK_QUEUE_URL: 'http://127.0.0.1:1/000000000000/queue',
        ...env,
      });
      // Its API is loaded by prom-client.
      return names.filter((name) => name.startsWith('@opentelemetry/') && name !== '@opentelemetry/api');
    }),
  );
  expect(results.slice(0, 3)).toEqual([[], [], []]);
  expect(results[3]).toContain('@opentelemetry/sdk-trace');
});

test.each([{ OTEL_SDK_DISABLED: 'true' }, { OTEL_TRACES_EXPORTER: 'none' }])(
  'with %j a trace is passed on as it came, and nothing is sent',
  async (env) => {
    const [otlp, receiver] = await Promise.all([startOtlpReceiver(), startWebhookReceiver()]);
    const service = await startService({ ...quick, ...otlp.env, ...env });
    await callPayments(service, 'CreatePaymentIntent', { webhook_url: receiver.url }, caller);
    const [webhook] = await receiver.waitFor(1);
    expect(webhook?.headers['traceparent']).toBe(caller.traceparent);
    await service.app.stop();
    expect(otlp.requests).toEqual([]);
  },
);

test('a sampler that takes nothing is obeyed, and parents go before it where it says so', async () => {
  const otlp = await startOtlpReceiver();
  const service = await startService({
    ...quick,
    ...otlp.env,
    OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
    OTEL_TRACES_SAMPLER_ARG: '0',
  });
  await callPayments(service, 'ListPayments', { user_id: 'user-1' });
  await callPayments(service, 'ListPayments', { user_id: 'user-1' }, caller);
  const [call] = await otlp.waitFor(isCall);
  await service.app.stop();
  expect(otlp.spans).toEqual([call]);
  expect(call?.parentId).toBe(caller.spanId);
});

test('a collector that refuses spans harms nothing, and is told of once in a while', async () => {
  const [otlp, receiver] = await Promise.all([
    startOtlpReceiver((response) => response.writeHead(400).end()),
    startWebhookReceiver(),
  ]);
  const service = await startService({ ...quick, ...otlp.env, OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '1' });
  for (let count = 1; count <= 3; count += 1) {
    const { status } = await callPayments(service, 'CreatePaymentIntent', { webhook_url: receiver.url });
    expect(status).toBe(200);
  }
  await receiver.waitFor(3);
  await otlp.waitFor(() => true, 6);
  await service.app.stop();
  expect(service.logs(down)).toMatchObject([{ level: 'warn', spans: 1, error: '400: Bad Request' }]);
});

test('a collector that is not there holds up no stop', async () => {
  const receiver = await startWebhookReceiver();
  const service = await startService({ ...quick, OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' });
  await callPayments(service, 'CreatePaymentIntent', { webhook_url: receiver.url });
  await receiver.waitFor(1);
  await service.app.stop();
  expect(service.logs('Stopped')).toHaveLength(1);
});

test('a collector that never answers holds up no stop', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await new Promise((resolve) => void server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  const service = await startService({ ...quick, OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` });
  await callPayments(service, 'CreatePaymentIntent');
  await service.app.stop();
  expect(service.logs('Stopped')).toHaveLength(1);
});

test('what was done last is sent before the service ends', async () => {
  const otlp = await startOtlpReceiver();
  const service = await startService({ ...quick, ...otlp.env, OTEL_BSP_SCHEDULE_DELAY: '86400000' });
  await callPayments(service, 'CreatePaymentIntent');
  await service.app.stop();
  expect(otlp.spans.map(({ kind }) => kind).toSorted()).toEqual(['INTERNAL', 'SERVER']);
});

test('a collector that is slow leaves no more waiting than there is room for', async () => {
  const held: (() => void)[] = [];
  const otlp = await startOtlpReceiver((response) => void held.push(() => response.end()));
  const service = await startService({
    ...quick,
    ...otlp.env,
    OTEL_BSP_MAX_QUEUE_SIZE: '1',
    OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '1',
  });
  const list = () => callPayments(service, 'ListPayments', { user_id: 'user-1' });
  await list();
  await otlp.waitFor(() => true); // It is on its way until the receiver answers.
  await list();
  await list();
  expect(service.logs(down)).toMatchObject([{ spans: 1, error: '1 spans were waiting already' }]);
  held.forEach((answer) => answer());
  await otlp.waitFor(() => true, 2);
  held.forEach((answer) => answer());
});
