import type { SpanAttributes, StartSpan } from '../base/span.ts';
import type { Delivery, WebhookDelivery } from '../delivery/delivery.ts';
import { eventBridgeDetailTypes } from '../delivery/payload.ts';
import type { StartAttemptSpan } from '../delivery/ports.ts';
import type { PaymentEvent } from '../payment/event.ts';
import { urlAttributes } from './url-attributes.ts';

/* Attempts at deliveries, as spans; names and attributes are those of OpenTelemetry's semantic conventions. */

/** The spans of webhook attempts. */
export function traceWebhooks(startSpan: StartSpan): StartAttemptSpan<WebhookDelivery> {
  return ({ event, attempts, url }) => {
    const span = startSpan({
      name: 'POST',
      kind: 'client',
      parent: event.payment.trace,
      attributes: {
        'http.request.method': 'POST',
        ...urlAttributes(url),
        'http.request.resend_count': attempts === 0 ? undefined : attempts,
        ...eventAttributes(event),
        'payment_sim.attempt': attempts + 1,
      },
    });
    return {
      trace: span.trace,
      end(failure, statusCode) {
        const code = statusCode === 0 ? undefined : statusCode;
        // A status by its number, as the conventions have it; anything else by the reason that is counted.
        const error = failure && (code === undefined ? failure.reason : String(code));
        span.end({ 'http.response.status_code': code, 'error.type': error }, failure?.reason);
      },
    };
  };
}

/**
 * The spans of attempts to bring events to EventBridge. Each event has its own, and not each call: the events of a
 * call are of as many traces, and what a rule does with one of them belongs under that one alone.
 *
 * @param bus name or ARN of where the events go.
 */
export function traceEvents(startSpan: StartSpan, bus: string): StartAttemptSpan<Delivery> {
  const busName = bus.slice(bus.lastIndexOf('/') + 1);
  return ({ event, attempts }) => {
    const span = startSpan({
      name: `send ${busName}`,
      kind: 'producer',
      parent: event.payment.trace,
      attributes: {
        // Not in the conventions' list, which allows names of one's own.
        'messaging.system.name': 'aws.eventbridge',
        'messaging.operation.name': 'PutEvents',
        'messaging.operation.type': 'send',
        'messaging.destination.name': busName,
        ...eventAttributes(event),
        'payment_sim.event.detail_type': eventBridgeDetailTypes[event.type],
        'payment_sim.attempt': attempts + 1,
      },
    });
    return {
      trace: span.trace,
      end: (failure) => span.end({ 'error.type': failure?.reason }, failure?.reason),
    };
  };
}

/** What the spans of attempts say of their event. */
function eventAttributes({ id, type, payment, sessionId }: PaymentEvent): SpanAttributes {
  return {
    'payment_sim.payment.id': payment.id,
    'payment_sim.reservation.id': payment.reservationId,
    'payment_sim.payment.status': payment.status,
    'payment_sim.session.id': sessionId,
    'payment_sim.event.id': id,
    'payment_sim.event.type': type,
  };
}
