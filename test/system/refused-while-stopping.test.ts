import { expect, test } from 'vitest';
import { servicePath } from '../support/clients/payment-client.ts';
import { openRawConnection } from '../support/clients/raw-connection.ts';
import { startService } from '../support/start-service.ts';

const body = '{"payment_intent_id":"pay-1"}';

function head(method: string, contentType: string): string {
  const lines = [
    `POST ${servicePath}/${method} HTTP/1.1`,
    'host: a',
    `content-type: ${contentType}`,
    `content-length: ${body.length}`,
  ];
  return `${lines.join('\r\n')}\r\n\r\n`;
}

test.each([
  [
    'GetPaymentStatus',
    'application/json',
    /HTTP\/1\.1 503 [\s\S]*\{"code":"unavailable","message":"the service is stopping"\}$/,
  ],
  [
    'Refund',
    'application/grpc',
    /HTTP\/1\.1 200 [\s\S]*grpc-message: the service is stopping\r\ngrpc-status: 14\r\n/,
  ],
])(
  'a call of %s on a connection that a call keeps open, %s, is told of the stop',
  async (method, contentType, told) => {
    const service = await startService({ SHUTDOWN_GRACE_MS: '20000' });
    const connection = await openRawConnection(service.apiPort);
    connection.send(head('GetPaymentStatus', 'application/json') + body.slice(0, 9));
    // Answered, so that the service has read the head of the first call before it stops.
    await fetch(service.apiUrl);
    const stopped = service.app.stop();
    await expect.poll(async () => (await fetch(`${service.opsUrl}/readyz`)).status).toBe(503);
    connection.send(body.slice(9) + head(method, contentType) + body);
    await connection.closed();
    await stopped;
    const answers = connection.received().toString('latin1');
    expect(answers).toMatch(/^HTTP\/1\.1 404 [\s\S]*payment pay-1 not found/);
    expect(answers).toMatch(told);
    expect(service.logs('Call refused').map((line) => line['grpc_code'])).toContain('Unavailable');
  },
);
