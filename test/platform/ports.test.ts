import { connect } from 'node:http2';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startPaymentSim } from '../../src/kit/start-payment-sim.ts';
import { callGrpc } from '../support/clients/grpc-call.ts';
import { createContractStub } from '../support/clients/contract-stub.ts';
import { sendRaw } from '../support/clients/raw-http.ts';
import { freePort } from '../support/free-port.ts';
import { launchService, type RunningService, startService } from '../support/start-service.ts';
import { mistakesOf } from '../support/config-mistakes.ts';

const quickStop = { SHUTDOWN_GRACE_MS: '0' };
const create = '/payment.v1.PaymentService/CreatePaymentIntent';
const terms = { reservation_id: 'r-1', user_id: 'u-1', amount: { amount: '5', currency: 'KRW' } };
const alive = { status: 'alive', service: 'payment-sim-api' };

async function startShared(env: Readonly<Record<string, string>> = quickStop): Promise<RunningService> {
  const port = String(await freePort());
  return await launchService({ ...env, HEALTH_PORT: port, PLATFORM_GRPC_PORT: port });
}

describe('configuration', () => {
  test('the two contracts never share a port', () => {
    const mistake = [
      'PLATFORM_GRPC_PORT must differ from GRPC_PORT: the contracts have the same names, and 3 is FAILED in one and COMPLETED in the other',
    ];
    expect(mistakesOf({ PLATFORM_GRPC_PORT: '8030' })).toEqual(mistake);
    expect(mistakesOf({ PLATFORM_GRPC_PORT: '9000', GRPC_PORT: '9000' })).toEqual(mistake);
    for (const port of ['0', '8031', '8032']) {
      expect(mistakesOf({ PLATFORM_GRPC_PORT: port, GRPC_PORT: port === '0' ? '0' : '8030' })).toEqual([]);
    }
  });

  test('unset, the platform’s contract is served nowhere', async () => {
    const service = await startService(quickStop);
    expect(service.platformUrl).toBe('http://127.0.0.1:undefined');
    expect(service.logs('Payment Sim is ready')[0]).not.toHaveProperty('platform_port');
    const answer = await sendRaw(service.opsUrl, '1.1', { path: create, body: Buffer.from('{}') });
    expect(answer.status).toBe(404);
  });

  test('0 is a port of its own, not that of the probes', async () => {
    const service = await startService({ ...quickStop, PLATFORM_GRPC_PORT: '0' });
    const ports = [service.apiUrl, service.opsUrl, service.platformUrl];
    expect(new Set(ports).size).toBe(3);
    expect(service.logs('Payment Sim is ready')).toMatchObject([
      { platform_port: Number(new URL(service.platformUrl).port) },
    ]);
    expect(await (await fetch(`${service.platformUrl}/healthz`)).json()).toEqual(alive);
    expect((await fetch(`${service.platformUrl}/metrics`)).status).toBe(501);
  });
});

