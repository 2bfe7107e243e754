import { CreateQueueCommand, SQSClient } from '@aws-sdk/client-sqs';
import { buildApp } from 'fauxqs';
import { pino } from 'pino';
import { eventBridgeDetailType } from '../src/delivery/payload.ts';
import type { Logger } from '../src/observability/logger.ts';
import { localAccount } from './event-bus.ts';
import { createEventBridgeServer, type PutEventsHook } from './eventbridge-server.ts';
import { createSqsTargets } from './sqs-targets.ts';

/** Any credentials do; these only spare the search for real ones. */
export const localCredentials = { accessKeyId: 'local', secretAccessKey: 'local' } as const;

/** What is set up; everything has a default. */
export interface LocalAwsOptions {
  /** Address to listen at; loopback unless told otherwise. */
  readonly host?: string;
  /** 0, the default, lets the system choose. */
  readonly eventBridgePort?: number;
  readonly sqsPort?: number;
  readonly region?: string;
  readonly busName?: string;
  readonly ruleName?: string;
  /** The `source` that the rule matches. */
  readonly source?: string;
  readonly queueName?: string;
  readonly deadLetterQueueName?: string;
  /** Seconds for which a received message stays hidden when the receiver names none. */
  readonly visibilityTimeoutSeconds?: number;
  /** After so many receives without a delete a message moves to the dead-letter queue. */
  readonly maxReceiveCount?: number;
  readonly logger?: Logger;
  readonly onPutEvents?: PutEventsHook;
}

/** EventBridge and SQS on this machine, set up as docs/aws.md sets up the real ones. */
export interface LocalAws {
  readonly region: string;
  readonly busName: string;
  readonly eventBridgeUrl: string;
  readonly sqsUrl: string;
  readonly queueUrl: string;
  readonly deadLetterQueueUrl: string;
  /** A new SQS client for this SQS; the caller destroys it. */
  createSqsClient(): SQSClient;
  /** Waits for events on their way into queues, then closes both servers; messages are lost. */
  stop(): Promise<void>;
}

/**
 * Starts an EventBridge endpoint in front of an SQS, with a bus whose rule puts payment events into a
 * queue, which gives up messages to a dead-letter queue. State is in memory.
 *
 * A tool for development and tests: nothing in production imports it.
 */
export async function startLocalAws(options: LocalAwsOptions = {}): Promise<LocalAws> {
  const {
    host = '127.0.0.1',
    region = 'ap-northeast-2',
    busName = 'ticket-reservation-events',
    ruleName = 'payment-status-updated',
    queueName = 'payment-webhook',
    deadLetterQueueName = 'payment-webhook-dlq',
    logger = pino({ level: 'silent' }),
  } = options;

  // startFauxqs() would listen on every interface, whatever host it is given.
  const sqs = buildApp({ logger: false, defaultRegion: region });
  const sqsUrl = await sqs.listen({ host, port: options.sqsPort ?? 0 });

  function createSqsClient(): SQSClient {
    return new SQSClient({
      region,
      endpoint: sqsUrl,
      credentials: localCredentials,
      useQueueUrlAsEndpoint: false,
    });
  }

  const client = createSqsClient();
  await client.send(new CreateQueueCommand({ QueueName: deadLetterQueueName }));
  await client.send(
    new CreateQueueCommand({
      QueueName: queueName,
      Attributes: {
        VisibilityTimeout: String(options.visibilityTimeoutSeconds ?? 30),
        RedrivePolicy: JSON.stringify({
          deadLetterTargetArn: queueArn(region, deadLetterQueueName),
          maxReceiveCount: options.maxReceiveCount ?? 10,
        }),
      },
    }),
  );
  // The addresses that CreateQueue answers (sqs.<region>.localhost) do not resolve everywhere. Of a
  // queue's address only the path counts.
  const queueUrl = `${sqsUrl}/${localAccount}/${queueName}`;
  const deadLetterQueueUrl = `${sqsUrl}/${localAccount}/${deadLetterQueueName}`;

  const targets = createSqsTargets(client, logger);
  const eventBridge = createEventBridgeServer({
    region,
    buses: [
      { name: 'default', rules: [] },
      {
        name: busName,
        rules: [
          {
            name: ruleName,
            pattern: {
              source: [options.source ?? 'payment-sim-api'],
              'detail-type': [eventBridgeDetailType],
            },
            targetArn: queueArn(region, queueName),
          },
        ],
      },
    ],
    queueUrls: new Map([[queueArn(region, queueName), queueUrl]]),
    targets,
    logger,
    onPutEvents: options.onPutEvents,
  });
  const eventBridgeUrl = await eventBridge
    .listen({ host, port: options.eventBridgePort ?? 0 })
    .catch(async (error: unknown) => {
      client.destroy();
      await sqs.close();
      throw error;
    });

  return {
    region,
    busName,
    eventBridgeUrl,
    sqsUrl,
    queueUrl,
    deadLetterQueueUrl,
    createSqsClient,
    async stop() {
      await eventBridge.close();
      await targets.settled();
      client.destroy();
      await sqs.close();
    },
  };
}

function queueArn(region: string, name: string): string {
  return `arn:aws:sqs:${region}:${localAccount}:${name}`;
}
