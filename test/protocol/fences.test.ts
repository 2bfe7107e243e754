import { once } from 'node:events';
import { connect } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createDualProtocolServer } from '../../src/server/port/dual-protocol.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { frameTypes, http2Frame, preface, receivedFrameTypes } from '../support/clients/http2-frames.ts';
import { openRawConnection, type RawConnection } from '../support/clients/raw-connection.ts';
import { sendRaw } from '../support/clients/raw-http.ts';
import { startService } from '../support/start-service.ts';

vi.setConfig({ testTimeout: 10_000 });

const quiet = { EVENTBRIDGE: 'off', SHUTDOWN_GRACE_MS: '0' };
const settings = (payload: string) =>
  Buffer.concat([Buffer.from(preface), http2Frame(frameTypes.settings, 0, 0, Buffer.from(payload, 'hex'))]);

async function openMany(port: number, count: number): Promise<readonly RawConnection[]> {
  return await Promise.all(Array.from({ length: count }, () => openRawConnection(port)));
}

test('a connection beyond MAX_CONNECTIONS is closed at once, of either kind, counted and logged once', async () => {
  const clock = createFakeClock(Date.now());
  const service = await startService({ ...quiet, MAX_CONNECTIONS: '4' }, { clock, machine: clock });
  const [http1, idle] = await openMany(service.apiPort, 2);
  const [http2, leaver] = await openMany(service.apiPort, 2);
  http1?.send('GET /unknown HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await http1?.waitFor('501');
  http2?.send(settings(''));
  await http2?.waitUntil((bytes) => receivedFrameTypes(bytes).includes(frameTypes.settings));
  for (const [protocol, count] of [
    ['http1', 1],
    ['http2', 1],
    ['undecided', 2],
  ] as const) {
    expect(await service.metric(`api_connections{protocol="${protocol}"}`)).toBe(count);
  }

  const refused = await openMany(service.apiPort, 10);
  await Promise.all(refused.map((connection) => connection.closed()));
  expect(await service.metric('api_connections_refused_total')).toBe(10);
  expect(service.logs('Connections refused')).toMatchObject([{ refused: 1, max_connections: 4 }]);
  await clock.advance(10_000);
  await (await openRawConnection(service.apiPort)).closed();
  expect(service.logs('Connections refused')).toMatchObject([{ refused: 1 }, { refused: 10 }]);

  // Whoever is in stays in, and who leaves makes room.
  http1?.send('GET /again HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await http1?.waitFor('/again');
  leaver?.socket.destroy();
  idle?.socket.destroy();
  await expect.poll(() => service.metric('api_connections{protocol="undecided"}')).toBe(0);
  const { status } = await sendRaw(service.apiUrl, '1.1', { path: '/unknown', method: 'GET' });
  expect(status).toBe(501);
});

test('headers of up to 16 KiB are read, larger ones and more than 128 refused, on both protocols', async () => {
  const service = await startService(quiet);
  const session = connect(service.apiUrl);
  onTestFinished(() => session.destroy());
  await once(session, 'remoteSettings');
  expect(session.remoteSettings.maxHeaderListSize).toBe(16_384);
  await new Promise((resolve) => {
    session.ping(resolve); // by then the server has our acknowledgement of its settings
  });

  async function statusOf(headers: Record<string, string>): Promise<number | string> {
    const stream = session.request({ ':path': '/unknown', ...headers });
    const answered = once(stream, 'response');
    try {
      const [head] = (await answered) as [{ ':status': number }];
      return head[':status'];
    } catch (error) {
      return (error as Error).message;
    } finally {
      stream.destroy();
    }
  }
  expect(await statusOf({ 'x-large': 'x'.repeat(15_000) })).toBe(501);
  expect(await statusOf({ 'x-large': 'x'.repeat(16_384) })).toContain('ENHANCE_YOUR_CALM');
  const many = Object.fromEntries(Array.from({ length: 129 }, (_, i) => [`x-${i}`, '']));
  expect(await statusOf(many)).toContain('ENHANCE_YOUR_CALM');
  expect(await statusOf({})).toBe(501);

  const connection = await openRawConnection(service.apiPort);
  connection.send(`GET / HTTP/1.1\r\nHost: localhost\r\nX-Large: ${'x'.repeat(16_384)}\r\n\r\n`);
  await connection.waitFor('431');
  await connection.closed();
});

test('an HTTP/2 peer that never takes its answer is closed after the idle time and the grace', async () => {
  const server = createDualProtocolServer((_request, response) => void response.end('answer'), {
    sniffTimeoutMs: 1_000,
    headersTimeoutMs: 100,
    requestTimeoutMs: 100,
    idleTimeoutMs: 100,
    maxConcurrentStreams: 10,
    maxConnections: 10,
    maxHeaderBytes: 16_384,
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(() => void server.close());
  const connection = await openRawConnection((server.address() as AddressInfo).port);
  // SETTINGS_INITIAL_WINDOW_SIZE 0, then GET / on stream 1, complete.
  const headers = Buffer.concat([Buffer.from([0x82, 0x86, 0x84, 0x01, 9]), Buffer.from('localhost')]);
  const request = http2Frame(frameTypes.headers, 0x05, 1, headers);
  connection.send(Buffer.concat([settings('000400000000'), request]));
  await connection.closed();
  const types = receivedFrameTypes(connection.received());
  expect(types).toContain(frameTypes.headers);
  expect(types).toContain(frameTypes.goaway);
  await expect.poll(() => server.countConnections()).toEqual({ http1: 0, http2: 0, undecided: 0 });
});
