import { type MessageAttributeValue, SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { toSqsText } from '../aws/sqs-text.ts';
import type { QueueMessage } from './queue-message.ts';

/**
 * Takes poison messages, which no later receive can handle, out of the worker's queue: it sends them to
 * the dead-letter queue. Messages that only fail get there by the queue's redrive policy instead.
 */
export interface PoisonQueue {
  /**
   * Sends a message on, unchanged, with what is known about it as message attributes: `reason`,
   * `error`, `attempts`, `first_attempt_at`, `last_attempt_at`, `channel`, `message_id`. Without them when
   * the message is so large that they do not fit.
   *
   * @param error at most a few hundred characters.
   * @param nowMs time of day, in milliseconds since the epoch.
   * @throws when SQS did not take it.
   */
  send(message: QueueMessage, reason: string, error: string, nowMs: number): Promise<void>;
}

/** See `PoisonQueue`; `queueUrl` is that of the dead-letter queue. */
export function createPoisonQueue(client: SQSClient, queueUrl: string): PoisonQueue {
  return {
    async send(message, reason, error, nowMs) {
      const input = { QueueUrl: queueUrl, MessageBody: message.body };
      const MessageAttributes = {
        reason: toAttribute(reason),
        error: toAttribute(error),
        attempts: toAttribute(String(message.receiveCount)),
        first_attempt_at: toAttribute(new Date(message.firstReceivedAtMs).toISOString()),
        last_attempt_at: toAttribute(new Date(nowMs).toISOString()),
        channel: toAttribute('reservation-worker'),
        message_id: toAttribute(message.id),
      };
      try {
        await client.send(new SendMessageCommand({ ...input, MessageAttributes }));
      } catch (failure) {
        // Attributes count as the body does: beside a body of the largest size there is no room for them.
        if (!isInvalidParameter(failure)) {
          throw failure;
        }
        await client.send(new SendMessageCommand(input));
      }
    },
  };
}

/** What SQS calls a message that is too large, among others; with or without `AWS.SimpleQueueService.` before it. */
function isInvalidParameter(failure: unknown): boolean {
  return failure instanceof Error && failure.name.includes('InvalidParameterValue');
}

/** SQS refuses an attribute with an empty value. */
function toAttribute(value: string): MessageAttributeValue {
  return { DataType: 'String', StringValue: value === '' ? '-' : toSqsText(value) };
}
