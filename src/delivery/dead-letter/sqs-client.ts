import type { AwsConfig } from '../../aws/aws-config.ts';
import { sqsClientOptions } from '../../aws/client-options.ts';
import type { CredentialSource } from '../../aws/credential-source.ts';
import { codeAndMessage } from '../../aws/failures.ts';
import type { SendMessages } from './sqs-queue.ts';

/** Short, because every letter is in the log and a shutdown may wait for this; in milliseconds. */
const timeoutMs = 3_000;

/** Loads the SDK and makes a sender of messages to one queue. */
export async function loadSqsSender(options: {
  readonly aws: AwsConfig;
  readonly credentials: CredentialSource | undefined;
  readonly queueUrl: string;
}): Promise<SendMessages> {
  const { SendMessageBatchCommand, SQSClient } = await import('@aws-sdk/client-sqs');
  const { aws, credentials, queueUrl } = options;
  const client = new SQSClient(sqsClientOptions(aws, credentials, queueUrl, { timeoutMs, maxSockets: 4 }));
  return async (messages) => {
    const { Failed = [] } = await client.send(
      new SendMessageBatchCommand({
        QueueUrl: queueUrl,
        Entries: messages.map((message, index) => ({
          Id: String(index),
          MessageBody: message.body,
          MessageAttributes: Object.fromEntries(
            Object.entries(message.attributes).map(([name, value]) => [
              name,
              { DataType: 'String', StringValue: value },
            ]),
          ),
        })),
      }),
    );
    return Failed.map((failure) => ({
      index: Number(failure.Id),
      retryable: failure.SenderFault !== true,
      detail: codeAndMessage(failure.Code, failure.Message),
    }));
  };
}
