import { type Client, credentials, loadPackageDefinition, status } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { createGrpcTransport, createGrpcWebTransport } from '@connectrpc/connect-node';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Health, HealthCheckResponse_ServingStatus as Status } from '../../gen/grpc/health/v1/health_pb.js';
import { createHealth } from '../../src/server/grpc/health.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { startService } from '../support/start-service.ts';

const readinessNames = ['', 'payment.v1.PaymentService', 'readiness'];
const quickStop = { SHUTDOWN_GRACE_MS: '0' };

/** Not ready at first: EventBridge is asked for, and there is none at this port. */
const withoutAws = {
  ...quickStop,
  EVENTBRIDGE: 'on',
  AWS_ENDPOINT_URL: 'http://127.0.0.1:1',
  AWS_ACCESS_KEY_ID: 'id',
  AWS_SECRET_ACCESS_KEY: 'key',
};

function healthClient(apiUrl: string) {
  return createClient(Health, createGrpcTransport({ baseUrl: apiUrl }));
}

describe('Check', () => {
  test('says SERVING to every name it knows', async () => {
    const { apiUrl } = await startService(quickStop);
    for (const service of [...readinessNames, 'liveness']) {
      expect(await healthClient(apiUrl).check({ service }), service).toMatchObject({
        status: Status.SERVING,
      });
    }
  });

  test('says NOT_SERVING while the service is not ready, but is alive', async () => {
    const { apiUrl } = await startService(withoutAws);
    const { statuses } = await healthClient(apiUrl).list({});
    for (const service of readinessNames) {
      const answer = await healthClient(apiUrl).check({ service });
      expect(answer, service).toMatchObject({ status: Status.NOT_SERVING });
      expect(statuses[service], service).toMatchObject({ status: Status.NOT_SERVING });
    }
    expect(await healthClient(apiUrl).check({ service: 'liveness' })).toMatchObject({
      status: Status.SERVING,
    });
    expect(statuses['liveness']).toMatchObject({ status: Status.SERVING });
  });

  test('an unknown name is NOT_FOUND, and no line at info', async () => {
    const service = await startService(quickStop);
    const checked = healthClient(service.apiUrl).check({ service: 'payment.v1.Other' });
    await expect(checked).rejects.toMatchObject({ code: Code.NotFound });
    expect(service.logs('Call refused').map(({ level }) => level)).toEqual(['debug']);
  });

  test('answers a Kubernetes gRPC probe: grpc-js with the published contract', async () => {
    const { apiPort } = await startService(quickStop);
    const client = publishedClient(apiPort);
    onTestFinished(() => client.close());
    const check = (service: string) =>
      new Promise((resolve) => {
        client.Check({ service }, (error, response) => resolve(error?.code ?? response?.status));
      });
    expect(await check('readiness')).toBe('SERVING');
    expect(await check('liveness')).toBe('SERVING');
    expect(await check('')).toBe('SERVING');
    expect(await check('nobody')).toBe(status.NOT_FOUND);
  });
});

describe('Watch', () => {
  test('tells a change once, and an unknown name that it is unknown', async () => {
    const clock = createFakeClock();
    let reason: string | undefined;
    const stopping = new AbortController();
    const { handlers } = createHealth({
      clock,
      serviceNames: ['payment.v1.PaymentService'],
      unreadyReason: () => reason,
      stopping: stopping.signal,
    });
    const caller = new AbortController();
    const context = { signal: caller.signal };
    const watch = (service: string) =>
      (handlers as unknown as { watch: WatchHandler }).watch({ service }, context)[Symbol.asyncIterator]();

    const readiness = watch('readiness');
    const unknown = watch('nobody');
    expect(await readiness.next()).toMatchObject({ value: { status: Status.SERVING } });
    expect(await unknown.next()).toMatchObject({ value: { status: Status.SERVICE_UNKNOWN } });
    const told = readiness.next();
    await clock.advance(5_000);
    reason = 'AWS is away';
    await clock.advance(1_000);
    expect(await told).toMatchObject({ value: { status: Status.NOT_SERVING } });
    const toldAgain = readiness.next();
    reason = undefined;
    await clock.advance(1_000);
    expect(await toldAgain).toMatchObject({ value: { status: Status.SERVING } });

    const left = unknown.next();
    caller.abort(new ConnectError('gone', Code.Canceled));
    await expect(left).rejects.toMatchObject({ code: Code.Canceled });
    await expect(readiness.next()).rejects.toMatchObject({ code: Code.Canceled });
    // Nobody watches any more: the clock has nothing left to do after its last look.
    await clock.advance(1_000);
    expect(clock.timerCount()).toBe(0);
  });

  test.each([
    ['gRPC over HTTP/2', (baseUrl: string) => createGrpcTransport({ baseUrl })],
    ['gRPC-Web over HTTP/1.1', (baseUrl: string) => createGrpcWebTransport({ baseUrl, httpVersion: '1.1' })],
  ])('is told of the stop and ended, which does not use up the grace: %s', async (_name, create) => {
    const service = await startService({ SHUTDOWN_GRACE_MS: '600000' });
    const client = createClient(Health, create(service.apiUrl));
    const streams = Array.from({ length: 20 }, () => client.watch({})[Symbol.asyncIterator]());
    for (const stream of streams) {
      expect(await stream.next()).toMatchObject({ value: { status: Status.SERVING } });
    }
    const endings = streams.map(async (stream) => {
      const last = await stream.next();
      const error = await stream.next().catch((reason: unknown) => ConnectError.from(reason).code);
      return [(last.value as { status: Status }).status, error];
    });
    // Waiting for the streams would take half the grace, and the test would be out of time.
    await service.app.stop();
    for (const ending of endings) {
      expect(await ending).toEqual([Status.NOT_SERVING, Code.Unavailable]);
    }
    expect(service.logs().filter(({ level }) => level === 'warn' || level === 'error')).toEqual([]);
  });

  test('a caller that leaves is counted as Canceled, without a line at info', async () => {
    const service = await startService(quickStop);
    const leave = new AbortController();
    const stream = healthClient(service.apiUrl).watch({}, { signal: leave.signal })[Symbol.asyncIterator]();
    await stream.next();
    leave.abort();
    await expect(stream.next()).rejects.toMatchObject({ code: Code.Canceled });
    const series =
      'grpc_server_handled_total{grpc_type="server_stream",grpc_service="grpc.health.v1.Health",grpc_method="Watch",grpc_code="Canceled"}';
    await expect.poll(() => service.metric(series)).toBe(1);
    expect(service.logs('Call refused').filter(({ level }) => level !== 'debug')).toEqual([]);
  });
});

type WatchHandler = (
  request: { service: string },
  context: { signal: AbortSignal },
) => AsyncIterable<{ status: Status }>;

interface PublishedHealthClient extends Client {
  Check(
    request: { service: string },
    callback: (error: { code: number } | null, response?: { status: string }) => void,
  ): void;
}

function publishedClient(apiPort: number): PublishedHealthClient {
  const definition = loadSync('proto/grpc/health/v1/health.proto', { enums: String });
  const { grpc } = loadPackageDefinition(definition) as unknown as {
    grpc: { health: { v1: { Health: new (...args: unknown[]) => PublishedHealthClient } } };
  };
  return new grpc.health.v1.Health(`127.0.0.1:${apiPort}`, credentials.createInsecure());
}
