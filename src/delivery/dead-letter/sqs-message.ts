import { toSqsJson, toSqsText } from '../../aws/sqs-text.ts';
import { type DeadLetter, isoTime } from '../dead-letter.ts';
import { encodeEventBridgeDetail, eventBridgeDetailTypes } from '../payload.ts';

/** A message for SQS. */
export interface DeadLetterMessage {
  readonly body: string;
  /** Never empty, and fit for the message attributes of SQS. */
  readonly attributes: Readonly<Record<string, string>>;
}

/** Where EventBridge would say that the event comes from. */
export interface EventOrigin {
  readonly source: string;
  readonly region: string;
}

/** No more than this of an error goes into an attribute, in characters. */
const maxErrorLength = 512;

/**
 * A letter as an SQS message. The body is the event in the envelope in which EventBridge would have
 * brought it, so that a message moved to the worker's queue is handled there like any other; how it
 * came to be here is in the attributes.
 *
 * @param nowMs when the letter is sent, in milliseconds since the epoch.
 */
export function toDeadLetterMessage(
  letter: DeadLetter,
  origin: EventOrigin,
  nowMs: number,
): DeadLetterMessage {
  const { delivery } = letter;
  const { event } = delivery;
  // The detail is JSON already, so it is put in as it is.
  const envelope = JSON.stringify({
    version: '0',
    id: event.id,
    'detail-type': eventBridgeDetailTypes[event.type],
    source: origin.source,
    account: '000000000000',
    time: new Date(event.occurredAtMs).toISOString().replace(/\.\d{3}Z$/, 'Z'),
    region: origin.region,
    resources: [],
  });
  const detail = encodeEventBridgeDetail(event, Math.floor(nowMs / 1000));
  const attributes: Record<string, string | undefined> = {
    channel: letter.channel,
    reason: letter.reason,
    attempts: String(delivery.attempts),
    first_attempt_at: isoTime(delivery.firstAttemptAtMs),
    last_attempt_at: isoTime(delivery.lastAttemptAtMs),
    error: toSqsText(letter.error.slice(0, maxErrorLength)),
    event_id: event.id,
    payment_id: event.payment.id,
    webhook_url: letter.url,
  };
  return {
    body: toSqsJson(`${envelope.slice(0, -1)},"detail":${detail}}`),
    attributes: Object.fromEntries(
      Object.entries(attributes).filter(
        (entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== '',
      ),
    ),
  };
}
