import type { SimClock } from '../base/clock.ts';
import type { IdGenerator } from '../base/ids.ts';
import type { Observer } from '../base/observer.ts';
import type { PaymentEvent } from './event.ts';
import { HandedOverError } from './errors.ts';
import { type Change, settle } from './lifecycle.ts';
import type { PaymentReport } from './observer.ts';
import type { PendingPayment } from './payment.ts';
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
    settle: (payment) => settleAsPlanned(payment, clock.now(), newId),
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

function settleAsPlanned(payment: PendingPayment, settledAtMs: number, newId: IdGenerator): Change {
  return settle(payment, {
    status: payment.plannedOutcome,
    settledAtMs,
    transactionId: newId('txn'),
    eventId: newId('evt'),
    failureCode: payment.plannedOutcome === 'FAILED' ? simulatedFailureCode : undefined,
  });
}
