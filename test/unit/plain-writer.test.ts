import { create, toBinary } from '@bufbuild/protobuf';
import { assert, constantFrom, integer, oneof, property, record, string } from 'fast-check';
import { expect, test } from 'vitest';
import {
  CreatePaymentIntentResponseSchema,
  PaymentSchema,
  PaymentStatus,
  SimulationOptionsSchema,
} from '../../gen/payment/v1/payment_pb.js';
import { createPlainWriter } from '../../src/server/lane/plain-writer.ts';

const desc = CreatePaymentIntentResponseSchema;
const write = createPlainWriter(desc) ?? (() => undefined);

test('what is written is what protobuf writes, whatever was written before', () => {
  const texts = oneof(
    string({ unit: 'binary', maxLength: 300 }),
    constantFrom('', 'pay-1', '결제', '\ud800'),
  );
  const messages = record({
    paymentIntentId: texts,
    status: integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  });
  assert(
    property(messages, (fields) => {
      const message = create(desc, { ...fields, status: fields.status as PaymentStatus });
      expect(write(message)).toEqual(toBinary(desc, message));
    }),
    { numRuns: 1_000 },
  );
});

test('a message keeps its bytes when the next one is written', () => {
  const first = write(create(desc, { paymentIntentId: 'pay-1', status: PaymentStatus.PENDING }));
  const bytes = Buffer.from(first ?? []);
  write(create(desc, { paymentIntentId: 'pay-2', status: PaymentStatus.PENDING }));
  expect(Buffer.from(first ?? []).equals(bytes)).toBe(true);
});

test('unknown fields, other messages and wrong values are left to protobuf, and harm no message after them', () => {
  const good = create(desc, { paymentIntentId: 'pay-1', status: PaymentStatus.PENDING });
  const unknown = create(desc, { paymentIntentId: 'pay-1', status: PaymentStatus.PENDING });
  unknown.$unknown = [{ no: 9, wireType: 0, data: new Uint8Array([1]) }];
  const broken = [
    unknown,
    create(PaymentSchema),
    { ...good, status: 1.5 },
    { ...good, status: 'PENDING' },
    { ...good, paymentIntentId: 7 },
  ];
  for (const message of broken) {
    expect(write(message as unknown as typeof good)).toBeUndefined();
    expect(write(good)).toEqual(toBinary(desc, good));
  }
});

test('messages with other fields have none', () => {
  expect(createPlainWriter(PaymentSchema)).toBeUndefined();
  expect(createPlainWriter(SimulationOptionsSchema)).toBeUndefined();
});
