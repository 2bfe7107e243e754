import { credentials } from '@grpc/grpc-js';
import { GrpcReflection } from 'grpc-js-reflection-client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { methods } from '../support/clients/payment-client.ts';
import { bufCommand } from '../support/clients/buf-command.ts';
import { runCommand } from '../support/clients/run-command.ts';
import { launchService, type RunningService } from '../support/start-service.ts';
import { versions } from './reflection-stream.ts';

let service: RunningService;

beforeAll(async () => {
  service = await launchService({ SHUTDOWN_GRACE_MS: '0' });
});

afterAll(async () => {
  await service.app.stop();
});

describe('buf curl without a schema', () => {
  // buf speaks HTTP/2 wherever it reflects, since reflection cannot be had over HTTP/1.1.
  test.each(
    ['grpc', 'grpcweb', 'connect'].flatMap((protocol) =>
      versions.map((version) => [protocol, version] as const),
    ),
  )('calls over %s, told the contract by %s', async (protocol, version) => {
    const flags = ['--protocol', protocol, '--reflect-protocol', `grpc-${version}`];
    const { stdout, stderr } = await bufCurl(
      ...flags,
      '-d',
      '{"reservation_id": "r-1", "user_id": "u-1", "amount": {"amount": 5, "currency": "KRW"}}',
      `${service.apiUrl}/payment.v1.PaymentService/CreatePaymentIntent`,
    );
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toMatchObject({
      paymentIntentId: expect.stringMatching(/^pay-/),
      status: 'PAYMENT_STATUS_PENDING',
    });
  });

  test('lists services and methods', async () => {
    const { stdout: services } = await bufCurl('--list-services', service.apiUrl);
    expect(services).toContain('payment.v1.PaymentService\n');
    const { stdout: listed } = await bufCurl('--list-methods', service.apiUrl);
    expect(listed).toContain('payment.v1.PaymentService/ProcessPayment\n');
    expect(listed).toContain('grpc.health.v1.Health/Watch\n');
  });
});

describe('@grpc/grpc-js with grpc-js-reflection-client', () => {
  test.each([undefined, 'v1', 'v1alpha'] as const)('asked by version %s', async (version) => {
    const target = `127.0.0.1:${service.apiPort}`;
    const reflection = new GrpcReflection(target, credentials.createInsecure(), {}, version);
    expect(await reflection.listServices()).toContain('payment.v1.PaymentService');
    const listed = await reflection.listMethods('payment.v1.PaymentService');
    expect(listed.map(({ name }) => name)).toEqual(methods);
    const descriptor = await reflection.getDescriptorBySymbol('payment.v1.PaymentService');
    const { PaymentService } = (
      descriptor.getPackageObject() as unknown as { payment: { v1: Record<string, ClientClass> } }
    ).payment.v1;
    if (PaymentService === undefined) {
      throw new Error('the described package has no PaymentService');
    }
    const client = new PaymentService(target, credentials.createInsecure());
    const status = await new Promise((resolve, reject) => {
      client.CreatePaymentIntent(
        { reservation_id: 'r-1', user_id: 'u-1', amount: { amount: 5, currency: 'KRW' } },
        (error, response) => (error === null ? resolve(response.status) : reject(error)),
      );
    });
    client.close();
    expect(status).toBe('PAYMENT_STATUS_PENDING');
  });
});

/** A client that grpc-js made from descriptors. */
type ClientClass = new (
  target: string,
  channelCredentials: ReturnType<typeof credentials.createInsecure>,
) => {
  CreatePaymentIntent(
    request: unknown,
    callback: (error: Error | null, response: { status: unknown }) => void,
  ): void;
  close(): void;
};

async function bufCurl(...args: readonly string[]) {
  const { stdout, stderr } = await runCommand(bufCommand, ['curl', ...args]);
  return { stdout: stdout.toString('utf8'), stderr };
}
