import { MethodOptions_IdempotencyLevel } from '@bufbuild/protobuf/wkt';
import { expect, test } from 'vitest';
import { PaymentService } from '../../gen/payment/v1/payment_pb.js';
import { methods, reads } from '../support/clients/payment-client.ts';

test('the clients of the tests know every method of the contract, and which may go by GET', () => {
  expect(methods).toEqual(PaymentService.methods.map(({ name }) => name));
  const harmless = PaymentService.methods.filter(
    ({ idempotency }) => idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS,
  );
  expect(reads).toEqual(harmless.map(({ name }) => name));
});
