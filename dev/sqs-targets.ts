import { SendMessageBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { Logger } from '../src/observability/logger.ts';

/** A message for a queue. */
export interface TargetMessage {
  /** Id of the event, for the log. */
  readonly eventId: string;
  readonly body: string;
}

/** Puts events into queues, as EventBridge does: independently of the answer of PutEvents. */
export interface SqsTargets {
  /** Sends in the background; a message that the queue does not take is lost, with a log line. Never throws. */
  deliver(queueUrl: string, messages: readonly TargetMessage[]): void;
  /** Resolves when all that was sent so far is answered. */
  settled(): Promise<void>;
}

/** Most bytes of one SendMessageBatch, over all its messages. */
const maxBatchBytes = 1_048_576;

/** See `SqsTargets`. `deliver` takes at most ten messages, as many as one PutEvents call has. */
export function createSqsTargets(client: SQSClient, logger: Logger): SqsTargets {
  const pending = new Set<Promise<void>>();

  async function sendBatch(queueUrl: string, messages: readonly TargetMessage[]): Promise<void> {
    try {
      const { Failed: failed = [] } = await client.send(
        new SendMessageBatchCommand({
          QueueUrl: queueUrl,
          Entries: messages.map(({ body }, index) => ({ Id: String(index), MessageBody: body })),
        }),
      );
      for (const { Id: index, Message: reason } of failed) {
        logLost(messages[Number(index)], reason);
      }
    } catch (error) {
      messages.forEach((message) => logLost(message, String(error)));
    }
  }

  function logLost(message: TargetMessage | undefined, reason: string | undefined): void {
    logger.error({ event: message?.eventId, error: reason }, 'The queue did not take an event');
  }

  return {
    deliver(queueUrl, messages) {
      for (const batch of splitBySize(messages)) {
        const sending = sendBatch(queueUrl, batch).finally(() => pending.delete(sending));
        pending.add(sending);
      }
    },
    async settled() {
      await Promise.all(pending);
    },
  };
}

function splitBySize(messages: readonly TargetMessage[]): readonly (readonly TargetMessage[])[] {
  const batches: TargetMessage[][] = [];
  let batchBytes = Infinity;
  for (const message of messages) {
    const bytes = Buffer.byteLength(message.body);
    if (batchBytes + bytes > maxBatchBytes) {
      batches.push([]);
      batchBytes = 0;
    }
    batches.at(-1)?.push(message);
    batchBytes += bytes;
  }
  return batches;
}
