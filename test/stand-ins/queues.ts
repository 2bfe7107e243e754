import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  SendMessageBatchCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { expect, onTestFinished } from 'vitest';
import { localCredentials } from '../../dev/local-aws.ts';

export const region = 'ap-northeast-2';

/** The queues of docs/aws.md at a stand-in. */
export interface StandInQueues {
  readonly client: SQSClient;
  readonly main: StandInQueue;
  readonly deadLetters: StandInQueue;
  /** Leads a process of the service to this SQS. */
  readonly env: Readonly<Record<string, string>>;
}

/** One queue. */
export interface StandInQueue {
  readonly url: string;
  readonly arn: string;
}

/** What is in a queue: to be received, and received but not deleted. */
interface QueueCount {
  readonly visible: number;
  readonly hidden: number;
}

/** Both as they are when nothing is left. */
export const empty: QueueCount = { visible: 0, hidden: 0 };

/** Makes a queue with its dead-letter queue; `name` is the test's own, as the tests share a server. */
export async function createQueues(
  sqsUrl: string,
  name: string,
  maxReceiveCount = 10,
): Promise<StandInQueues> {
  const client = new SQSClient({
    region,
    endpoint: sqsUrl,
    credentials: localCredentials,
    useQueueUrlAsEndpoint: false,
  });
  onTestFinished(() => client.destroy());
  const deadLetters = await createQueue(client, sqsUrl, `${name}-dlq`, { MessageRetentionPeriod: '1209600' });
  const main = await createQueue(client, sqsUrl, name, {
    VisibilityTimeout: '30',
    MessageRetentionPeriod: '345600',
    RedrivePolicy: JSON.stringify({ deadLetterTargetArn: deadLetters.arn, maxReceiveCount }),
  });
  return { client, main, deadLetters, env: { AWS_REGION: region, AWS_ENDPOINT_URL_SQS: sqsUrl } };
}

async function createQueue(
  client: SQSClient,
  sqsUrl: string,
  name: string,
  attributes: Record<string, string>,
): Promise<StandInQueue> {
  const created = await client.send(new CreateQueueCommand({ QueueName: name, Attributes: attributes }));
  // ElasticMQ answers with the port that it was told, which is 0.
  const url = new URL(new URL(created.QueueUrl ?? '').pathname, sqsUrl).href;
  const { Attributes = {} } = await client.send(
    new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['QueueArn'] }),
  );
  return { url, arn: Attributes.QueueArn ?? '' };
}

/** Sends messages, ten in a call. */
export async function sendMessages(
  { client, main }: StandInQueues,
  bodies: readonly string[],
): Promise<void> {
  for (let start = 0; start < bodies.length; start += 10) {
    const Entries = bodies
      .slice(start, start + 10)
      .map((MessageBody, index) => ({ Id: String(index), MessageBody }));
    const { Failed = [] } = await client.send(new SendMessageBatchCommand({ QueueUrl: main.url, Entries }));
    expect(Failed).toEqual([]);
  }
}

/** What is in a queue now. */
export async function countMessages({ client }: StandInQueues, queue: StandInQueue): Promise<QueueCount> {
  const { Attributes = {} } = await client.send(
    new GetQueueAttributesCommand({ QueueUrl: queue.url, AttributeNames: ['All'] }),
  );
  return {
    visible: Number(Attributes.ApproximateNumberOfMessages),
    hidden: Number(Attributes.ApproximateNumberOfMessagesNotVisible),
  };
}

/** Waits until a queue has this in it. @throws when it has not in time. */
export async function untilCount(
  queues: StandInQueues,
  queue: StandInQueue,
  count: QueueCount,
  withinMs = 30_000,
): Promise<void> {
  await expect.poll(() => countMessages(queues, queue), { timeout: withinMs, interval: 100 }).toEqual(count);
}
