import { expect, test } from 'vitest';
import { nearMethod } from '../../src/server/http/near-method.ts';

const service = '/payment.v1.PaymentService';
const paths = ['CreatePaymentIntent', 'ProcessPayment', 'GetPaymentStatus', 'ListPayments'].map(
  (method) => `${service}/${method}`,
);

test.each([
  [`${service}/CreatePayment`, 'CreatePaymentIntent'],
  [`${service}/CreatePaymentIntnet`, 'CreatePaymentIntent'],
  [`${service}/createpaymentintent`, 'CreatePaymentIntent'],
  [`${service}/getpayment`, 'GetPaymentStatus'],
  [`${service}/ListPayment`, 'ListPayments'],
  [`${service}/Refund`, undefined],
  [`${service}/Get`, undefined],
  [`${service}/`, undefined],
  ['/payment.v2.PaymentService/CreatePayment', undefined],
  ['/', undefined],
  ['', undefined],
  [`${service}/${'x'.repeat(100_000)}`, undefined],
])('%s is near %s', (path, near) => {
  expect(nearMethod(path, paths)).toBe(near);
});
