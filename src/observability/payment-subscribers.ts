import { traceFields } from '../base/call-trace.ts';
import type { Observer } from '../base/observer.ts';
import type { PaymentReport } from '../payment/observer.ts';
import type { EventRefund } from '../payment/event.ts';
import type { Change } from '../payment/lifecycle.ts';
import type { Payment, PendingPayment } from '../payment/payment.ts';
import type { Logger, QuietLevel } from './logger.ts';
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
        if (event?.sequence === 1 && payment.status !== 'REFUNDED') {
          metrics.settlements[payment.status].inc();
          if (payment.status !== 'CANCELLED') {
            // Timers are up to a millisecond early, and ProcessPayment hastens what is not due at all.
            metrics.settlementLagSeconds.observe(Math.max(0, payment.settledAtMs - payment.dueAtMs) / 1000);
          }
        } else if (event?.refund !== undefined) {
          metrics.refunds[event.refund.status].inc();
        }
        break;
      }
      case 'settlement-failed':
        break;
    }
  };
}

/**
 * Writes the log lines of payments.
 *
 * @param quiet the level of what goes as it should: `info` where people watch.
 */
export function logPayments(
  logger: Logger,
  logSettlement: SettlementLog,
  quiet: QuietLevel,
): Observer<PaymentReport> {
  return (report) => {
    switch (report.kind) {
      case 'created':
        if (logger.isLevelEnabled(quiet)) {
          logger[quiet](creationFields(report.payment), 'Payment intent created');
        }
        break;
      case 'changed':
        logChange(logger, logSettlement, report.change);
        break;
      case 'settlement-failed':
        logger.error({ payment_id: report.paymentId, err: report.error }, 'Settlement failed');
        break;
    }
  };
}

function logChange(logger: Logger, logSettlement: SettlementLog, change: Change): void {
  const { payment, event, refund } = change;
  if (event?.refund !== undefined) {
    logRefund(logger, change, event.refund);
  } else if (refund !== undefined) {
    logger.info({ ...changeFields(change), refund_id: refund.id }, 'Refund begun');
  } else if (payment.status === 'CANCELLED') {
    logger.info(changeFields(change), 'Payment cancelled');
  } else if (payment.status === 'EXPIRED') {
    logger.info(changeFields(change), 'Payment expired');
  } else {
    logSettlement(payment);
  }
}

function logRefund(
  logger: Logger,
  change: Change,
  { id, status, failureCode, refundedAmount }: EventRefund,
): void {
  const fields = { ...changeFields(change), refund_id: id, refunded_amount: refundedAmount };
  if (status === 'SUCCEEDED') {
    logger.info(fields, 'Payment refunded');
  } else {
    logger.info({ ...fields, failure_code: failureCode }, 'Refund failed');
  }
}

function changeFields({ payment, event, reason }: Change) {
  return {
    payment_id: payment.id,
    reservation_id: payment.reservationId,
    status: payment.status,
    ...(event !== undefined && { event_id: event.id }),
    ...steeringFields(payment),
    ...(reason !== undefined && reason !== '' && { reason }),
    ...traceFields(payment.trace),
  };
}

/** Whose it is, and which rules decided. */
function steeringFields({ extras }: Payment) {
  const { sessionId, ruleId } = extras ?? {};
  return {
    ...(sessionId !== undefined && { session_id: sessionId }),
    ...(ruleId !== undefined && { rule_id: ruleId }),
  };
}

function creationFields(payment: PendingPayment) {
  return {
    payment_id: payment.id,
    reservation_id: payment.reservationId,
    user_id: payment.userId,
    status: payment.status,
    scenario: payment.scenario,
    amount: payment.money.amount,
    currency: payment.money.currency,
    settles_in_ms: payment.extras?.isHeld === true ? undefined : payment.dueAtMs - payment.createdAtMs,
    ...steeringFields(payment),
    ...traceFields(payment.trace),
  };
}
