import { type CallTrace, parseCallTrace } from '../base/call-trace.ts';
import { eventBridgeDetailType, webhookEventType } from '../delivery/payload.ts';

/** What becomes of a reservation. */
export type ReservationStatus = 'CONFIRMED' | 'CANCELLED';

/** The outcome of a payment as it concerns its reservation. */
export interface PaymentOutcome {
  /** The same in every copy of the event. */
  readonly eventId: string;
  readonly paymentId: string;
  readonly reservationId: string;
  readonly reservationStatus: ReservationStatus;
  /** Where the call that created the payment belongs, undefined when the event does not say. */
  readonly trace: CallTrace | undefined;
}

/** Why a message can never be understood; short and bounded in variety, fit for a metric label. */
export type PoisonReason =
  'malformed_json' | 'unexpected_type' | 'missing_fields' | 'invalid_reservation_id' | 'unknown_status';

/** What a message says, or why it says nothing. */
export type ParsedMessage =
  | { readonly kind: 'outcome'; readonly outcome: PaymentOutcome }
  | { readonly kind: 'poison'; readonly reason: PoisonReason; readonly detail: string };

/** The payment's final status decides about the reservation. */
const reservationStatuses: ReadonlyMap<string, ReservationStatus> = new Map([
  ['PAYMENT_STATUS_COMPLETED', 'CONFIRMED'],
  ['PAYMENT_STATUS_FAILED', 'CANCELLED'],
]);

/** Longest text of an event that is quoted back, in characters. */
const maxQuoted = 100;

/**
 * Reads the body of a queue message: an EventBridge envelope, or its detail alone, which is what a
 * rule with the input path `$.detail` sends.
 */
export function parseMessage(body: string): ParsedMessage {
  let message: unknown;
  try {
    message = JSON.parse(body);
  } catch (error) {
    return poison('malformed_json', error instanceof Error ? error.message : String(error));
  }
  if (!isObject(message)) {
    return poison('malformed_json', 'not a JSON object');
  }
  if (!('detail' in message) && !('detail-type' in message)) {
    return parseDetail(message);
  }
  const { 'detail-type': detailType, detail } = message;
  if (detailType !== eventBridgeDetailType) {
    return poison('unexpected_type', `detail-type ${quote(detailType)}`);
  }
  return isObject(detail) ? parseDetail(detail) : poison('missing_fields', 'detail');
}

function parseDetail(detail: Readonly<Record<string, unknown>>): ParsedMessage {
  const { event_type: eventType, status } = detail;
  if (eventType !== undefined && eventType !== webhookEventType) {
    return poison('unexpected_type', `event_type ${quote(eventType)}`);
  }
  const eventId = textOf(detail, 'event_id');
  const paymentId = textOf(detail, 'payment_id');
  const reservationId = textOf(detail, 'reservation_id');
  if (eventId === '' || paymentId === '' || reservationId === '' || status === undefined) {
    const missing = ['event_id', 'payment_id', 'reservation_id'].filter(
      (name) => textOf(detail, name) === '',
    );
    return poison('missing_fields', [...missing, ...(status === undefined ? ['status'] : [])].join(', '));
  }
  // The id becomes a segment of a URL's path, and these two would lead out of it, however encoded.
  if (reservationId === '.' || reservationId === '..') {
    return poison('invalid_reservation_id', quote(reservationId));
  }
  const reservationStatus = typeof status === 'string' ? reservationStatuses.get(status) : undefined;
  return reservationStatus === undefined
    ? poison('unknown_status', quote(status))
    : {
        kind: 'outcome',
        outcome: { eventId, paymentId, reservationId, reservationStatus, trace: traceOf(detail) },
      };
}

/** What is malformed is left out, as at the other end: an event is worth more than its trace. */
function traceOf(detail: Readonly<Record<string, unknown>>): CallTrace | undefined {
  const context = isObject(detail['trace_context']) ? detail['trace_context'] : {};
  return parseCallTrace({
    traceparent: textOf(context, 'traceparent'),
    tracestate: textOf(context, 'tracestate'),
    requestId: textOf(detail, 'request_id'),
  });
}

function poison(reason: PoisonReason, detail: string): ParsedMessage {
  return { kind: 'poison', reason, detail };
}

/** The text of a field; empty when it is missing, blank or no text. */
function textOf(fields: Readonly<Record<string, unknown>>, name: string): string {
  const value = fields[name];
  return typeof value === 'string' ? value.trim() : '';
}

function quote(value: unknown): string {
  return (JSON.stringify(value) ?? 'missing').slice(0, maxQuoted);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
