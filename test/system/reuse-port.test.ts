import { Agent, type IncomingMessage, request } from 'node:http';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type ServiceProcess, startServiceProcess } from './service-process.ts';

const warning = 'REUSE_PORT without REDIS_URL: each process knows only the payments that it took itself';
const connectionCount = 40;

/** Makes a call on each of so many new connections, which stay open; the HTTP statuses. */
async function callOnNewConnections(apiUrl: string): Promise<readonly number[]> {
  const agent = new Agent({ keepAlive: true });
  onTestFinished(() => agent.destroy());
  const call = () =>
    new Promise<number>((resolve, reject) => {
      const path = '/payment.v1.PaymentService/GetPaymentStatus';
      const headers = { 'content-type': 'application/json' };
      const answered = (answer: IncomingMessage) => {
        answer.resume();
        resolve(answer.statusCode ?? 0);
      };
      request(`${apiUrl}${path}`, { method: 'POST', agent, headers }, answered)
        .on('error', reject)
        .end('{"payment_intent_id":"pay-1"}');
    });
  return await Promise.all(Array.from({ length: connectionCount }, call));
}

async function countConnections({ ready }: ServiceProcess): Promise<number> {
  const metrics = await (await fetch(`${(await ready).opsUrl}/metrics`)).text();
  return Number(/^api_connections\{protocol="http1"\} (\d+)$/m.exec(metrics)?.[1]);
}

const allNotFound = Array.from({ length: connectionCount }, () => 404);

describe.skipIf(process.platform !== 'linux')('REUSE_PORT=true', () => {
  test('two processes share a port and its connections; when one is killed, the other answers all', async () => {
    const first = startServiceProcess({ REUSE_PORT: 'true' });
    const { apiUrl, apiPort, opsUrl } = await first.ready;
    const second = startServiceProcess({ REUSE_PORT: 'true', GRPC_PORT: String(apiPort) });
    const other = await second.ready;
    expect(other.apiPort).toBe(apiPort);
    expect(other.opsUrl).not.toBe(opsUrl);
    expect((await second.line(warning))['level']).toBe('warn');

    expect(await callOnNewConnections(apiUrl)).toEqual(allNotFound);
    const shares = await Promise.all([first, second].map(countConnections));
    expect(shares.reduce((sum, share) => sum + share)).toBe(connectionCount);
    expect(Math.min(...shares)).toBeGreaterThan(0);

    first.signal('SIGKILL');
    await first.ended;
    expect(await callOnNewConnections(apiUrl)).toEqual(allNotFound);
  });

  test('8031 is not shared: a second process at the same one ends', async () => {
    const first = startServiceProcess({ REUSE_PORT: 'true' });
    const { opsUrl, apiPort } = await first.ready;
    const second = startServiceProcess({
      REUSE_PORT: 'true',
      GRPC_PORT: String(apiPort),
      HEALTH_PORT: new URL(opsUrl).port,
    });
    expect((await second.ended).code).toBe(1);
    expect(second.stderr()).toMatch(/address already in use .*HEALTH_PORT/);
  });

  test('a process that was not told to share its port is left alone', async () => {
    const first = startServiceProcess();
    const { apiPort } = await first.ready;
    const second = startServiceProcess({ REUSE_PORT: 'true', GRPC_PORT: String(apiPort) });
    expect((await second.ended).code).toBe(1);
    expect(second.stderr()).toContain('address already in use');
  });
});
