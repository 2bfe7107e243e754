import type { Message } from '@aws-sdk/client-sqs';
import { readWholeNumber } from '../base/whole-number.ts';

/** A received message, with defaults for what SQS may leave out. */
export interface QueueMessage {
  readonly id: string;
  readonly body: string;
  /** How often it has been received, this time included; at least 1. */
  readonly receiveCount: number;
  /** When it was put into the queue, in milliseconds since the epoch; undefined when SQS does not say. */
  readonly sentAtMs: number | undefined;
  /** In milliseconds since the epoch. */
  readonly firstReceivedAtMs: number;
}

/** The system attributes that `toQueueMessage` needs; SQS sends those only that a receive asks for. */
export const messageAttributes = [
  'ApproximateReceiveCount',
  'SentTimestamp',
  'ApproximateFirstReceiveTimestamp',
] as const;

/**
 * A message of the SDK as a `QueueMessage`.
 *
 * @param nowMs when it was received, in milliseconds since the epoch.
 */
export function toQueueMessage(message: Message, nowMs: number): QueueMessage {
  const attributes = message.Attributes ?? {};
  return {
    id: message.MessageId ?? '',
    body: message.Body ?? '',
    receiveCount: Math.max(1, readWholeNumber(attributes.ApproximateReceiveCount) ?? 1),
    sentAtMs: readWholeNumber(attributes.SentTimestamp) || undefined,
    firstReceivedAtMs: readWholeNumber(attributes.ApproximateFirstReceiveTimestamp) || nowMs,
  };
}
