import type { SimClock } from '../base/clock.ts';
import type { IdGenerator } from '../base/ids.ts';
import type { Observer } from '../base/observer.ts';
import { nowOf } from './session-time.ts';
import { endPlannedRefund } from './cancellation.ts';
import type { PaymentEvent } from './event.ts';
import { HandedOverError } from './errors.ts';
import { type Change, settle } from './lifecycle.ts';
import type { PaymentReport } from './observer.ts';
import type { PendingPayment, SettledPayment, SettledStatus, SettlementStatus } from './payment.ts';
import type { PaymentHandlers } from './ports.ts';

interface SettlementDeps {
  readonly clock: SimClock;
  readonly newId: IdGenerator;
  /** See `PaymentHandlers`. */
  readonly announce: (event: PaymentEvent) => Promise<void> | undefined;
  readonly hasRoom: (origin: string | undefined) => boolean;
  readonly observe: Observer<PaymentReport>;
}

/** What a failed payment tells as its reason. */
const simulatedFailureCode = 'card_declined';

/** How payments settle when they are due. */
export function createSettlement(deps: SettlementDeps): PaymentHandlers {
  const { clock, newId, announce, hasRoom, observe } = deps;
  return {
    settle: (payment) => settleAs(payment, payment.plannedOutcome, nowOf(clock, payment), newId),
    endRefund: (payment, refundId) => endPlannedRefund(payment, refundId, nowOf(clock, payment)),
    changed: (change) => observe({ kind: 'changed', change }),
    announce,
    hasRoom,
    failed(paymentId, error) {
      if (!(error instanceof HandedOverError)) {
        observe({ kind: 'settlement-failed', paymentId, error });
      }
    },
  };
}

/** Settles a payment with an outcome; nobody is asked for money that was cancelled or has expired. */
export function settleAs(
  payment: PendingPayment,
  status: SettlementStatus,
  settledAtMs: number,
  newId: IdGenerator,
): Change {
  const { transactionId, failureCode } = outcomeOf(status, newId, payment.extras?.failureCode);
  return settle(payment, { status, settledAtMs, transactionId, eventId: newId('evt'), failureCode });
}

/**
 * What a status says of the payment's transaction.
 *
 * @param failureCode why it failed, if it did.
 */
export function outcomeOf(
  status: SettledStatus,
  newId: IdGenerator,
  failureCode = simulatedFailureCode,
): Pick<SettledPayment, 'transactionId' | 'failureCode'> {
  return {
    transactionId: status === 'CANCELLED' || status === 'EXPIRED' ? '' : newId('txn'),
    failureCode: status === 'FAILED' ? failureCode : undefined,
  };
}
