import { create, fromJsonString } from '@bufbuild/protobuf';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { CreatePaymentIntentRequestSchema } from '../../gen/payment/v1/payment_pb.js';
import { createPlainJsonReader } from '../../src/server/connect/plain-json.ts';

const read = createPlainJsonReader(CreatePaymentIntentRequestSchema);

test('an ordinary create is read, by either names of its fields', () => {
  const expected = create(CreatePaymentIntentRequestSchema, {
    reservationId: 'r-1',
    userId: 'u-1',
    amount: { amount: 120_000n, currency: 'KRW' },
    scenario: 2,
    webhookUrl: 'http://localhost:9000/a:b',
  });
  const texts = [
    '{"reservation_id":"r-1","user_id":"u-1","amount":{"amount":"120000","currency":"KRW"},"scenario":"PAYMENT_SCENARIO_FAIL","webhook_url":"http://localhost:9000/a:b"}',
    '{ "reservationId" : "r-1",\n\t"userId"\t:\r\n"u-1", "amount": {"amount": "120000", "currency": "KRW"}, "scenario": "PAYMENT_SCENARIO_FAIL", "webhookUrl": "http:\\/\\/localhost:9000\\/a:b"}',
  ];
  for (const text of texts) {
    expect(read(text)).toEqual(expected);
  }
  expect(read('{}')).toEqual(create(CreatePaymentIntentRequestSchema));
});

test.each([
  '{"user_id":"a","user_id":"b"}',
  '{"user_id":"a","user_id" :"b"}',
  '{"user_id":"a","user_id"\n: "b"}',
  '{"user_id":"a","\\u0075ser_id":"b"}',
  '{"user_id":"a","userId":"b"}',
  '{"amount":{"currency":"KRW","currency":"USD"}}',
  '{"amount":{"amount":"1"},"amount":{}}',
  '{"user_id":null}',
  '{"user_id":1}',
  '{"nothing":"a"}',
  '{"__proto__":"a"}',
  '{"scenario":1}',
  '{"scenario":"approve"}',
  '{"scenario":"toString"}',
  '{"amount":{"amount":120000,"currency":"KRW"}}',
  '{"amount":{"amount":"0x10"}}',
  '{"amount":{"amount":"1234567890123456789"}}',
  '{"amount":[]}',
  '{"simulation":{"delay_ms":5}}',
  '{"metadata":{"tags":{"a":"b"}}}',
  '[]',
  'null',
  '"a"',
  '{"user_id":"a"',
  '',
])('%s is for the decoder', (text) => {
  expect(read(text)).toBeUndefined();
});

/** Pieces of creates, right and wrong, of which texts are made. */
const names = fc.constantFrom(
  'reservation_id',
  'reservationId',
  'user_id',
  'amount',
  'currency',
  'scenario',
  'metadata',
  'source',
  'sessionId',
  'simulation',
);
const space = fc.constantFrom('', ' ', '\n', '\t ');
const leaves = fc.oneof(
  fc.string({ maxLength: 6 }).map((text) => JSON.stringify(text)),
  fc.constantFrom(
    '"1"',
    '"-7"',
    '"007"',
    '"-0"',
    '1',
    'null',
    'true',
    '"a\\":\\"b"',
    '"PAYMENT_SCENARIO_FAIL"',
    '"\\u0041:"',
  ),
);
const { value: values } = fc.letrec<{ value: string; object: string }>((tie) => ({
  value: fc.oneof({ maxDepth: 2 }, leaves, tie('object')),
  object: fc
    .array(fc.tuple(names, space, space, tie('value')), { maxLength: 5 })
    .map(
      (members) =>
        `{${members.map(([name, before, after, value]) => `"${name}"${before}:${after}${value}`).join(',')}}`,
    ),
}));

test('what is read is what the decoder reads', () => {
  let count = 0;
  fc.assert(
    fc.property(fc.array(fc.tuple(names, space, space, values), { maxLength: 4 }), (members) => {
      const text = `{${members.map(([name, before, after, value]) => `"${name}"${before}:${after}${value}`).join(',')}}`;
      const message = read(text);
      if (message !== undefined) {
        count += 1;
        expect(message).toEqual(fromJsonString(CreatePaymentIntentRequestSchema, text));
      }
    }),
    { numRuns: 5_000 },
  );
  expect(count).toBeGreaterThan(100);
});
