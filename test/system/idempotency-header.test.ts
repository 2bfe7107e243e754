import { type Client, Code, ConnectError, createClient, type Transport } from '@connectrpc/connect';
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from '@connectrpc/connect-node';
import { Client as GrpcJsClient, credentials, Metadata } from '@grpc/grpc-js';
import { describe, expect, onTestFinished, test } from 'vitest';
import { BadRequestSchema } from '../../gen/google/rpc/error_details_pb.js';
import { PaymentScenario, PaymentService } from '../../gen/payment/v1/payment_pb.js';
import { createFakeClock } from '../support/fake-clock.ts';
import { decodeResponse, encodeRequest } from '../support/clients/proto-codec.ts';
import { startService } from '../support/start-service.ts';

const transports: readonly (readonly [string, (baseUrl: string) => Transport])[] = [
  ['gRPC metadata', (baseUrl) => createGrpcTransport({ baseUrl })],
  [
    'a header of Connect JSON over HTTP/1.1',
    (baseUrl) => createConnectTransport({ baseUrl, httpVersion: '1.1', useBinaryFormat: false }),
  ],
  [
    'a header of Connect JSON over h2c',
    (baseUrl) => createConnectTransport({ baseUrl, httpVersion: '2', useBinaryFormat: false }),
  ],
  ['a header of gRPC-Web', (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: '1.1' })],
];

const intent = {
  reservationId: 'reservation-1',
  userId: 'user-1',
  amount: { amount: 120_000n, currency: 'KRW' },
};

function key(value: string) {
  return { headers: { 'Idempotency-Key': value } };
}

async function refusal(call: Promise<unknown>): Promise<ConnectError> {
  return await call.then(
    () => expect.unreachable('was not refused'),
    (error: unknown) => ConnectError.from(error),
  );
}

