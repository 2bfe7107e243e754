import { PaymentError } from './errors.ts';
import type { Payment } from './payment.ts';
import type { Payments } from './ports.ts';

/** @throws PaymentError `payment-not-found` for an unknown payment, and for that of another user where one is given. */
export async function findPayment(
  payments: Pick<Payments, 'get'>,
  { paymentId, userId }: { readonly paymentId: string; readonly userId: string },
): Promise<Payment> {
  const payment = await payments.get(paymentId);
  if (payment === undefined || (userId !== '' && userId !== payment.userId)) {
    throw notFound(paymentId);
  }
  return payment;
}

/** @param detail follows on the payment's id. */
export function conflict(paymentId: string, detail: string): PaymentError {
  return new PaymentError({ kind: 'conflict', paymentId, detail });
}

export function notFound(paymentId: string): PaymentError {
  return new PaymentError({ kind: 'payment-not-found', paymentId });
}
