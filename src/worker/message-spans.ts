import type { CallTrace } from '../base/call-trace.ts';
import type { Span, StartSpan } from '../base/span.ts';
import { urlAttributes } from '../observability/url-attributes.ts';
import type { PaymentOutcome } from './payment-outcome.ts';
import type { QueueMessage } from './queue-message.ts';

/* What the worker does, as spans; names and attributes are those of OpenTelemetry's semantic conventions. */

/** Begins the span of a message in hand; `outcome` is undefined when it cannot be understood. */
export type StartMessageSpan = (message: QueueMessage, outcome: PaymentOutcome | undefined) => Span;

/** Begins the span of an update of a reservation. */
export type StartUpdateSpan = (url: string, parent: CallTrace | undefined) => Span;

/** The spans of messages from the queue with this address. */
export function traceMessages(startSpan: StartSpan, queueUrl: string): StartMessageSpan {
  const queue = queueUrl.slice(queueUrl.lastIndexOf('/') + 1);
  return (message, outcome) =>
    startSpan({
      name: `process ${queue}`,
      kind: 'consumer',
      parent: outcome?.trace,
      attributes: {
        'messaging.system.name': 'aws_sqs',
        'messaging.operation.name': 'process',
        'messaging.operation.type': 'process',
        'messaging.destination.name': queue,
        'messaging.message.id': message.id,
        'payment_sim.payment.id': outcome?.paymentId,
        'payment_sim.reservation.id': outcome?.reservationId,
        'payment_sim.event.id': outcome?.eventId,
        'payment_sim.attempt': message.receiveCount,
      },
    });
}

/** The spans of calls to the reservation API. */
export function traceUpdates(startSpan: StartSpan): StartUpdateSpan {
  return (url, parent) =>
    startSpan({
      name: 'PATCH',
      kind: 'client',
      parent,
      attributes: { 'http.request.method': 'PATCH', ...urlAttributes(url) },
    });
}