describe('at the port of the probes', () => {
  test('HTTP/1.1 probes and scrapes, and calls of every kind', async () => {
    const service = await startShared();
    onTestFinished(() => service.app.stop());
    expect(service.platformUrl).toBe(service.opsUrl);
    for (const path of ['/healthz', '/livez', '/readyz', '/health', '/metrics', '/healthz?verbose=1']) {
      for (const method of ['GET', 'HEAD']) {
        const answer = await sendRaw(service.opsUrl, '1.1', { method, path });
        expect([path, method, answer.status]).toEqual([path, method, 200]);
        expect(answer.body.length > 0).toBe(method === 'GET');
      }
    }
    const stub = createContractStub('platform', service.opsUrl);
    onTestFinished(() => stub.close());
    expect(await stub.call('CreatePaymentIntent', terms)).toMatchObject({ ok: true });
    const body = Buffer.from(JSON.stringify(terms));
    const headers = { 'content-type': 'application/json' };
    for (const version of ['1.1', '2'] as const) {
      expect((await sendRaw(service.opsUrl, version, { path: create, headers, body })).status).toBe(200);
    }
    const astray = await sendRaw(service.opsUrl, '1.1', { method: 'GET', path: '/nothing' });
    expect(astray.status).toBe(501);
    expect((await sendRaw(service.opsUrl, '1.1', { method: 'POST', path: '/healthz' })).status).toBe(501);
    expect(service.logs().filter(({ level }) => level === 'warn' || level === 'error')).toEqual([]);
  });

  test('while the service stops, calls end and are refused, and probes are answered until the end', async () => {
    const service = await startShared({ SHUTDOWN_GRACE_MS: '600000', DEFAULT_DELAY_MS: '6000' });
    const stub = createContractStub('platform', service.opsUrl);
    onTestFinished(() => stub.close());
    expect(await stub.call('CreatePaymentIntent', terms)).toMatchObject({ ok: true });
    const stopped = service.app.stop();
    await expect.poll(async () => (await fetch(`${service.opsUrl}/readyz`)).status).toBe(503);
    const { status } = await sendRaw(service.opsUrl, '1.1', {
      path: create,
      headers: { 'content-type': 'application/json' },
      body: Buffer.from(JSON.stringify(terms)),
    });
    expect(status).toBe(503);
    // The connection is closed, as it would be refused where calls have a port of their own.
    const answered = callGrpc(service.opsUrl, { path: create }).then(
      (answer) => answer.status,
      () => undefined,
    );
    expect(await answered).toBeUndefined();
    expect(await (await fetch(`${service.opsUrl}/livez`)).json()).toEqual(alive);
    expect(await (await fetch(`${service.opsUrl}/metrics`)).text()).toContain('payment_service_ready 0');
    await stopped;
    await expect(fetch(`${service.opsUrl}/livez`)).rejects.toThrow('fetch failed');
    expect(service.logs('Stopped')).toHaveLength(1);
    expect(service.logs().filter(({ level }) => level === 'warn' || level === 'error')).toEqual([]);
  });

  test('an upload that never ends does not use up the grace', async () => {
    const service = await startShared({ SHUTDOWN_GRACE_MS: '1000' });
    const session = connect(service.opsUrl);
    session.on('error', () => undefined);
    const stream = session.request({
      ':method': 'POST',
      ':path': create,
      'content-type': 'application/grpc',
    });
    stream.on('error', () => undefined);
    stream.write(Buffer.from([0, 0, 0, 0, 9]));
    await expect.poll(() => service.metric('api_connections{protocol="http2"}')).toBe(1);
    const startedAt = performance.now();
    await service.app.stop();
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    session.destroy();
  });
});

test('a port of its own stops with the other, and its streams are told', async () => {
  const service = await launchService({ SHUTDOWN_GRACE_MS: '600000', PLATFORM_GRPC_PORT: '0' });
  const stub = createContractStub('platform', service.platformUrl);
  onTestFinished(() => stub.close());
  await stub.call('GetPaymentStatus', { payment_intent_id: 'pay-1' });
  await service.app.stop();
  for (const url of [service.platformUrl, service.apiUrl, service.opsUrl]) {
    await expect(fetch(url)).rejects.toThrow('fetch failed');
  }
});

test('the kit tells where it is', async () => {
  const sim = await startPaymentSim({ variables: { PLATFORM_GRPC_PORT: 0 } });
  onTestFinished(() => sim.stop());
  const stub = createContractStub('platform', sim.platformUrl ?? '');
  onTestFinished(() => stub.close());
  expect(await stub.call('CreatePaymentIntent', terms)).toMatchObject({ ok: true });
  const without = await startPaymentSim();
  onTestFinished(() => without.stop());
  expect(without.platformUrl).toBeUndefined();
});

test('a port that is taken ends the start with its name', async () => {
  const first = await startService({ ...quickStop, PLATFORM_GRPC_PORT: '0' });
  const taken = new URL(first.platformUrl).port;
  await expect(startPaymentSim({ variables: { PLATFORM_GRPC_PORT: taken } })).rejects.toThrow(
    `listen EADDRINUSE: address already in use 127.0.0.1:${taken}`,
  );
});

test.skipIf(process.platform !== 'linux')(
  'processes share it as they share the other, but not with probes',
  async () => {
    const [grpcPort, platformPort, healthPort] = [await freePort(), await freePort(), await freePort()].map(
      String,
    );
    const shared = { ...quickStop, REUSE_PORT: 'true', GRPC_PORT: grpcPort ?? '' };
    const variables = { ...shared, PLATFORM_GRPC_PORT: platformPort ?? '' };
    const [first, second] = [await startService(variables), await startService(variables)];
    expect(first.platformUrl).toBe(second.platformUrl);
    const withProbes = { ...shared, PLATFORM_GRPC_PORT: healthPort ?? '', HEALTH_PORT: healthPort ?? '' };
    await startService(withProbes);
    await expect(startPaymentSim({ variables: withProbes })).rejects.toThrow('EADDRINUSE');
  },
);
