import type { EnumDescriptorProto } from '@bufbuild/protobuf/wkt';
import { credentials } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { GrpcReflection } from 'grpc-js-reflection-client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask, filesOf, grpcTransport } from '../reflection/reflection-stream.ts';
import { launchService, type RunningService, startService } from '../support/start-service.ts';

let service: RunningService;

beforeAll(async () => {
  service = await launchService({ SHUTDOWN_GRACE_MS: '0', PLATFORM_GRPC_PORT: '0' });
});

afterAll(async () => {
  await service.app.stop();
});

function numbersOf(enumeration: EnumDescriptorProto | undefined): Record<string, number> {
  return Object.fromEntries((enumeration?.value ?? []).map(({ name, number }) => [name, number]));
}

async function statusNumbers(url: string): Promise<Record<string, number>> {
  const [answer] = await ask(grpcTransport(url), 'v1', [
    { case: 'fileContainingSymbol', value: 'payment.v1.PaymentStatus' },
  ]);
  const enums = filesOf(answer).flatMap(({ enumType }) => enumType);
  return numbersOf(enums.find(({ name }) => name === 'PaymentStatus'));
}

test('each port tells the numbers of its own contract', async () => {
  expect(await statusNumbers(service.platformUrl)).toMatchObject({
    PAYMENT_STATUS_PENDING: 1,
    PAYMENT_STATUS_PROCESSING: 2,
    PAYMENT_STATUS_COMPLETED: 3,
    PAYMENT_STATUS_FAILED: 4,
    PAYMENT_STATUS_CANCELLED: 5,
    PAYMENT_STATUS_REFUNDED: 6,
    PAYMENT_STATUS_EXPIRED: 7,
  });
  expect(await statusNumbers(service.apiUrl)).toMatchObject({
    PAYMENT_STATUS_COMPLETED: 2,
    PAYMENT_STATUS_FAILED: 3,
  });
});

test('its services are listed, with all six methods', async () => {
  const reflection = new GrpcReflection(new URL(service.platformUrl).host, credentials.createInsecure());
  expect(await reflection.listServices()).toEqual([
    'grpc.health.v1.Health',
    'grpc.reflection.v1.ServerReflection',
    'grpc.reflection.v1alpha.ServerReflection',
    'payment.v1.PaymentService',
  ]);
  const methods = await reflection.listMethods('payment.v1.PaymentService');
  expect(methods.map(({ name }) => name)).toEqual([
    'CreatePaymentIntent',
    'ProcessPayment',
    'GetPaymentStatus',
    'CancelPayment',
    'ListPayments',
    'SimulateWebhook',
  ]);
});

test('REFLECTION=off is for both ports', async () => {
  const silent = await startService({ SHUTDOWN_GRACE_MS: '0', PLATFORM_GRPC_PORT: '0', REFLECTION: 'off' });
  await expect(statusNumbers(silent.platformUrl)).rejects.toThrow('unimplemented');
});

describe('gRPC’s health', () => {
  test('has the name of the service on either port', async () => {
    const { loadPackageDefinition } = await import('@grpc/grpc-js');
    const definition = loadPackageDefinition(
      loadSync('proto/grpc/health/v1/health.proto', { enums: String }),
    ) as unknown as { grpc: { health: { v1: { Health: HealthStub } } } };
    for (const url of [service.platformUrl, service.apiUrl]) {
      const client = new definition.grpc.health.v1.Health(new URL(url).host, credentials.createInsecure());
      for (const name of ['', 'readiness', 'liveness', 'payment.v1.PaymentService']) {
        const status = await new Promise((resolve) => {
          client.Check({ service: name }, (error, answer) => resolve(error?.code ?? answer?.status));
        });
        expect(status, name).toBe('SERVING');
      }
      client.close();
    }
  });
});

type HealthStub = new (...args: unknown[]) => {
  Check(
    request: { service: string },
    callback: (error: { code: number } | null, answer?: { status: string }) => void,
  ): void;
  close(): void;
};

test('the published numbers of every field, as the stubs have them', async () => {
  // A changed number is read as another field by stubs that nobody makes anew.
  const [answer] = await ask(grpcTransport(service.platformUrl), 'v1', [
    { case: 'fileContainingSymbol', value: 'payment.v1.PaymentService' },
  ]);
  const files = filesOf(answer);
  const messages = files.flatMap(({ messageType }) => messageType);
  const fieldsOf = (message: string) =>
    Object.fromEntries(
      (messages.find(({ name }) => name === message)?.field ?? []).map(({ name, number }) => [number, name]),
    );
  expect(Object.values(fieldsOf('CreatePaymentIntentRequest'))).toEqual(
    'reservation_id amount user_id method scenario webhook_url idempotency_key metadata'.split(' '),
  );
  expect(fieldsOf('Payment')).toEqual(
    Object.fromEntries(
      'payment_intent_id payment_id reservation_id user_id status amount method created_at updated_at processed_at transaction_id result metadata'
        .split(' ')
        .map((name, index) => [index + 1, name]),
    ),
  );
  expect(fieldsOf('PaymentResult')).toEqual({
    1: 'success',
    2: 'failure_reason',
    3: 'gateway_response',
    4: 'response_code',
    5: 'processed_at',
  });
  expect(fieldsOf('Error')).toEqual({ 1: 'code', 2: 'message', 3: 'trace_id', 4: 'details' });
});
