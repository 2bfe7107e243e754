import { connect } from 'node:http2';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { callGrpcOn } from '../support/clients/grpc-call.ts';
import { frame } from '../support/clients/grpc-web-curl-client.ts';
import { servicePath } from '../support/clients/payment-client.ts';
import { encodeRequest } from '../support/clients/proto-codec.ts';
import { openRawConnection } from '../support/clients/raw-connection.ts';
import { launchService, type RunningService } from '../support/start-service.ts';
import { validCreate } from './case-context.ts';

const create = `${servicePath}/CreatePaymentIntent`;
const body = JSON.stringify(validCreate());
const hosts = [
  ':8030',
  '%2Frun%2Fapp.sock',
  '',
  'a b',
  '[::1',
  'a:99999999',
  'a/b',
  '@',
  'unix:/run/app.sock',
];

/** A call in HTTP/1.1 by hand; `origin` has it go past the lane. */
function http1Call(host: string | undefined, target = create, version = '1.1'): string {
  const lines = [
    `POST ${target} HTTP/${version}`,
    'content-type: application/json',
    'origin: https://a.example',
  ];
  const hostLine = host === undefined ? [] : [`host: ${host}`];
  return [...lines, ...hostLine, 'connection: close', `content-length: ${body.length}`, '', body].join(
    '\r\n',
  );
}

async function send(port: number, request: string): Promise<string> {
  const connection = await openRawConnection(port);
  connection.send(request);
  await connection.closed();
  return connection.received().toString('latin1');
}

describe.each([true, false])('with the lane: %s', (unaryLane) => {
  let service: RunningService;
  const complaints = vi.spyOn(process.stderr, 'write');
  const printed = vi.spyOn(console, 'error');

  beforeAll(async () => {
    service = await launchService({ SHUTDOWN_GRACE_MS: '0' }, { unaryLane });
  });

  afterAll(async () => {
    await service.app.stop();
    expect(printed).not.toHaveBeenCalled();
    expect(complaints).not.toHaveBeenCalled();
    printed.mockRestore();
    complaints.mockRestore();
    expect(service.logs().filter(({ level }) => level === 'error')).toEqual([]);
  });

  test.each(hosts)('HTTP/1.1, host "%s": the normal answer', async (host) => {
    const answer = await send(service.apiPort, http1Call(host));
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(answer).toContain('PAYMENT_STATUS_PENDING');
  });

  test('HTTP/1.0 without a host: the normal answer', async () => {
    const answer = await send(service.apiPort, http1Call(undefined, create, '1.0'));
    expect(answer).toMatch(/^HTTP\/1\.\d 200 OK\r\n/);
    expect(answer).toContain('PAYMENT_STATUS_PENDING');
  });

  test.each(['http://example.com', 'http://:80', 'http://a:99999999', 'https://%2F'])(
    'a target in absolute form, %s: the normal answer',
    async (origin) => {
      const answer = await send(service.apiPort, http1Call('a', `${origin}${create}`));
      expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
      expect(answer).toContain('PAYMENT_STATUS_PENDING');
    },
  );

  // Node's HTTP/2 library resets streams whose authority has a character that none may have, such as a space.
  test.each([':8030', '%2Frun%2Fapp.sock', '[::1', 'a:99999999'])(
    'HTTP/2, authority "%s": the normal answer',
    async (host) => {
      const session = connect(service.apiUrl);
      onTestFinished(() => session.destroy());
      for (const extra of [{}, { origin: 'https://a.example' }, { 'grpc-encoding': 'gzip' }]) {
        const answer = await callGrpcOn(session, {
          path: create,
          headers: { ':authority': host, ...extra },
          body: frame(encodeRequest('CreatePaymentIntent', validCreate()), 0),
        });
        expect(answer.status).toBe('0');
        expect(answer.body.length).toBeGreaterThan(5);
      }
    },
  );

  test.each(hosts)('the ops port, host "%s": the normal answer', async (host) => {
    const answer = await send(
      service.opsPort,
      `GET /livez HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(answer).toContain('alive');
  });
});
