import type { Observer } from '../base/observer.ts';
import type { SpanAttributes, StartSpan } from '../base/span.ts';
import type { Change } from '../payment/lifecycle.ts';
import type { PaymentReport } from '../payment/observer.ts';
import type { Payment } from '../payment/payment.ts';

/* What becomes of payments, as spans. */

/**
 * Makes a span of every change of a payment. It is a moment: how long a payment waited is in the attributes, by
 * the simulation's clock, which a tester may move, while spans have the machine's time.
 */
export function traceChanges(startSpan: StartSpan): Observer<PaymentReport> {
  return (report) => {
    if (report.kind === 'changed') {
      const { payment } = report.change;
      startSpan({
        name: nameOf(report.change),
        kind: 'internal',
        parent: payment.trace,
        attributes: attributesOf(report.change),
      }).end();
    }
  };
}

function nameOf({ event, refund }: Change): string {
  if (event?.refund !== undefined) {
    return 'end refund';
  }
  return refund === undefined ? 'settle payment' : 'begin refund';
}

function attributesOf({ payment, event, refund }: Change): SpanAttributes {
  const isSettlement = event?.sequence === 1;
  return {
    ...ownerAttributes(payment),
    'payment_sim.payment.status': payment.status,
    'payment_sim.payment.failure_code': payment.failureCode,
    'payment_sim.event.id': event?.id,
    'payment_sim.refund.id': event?.refund?.id ?? refund?.id,
    'payment_sim.refund.status': event?.refund?.status,
    'payment_sim.latency_ms': isSettlement ? payment.settledAtMs - payment.createdAtMs : undefined,
    // As in `countPayments`: 0 when ProcessPayment has hastened it.
    'payment_sim.lag_ms': isSettlement ? Math.max(0, payment.settledAtMs - payment.dueAtMs) : undefined,
  };
}

function ownerAttributes({ id, reservationId, extras }: Payment): SpanAttributes {
  return {
    'payment_sim.payment.id': id,
    'payment_sim.reservation.id': reservationId,
    'payment_sim.session.id': extras?.sessionId,
    'payment_sim.rule.id': extras?.ruleId,
  };
}
