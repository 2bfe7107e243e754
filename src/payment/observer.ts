import type { Change } from './lifecycle.ts';
import type { PendingPayment } from './payment.ts';

/** What the domain tells its observers. */
export type PaymentReport =
  | { readonly kind: 'created'; readonly payment: PendingPayment }
  /** Once for every change, by the process that made it, before its event, if it has one, is announced. */
  | { readonly kind: 'changed'; readonly change: Change }
  /** A payment that was due did not settle, or its event was not announced; nobody waits for an answer. */
  | { readonly kind: 'settlement-failed'; readonly paymentId: string; readonly error: unknown };
