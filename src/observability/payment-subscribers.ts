import { traceFields } from '../base/call-trace.ts';
import type { Observer } from '../base/observer.ts';
import type { PaymentReport } from '../payment/observer.ts';
import type { PendingPayment } from '../payment/payment.ts';
import type { Logger } from './logger.ts';
import type { Metrics } from './metrics.ts';
import type { SettlementLog } from './settlement-log.ts';

/* What is counted and logged of payments. */

/** Counts payments and times their settlements. */
export function countPayments(metrics: Metrics): Observer<PaymentReport> {
  return (report) => {
    switch (report.kind) {
      case 'created':
        metrics.intentsCreated[report.payment.scenario].inc();
        break;
      case 'changed': {
        const { payment, event } = report.change;
        if (event.sequence === 1) {
          metrics.settlements[payment.status].inc();
          // Timers are up to a millisecond early, and ProcessPayment hastens what is not due at all.
          metrics.settlementLagSeconds.observe(Math.max(0, payment.settledAtMs - payment.dueAtMs) / 1000);
        }
        break;
      }
      case 'settlement-failed':
        break;
    }
  };
}

/** Writes the log lines of payments. */
export function logPayments(logger: Logger, logSettlement: SettlementLog): Observer<PaymentReport> {
  return (report) => {
    switch (report.kind) {
      case 'created':
        if (logger.isLevelEnabled('debug')) {
          logger.debug(creationFields(report.payment), 'Payment intent created');
        }
        break;
      case 'changed':
        if (report.change.event.sequence === 1) {
          logSettlement(report.change.payment);
        }
        break;
      case 'settlement-failed':
        logger.error({ payment_id: report.paymentId, err: report.error }, 'Settlement failed');
        break;
    }
  };
}

function creationFields(payment: PendingPayment) {
  return {
    payment_id: payment.id,
    reservation_id: payment.reservationId,
    status: payment.status,
    scenario: payment.scenario,
    ...traceFields(payment.trace),
  };
}
