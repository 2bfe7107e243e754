import type { DestinationStream } from 'pino';
import { traceFields } from '../base/call-trace.ts';
import type { SettledPayment } from '../payment/payment.ts';
import { createIsoClock, type Logger } from './logger.ts';

/** Writes the line of a settled payment. */
export type SettlementLog = (payment: SettledPayment) => void;

/**
 * `Payment processed successfully`, the one line that every payment has. It goes past pino to pino's
 * destination, in pino's form: pino joins a line from some forty pieces, and the 1.7 kB of garbage
 * from that were the largest share of all that a payment makes. `test/unit/settlement-log.test.ts`
 * holds the two to the same line.
 *
 * @param logger decides by its level whether the line is written.
 */
export function createSettlementLog(logger: Logger, destination: DestinationStream): SettlementLog {
  const isoNow = createIsoClock();
  return (payment) => {
    if (logger.isLevelEnabled('info')) {
      const line = JSON.stringify({
        level: 'info',
        ts: isoNow(),
        ...settlementFields(payment),
        ...traceFields(payment.trace),
        msg: settlementMessage,
      });
      destination.write(`${line}\n`);
    }
  };
}

/** The line's text. */
export const settlementMessage = 'Payment processed successfully';

/** The line's own keys. */
export function settlementFields(payment: SettledPayment) {
  const fields = {
    payment_id: payment.id,
    reservation_id: payment.reservationId,
    status: payment.status,
    failure_code: payment.failureCode,
    transaction_id: payment.transactionId,
    event_id: payment.eventId,
    latency_ms: payment.settledAtMs - payment.createdAtMs,
  };
  const { sessionId, ruleId } = payment.extras ?? {};
  return sessionId === undefined && ruleId === undefined
    ? fields
    : { ...fields, session_id: sessionId, rule_id: ruleId };
}
