import { type CallTrace, parseCallTrace } from '../base/call-trace.ts';
import { errorMessage } from '../base/error-text.ts';
import { isJsonObject, type JsonObject } from '../base/json.ts';
import { quote } from '../base/quote.ts';
import { eventBridgeDetailTypes } from '../delivery/payload.ts';
import { describeIdProblem } from '../payment/id-rule.ts';

/** The final statuses of a reservation. */
export type ReservationStatus = 'CONFIRMED' | 'CANCELLED';

/** What happened to a payment as it concerns its reservation. */
export interface PaymentOutcome {
  /** The same in every copy of the event; made of payment and status where the event has none. */
  readonly eventId: string;
  readonly paymentId: string;
  readonly reservationId: string;
  /** Undefined when the reservation stays as it is: a part was refunded, or a refund has failed. */
  readonly reservationStatus: ReservationStatus | undefined;
  /** Counts the events of the payment; 1 in events of 0.1, which has one per payment. */
  readonly sequence: number;
  /** The trace of the call that created the payment, undefined when the event has none. */
  readonly trace: CallTrace | undefined;
}

/** Why no receive of a message can succeed; short and bounded in variety, fit for a metric label. */
export type PoisonReason =
  'malformed_json' | 'unexpected_type' | 'missing_fields' | `invalid_${IdName}` | 'unknown_status';

/** The ids of an event. */
type IdName = 'event_id' | 'payment_id' | 'reservation_id';
const idNames: readonly IdName[] = ['event_id', 'payment_id', 'reservation_id'];
/** Without these nothing can be done; other publishers than the service leave the event's own out. */
const requiredNames: readonly IdName[] = ['payment_id', 'reservation_id'];

/** The content of a message, or why it is a poison message. */
type ParsedMessage =
  | { readonly kind: 'outcome'; readonly outcome: PaymentOutcome }
  | { readonly kind: 'poison'; readonly reason: PoisonReason; readonly detail: string };

/** The payment's status decides about the reservation. */
const reservationStatuses: ReadonlyMap<string, ReservationStatus> = new Map([
  ['PAYMENT_STATUS_COMPLETED', 'CONFIRMED'],
  ['PAYMENT_STATUS_FAILED', 'CANCELLED'],
  ['PAYMENT_STATUS_CANCELLED', 'CANCELLED'],
  ['PAYMENT_STATUS_REFUNDED', 'CANCELLED'],
  ['PAYMENT_STATUS_EXPIRED', 'CANCELLED'],
]);

/** Longest part of an event that a reason quotes, in characters. */
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
    return toPoison('malformed_json', errorMessage(error));
  }
  if (!isJsonObject(message)) {
    return toPoison('malformed_json', 'not a JSON object');
  }
  if (!('detail' in message) && !('detail-type' in message)) {
    return parseDetail(message);
  }
  const { 'detail-type': detailType, detail } = message;
  if (!Object.values<unknown>(eventBridgeDetailTypes).includes(detailType)) {
    return toPoison('unexpected_type', `detail-type ${quote(detailType, maxQuoted)}`);
  }
  return isJsonObject(detail) ? parseDetail(detail) : toPoison('missing_fields', 'detail');
}

function parseDetail(detail: JsonObject): ParsedMessage {
  const { event_type: eventType = 'payment.status_updated', status, sequence = 1 } = detail;
  if (typeof eventType !== 'string' || !Object.hasOwn(eventBridgeDetailTypes, eventType)) {
    return toPoison('unexpected_type', `event_type ${quote(eventType, maxQuoted)}`);
  }
  const missing = requiredNames.filter((name) => textOf(detail, name) === '');
  if (missing.length > 0 || status === undefined) {
    return toPoison('missing_fields', [...missing, ...(status === undefined ? ['status'] : [])].join(', '));
  }
  const ids: JsonObject & { readonly event_id: string } = {
    ...detail,
    event_id: textOf(detail, 'event_id') || identityOf(detail),
  };
  // The rule of the API: what it refuses no URL or header of an update could carry as it is.
  for (const name of idNames) {
    const problem = describeIdProblem(textOf(ids, name));
    if (problem !== undefined) {
      return toPoison(`invalid_${name}`, `${name} ${quote(ids[name], maxQuoted)} ${problem}`);
    }
  }
  const reservationStatus = typeof status === 'string' ? reservationStatuses.get(status) : undefined;
  return reservationStatus === undefined
    ? toPoison('unknown_status', quote(status, maxQuoted))
    : {
        kind: 'outcome',
        outcome: {
          eventId: ids.event_id,
          paymentId: textOf(detail, 'payment_id'),
          reservationId: textOf(detail, 'reservation_id'),
          reservationStatus: eventType === 'payment.refund_updated' ? undefined : reservationStatus,
          sequence: typeof sequence === 'number' && sequence >= 1 ? sequence : 1,
          trace: traceOf(detail),
        },
      };
}

/** What tells the events of other publishers apart, which have no id: each status of a payment comes once. */
function identityOf(detail: JsonObject): string {
  return `${textOf(detail, 'payment_id')}-${textOf(detail, 'status')}`;
}

/** A malformed trace is dropped, as the service does in calls: it does not make the message poison. */
function traceOf(detail: JsonObject): CallTrace | undefined {
  const context = isJsonObject(detail['trace_context']) ? detail['trace_context'] : {};
  return parseCallTrace({
    traceparent: textOf(context, 'traceparent'),
    tracestate: textOf(context, 'tracestate'),
    requestId: textOf(detail, 'request_id'),
  });
}

function toPoison(reason: PoisonReason, detail: string): ParsedMessage {
  return { kind: 'poison', reason, detail };
}

/** The text of a field as it stands; empty when it is missing or no text. */
function textOf(fields: JsonObject, name: string): string {
  const value = fields[name];
  return typeof value === 'string' ? value : '';
}
