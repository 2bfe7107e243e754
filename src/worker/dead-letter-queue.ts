import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { QueueMessage } from './queue-message.ts';

/** Where messages go that can never be understood. */
export interface DeadLetterQueue {
  /**
   * Sends a message on, unchanged, with what is known about it as message attributes: `reason`,
   * `error`, `attempts`, `first_attempt_at`, `last_attempt_at`, `channel`, `message_id`.
   *
   * @param error at most a few hundred characters.
   * @throws when SQS did not take it.
   */
  send(message: QueueMessage, reason: string, error: string, nowMs: number): Promise<void>;
}

/** See `DeadLetterQueue`. */
export function createDeadLetterQueue(client: SQSClient, queueUrl: string): DeadLetterQueue {
  return {
    async send(message, reason, error, nowMs) {
      await client.send(
        new SendMessageCommand({
          QueueUrl: queueUrl,
          MessageBody: message.body,
          MessageAttributes: {
            reason: text(reason),
            error: text(error),
            attempts: text(String(message.receiveCount)),
            first_attempt_at: text(new Date(message.firstReceivedAtMs).toISOString()),
            last_attempt_at: text(new Date(nowMs).toISOString()),
            channel: text('reservation-worker'),
            message_id: text(message.id),
          },
        }),
      );
    },
  };
}

/** SQS takes no empty value and only characters that XML allows. */
function text(value: string) {
  const allowed = value.replaceAll(
    /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu,
    '\uFFFD',
  );
  return { DataType: 'String', StringValue: allowed === '' ? '-' : allowed };
}