describe.each([true, false])('with the fast path %s, by', (unaryLane) => {
  describe.each(transports)('%s', (_name, transportTo) => {
    async function start(env: Readonly<Record<string, string>> = {}) {
      const clock = createFakeClock(Date.now());
      const service = await startService(
        { EVENTBRIDGE: 'off', SHUTDOWN_GRACE_MS: '0', ...env },
        {
          clock,
          unaryLane,
        },
      );
      const client: Client<typeof PaymentService> = createClient(PaymentService, transportTo(service.apiUrl));
      const pay = async (change: object = {}, options = {}) =>
        (await client.createPaymentIntent({ ...intent, ...change }, options)).paymentIntentId;
      return { clock, service, client, pay };
    }

    test('the same key answers the same payment for 24 hours, per user', async () => {
      const { clock, pay } = await start();
      const id = await pay({}, key('key-1'));
      expect(await pay({}, key('key-1'))).toBe(id);
      expect(await pay({ userId: 'user-2' }, key('key-1'))).not.toBe(id);
      expect(await pay({}, key('key-2'))).not.toBe(id);
      expect(await pay()).not.toBe(id);
      await clock.advance(86_400_000 - 1);
      expect(await pay({}, key('key-1'))).toBe(id);
      await clock.advance(1);
      expect(await pay({}, key('key-1'))).not.toBe(id);
    });

    test('the field wins, and both name the same keys', async () => {
      const { pay } = await start();
      const id = await pay({ idempotencyKey: 'key-1' }, key('key-2'));
      expect(await pay({}, key('key-1'))).toBe(id);
      expect(await pay({}, key('key-2'))).not.toBe(id);
    });

    test('calls in flight share one payment', async () => {
      const { service, pay } = await start();
      const ids = await Promise.all(Array.from({ length: 20 }, () => pay({}, key('key-1'))));
      expect(new Set(ids).size).toBe(1);
      expect(await service.metric('payment_intents_created_total{scenario="APPROVE"}')).toBe(1);
    });

    test('other parameters are refused', async () => {
      const { pay } = await start();
      await pay({}, key('key-1'));
      const error = await refusal(pay({ scenario: PaymentScenario.FAIL }, key('key-1')));
      expect([error.code, error.rawMessage]).toEqual([Code.AlreadyExists, expect.stringContaining('key-1')]);
    });

    test('a key that is too long is named, and 128 characters are not', async () => {
      const { client, pay } = await start();
      const id = await pay({}, key('k'.repeat(128)));
      for (const call of [
        pay({}, key('k'.repeat(129))),
        client.processPayment({ paymentIntentId: id }, key('k'.repeat(129))),
      ]) {
        const error = await refusal(call);
        expect(error.code).toBe(Code.InvalidArgument);
        const [detail] = error.findDetails(BadRequestSchema);
        expect(detail?.fieldViolations.map(({ field }) => field)).toEqual(['idempotency_key']);
      }
    });

    test('a refused call does not use its key up', async () => {
      const { client, pay } = await start({ MAX_PAYMENTS: '1' });
      const blocking = await pay();
      expect((await refusal(pay({ reservationId: '' }, key('key-1')))).code).toBe(Code.InvalidArgument);
      expect((await refusal(pay({ amount: { amount: 1n } }, key('key-1')))).code).toBe(Code.InvalidArgument);
      expect((await refusal(pay({}, key('key-1')))).code).toBe(Code.ResourceExhausted);
      const missing = client.processPayment({ paymentIntentId: 'pay-none' }, key('key-1'));
      expect((await refusal(missing)).code).toBe(Code.NotFound);
      await client.processPayment({ paymentIntentId: blocking }, key('key-1'));
      expect(await pay({ reservationId: 'another' }, key('key-1'))).toMatch(/^pay-/);
    });

    test('CancelPayment refunds once for a key, and refuses it for another amount', async () => {
      const { client, pay } = await start();
      const [paymentIntentId, other] = [await pay(), await pay()];
      await client.processPayment({ paymentIntentId });
      const refund = { paymentIntentId, refundAmount: { amount: 30_000n, currency: 'KRW' } };
      const answers = await Promise.all(
        Array.from({ length: 5 }, () => client.cancelPayment(refund, key('key-1'))),
      );
      expect(new Set(answers.map(({ refundId }) => refundId)).size).toBe(1);
      const more = { ...refund, refundAmount: { amount: 30_001n, currency: 'KRW' } };
      for (const call of [
        client.cancelPayment(more, key('key-1')),
        client.cancelPayment({ paymentIntentId: other }, key('key-1')),
      ]) {
        expect((await refusal(call)).code).toBe(Code.AlreadyExists);
      }
      const { payment } = await client.getPaymentStatus({ paymentIntentId });
      expect(payment?.refundedAmount?.amount).toBe(30_000n);
      // The field wins, and both name the same keys.
      const again = await client.cancelPayment({ ...refund, idempotencyKey: 'key-1' }, key('key-2'));
      expect(again.refundId).toBe(answers[0]?.refundId);
      const another = await client.cancelPayment(refund, key('key-2'));
      expect(another.refundId).not.toBe(again.refundId);
    });

    test('a refused cancellation does not use its key up', async () => {
      const { client, pay } = await start();
      const paymentIntentId = await pay();
      const part = { paymentIntentId, refundAmount: { amount: 1n, currency: 'KRW' } };
      expect((await refusal(client.cancelPayment(part, key('key-1')))).code).toBe(Code.FailedPrecondition);
      await client.processPayment({ paymentIntentId });
      expect((await client.cancelPayment({ paymentIntentId }, key('key-1'))).refundId).toMatch(/^rfd-/);
    });

    test('ProcessPayment answers the same, and refuses the key for another payment', async () => {
      const { client, pay } = await start();
      const [one, other] = [await pay(), await pay()];
      const answers = await Promise.all(
        Array.from({ length: 5 }, () => client.processPayment({ paymentIntentId: one }, key('key-1'))),
      );
      expect(new Set(answers.map((answer) => answer.transactionId)).size).toBe(1);
      const refused = await refusal(client.processPayment({ paymentIntentId: other }, key('key-1')));
      expect(refused.code).toBe(Code.AlreadyExists);
      const own = { paymentIntentId: other, idempotencyKey: 'key-2' };
      expect((await client.processPayment(own, key('key-1'))).paymentId).toBe(other);
      expect((await client.getPaymentStatus({ paymentIntentId: one })).payment?.transactionId).toBe(
        answers[0]?.transactionId,
      );
    });
  });
});

test('grpc-js: the key as metadata', async () => {
  const { apiPort } = await startService({ EVENTBRIDGE: 'off', SHUTDOWN_GRACE_MS: '0' });
  const client = new GrpcJsClient(`127.0.0.1:${apiPort}`, credentials.createInsecure());
  onTestFinished(() => client.close());
  const metadata = new Metadata();
  metadata.set('Idempotency-Key', 'key-1');
  const message = {
    reservation_id: 'reservation-1',
    user_id: 'user-1',
    amount: { amount: '120000', currency: 'KRW' },
  };
  const pay = () =>
    new Promise((resolve, reject) => {
      client.makeUnaryRequest(
        '/payment.v1.PaymentService/CreatePaymentIntent',
        () => encodeRequest('CreatePaymentIntent', message),
        (bytes: Buffer) => decodeResponse('CreatePaymentIntent', bytes),
        message,
        metadata,
        (error, answer) => (error === null ? resolve(answer) : reject(error)),
      );
    });
  expect(await pay()).toEqual(await pay());
});
