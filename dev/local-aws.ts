import { CreateQueueCommand, SQSClient } from '@aws-sdk/client-sqs';
import { buildApp } from 'fauxqs';
import { pino } from 'pino';
import { eventBridgeDetailTypes } from '../src/delivery/payload.ts';
import { runSteps } from '../src/base/run-steps.ts';
import type { Logger } from '../src/observability/logger.ts';
import { type EventBus, type EventRule, localAccount } from './event-bus.ts';
import { createEventBridgeServer, type PutEventsHook } from './eventbridge-server.ts';
import { createSqsTargets } from './sqs-targets.ts';

/** Any credentials are accepted; with these the SDK does not look for real ones. */
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
  /** Rules instead of that one; all of them put into the queue. */
  readonly rules?: readonly Omit<EventRule, 'targetArn'>[];
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

/** The names and settings of what is set up, with their defaults. */
type LocalAwsSetup = ReturnType<typeof withDefaults>;

/**
 * Starts an EventBridge endpoint in front of an SQS, with a bus whose rule puts payment events into a
 * queue, whose redrive policy names a dead-letter queue. State is in memory.
 *
 * A tool for development and tests: nothing in production imports it.
 *
 * @throws when a port is in use.
 */
export async function startLocalAws(options: LocalAwsOptions = {}): Promise<LocalAws> {
  const setup = withDefaults(options);
  const { host, region, busName } = setup;
  // startFauxqs() would listen on every interface, whatever host it is given.
  const sqs = buildApp({ logger: false, defaultRegion: region });
  const sqsUrl = await sqs.listen({ host, port: setup.sqsPort });
  const client = createLocalSqsClient(region, sqsUrl);
  await createQueues(client, setup);
  // The URLs that CreateQueue answers (sqs.<region>.localhost) do not resolve everywhere, and fauxqs
  // reads only the path of a queue's URL.
  const queueUrl = `${sqsUrl}/${localAccount}/${setup.queueName}`;
  const targets = createSqsTargets(client, setup.logger);
  const eventBridge = createEventBridgeServer({
    region,
    buses: [{ name: 'default', rules: [] }, toBus(setup)],
    queueUrls: new Map([[queueArn(region, setup.queueName), queueUrl]]),
    targets,
    logger: setup.logger,
    onPutEvents: options.onPutEvents,
  });
  const eventBridgeUrl = await eventBridge
    .listen({ host, port: setup.eventBridgePort })
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
    deadLetterQueueUrl: `${sqsUrl}/${localAccount}/${setup.deadLetterQueueName}`,
    createSqsClient: () => createLocalSqsClient(region, sqsUrl),
    async stop() {
      await runSteps([
        () => eventBridge.close(),
        () => targets.settled(),
        () => client.destroy(),
        () => sqs.close(),
      ]);
    },
  };
}

function withDefaults(options: LocalAwsOptions) {
  const { ruleName = 'payment-status-updated', source = 'payment-sim-api' } = options;
  // Changes of status, and refunds that change none.
  const pattern = { source: [source], 'detail-type': Object.values(eventBridgeDetailTypes) };
  return {
    host: options.host ?? '127.0.0.1',
    eventBridgePort: options.eventBridgePort ?? 0,
    sqsPort: options.sqsPort ?? 0,
    region: options.region ?? 'ap-northeast-2',
    busName: options.busName ?? 'ticket-reservation-events',
    rules: options.rules ?? [{ name: ruleName, pattern }],
    queueName: options.queueName ?? 'payment-webhook',
    deadLetterQueueName: options.deadLetterQueueName ?? 'payment-webhook-dlq',
    visibilityTimeoutSeconds: options.visibilityTimeoutSeconds ?? 30,
    maxReceiveCount: options.maxReceiveCount ?? 10,
    logger: options.logger ?? pino({ level: 'silent' }),
  };
}

function createLocalSqsClient(region: string, sqsUrl: string): SQSClient {
  return new SQSClient({
    region,
    endpoint: sqsUrl,
    credentials: localCredentials,
    useQueueUrlAsEndpoint: false,
  });
}

async function createQueues(client: SQSClient, setup: LocalAwsSetup): Promise<void> {
  await client.send(new CreateQueueCommand({ QueueName: setup.deadLetterQueueName }));
  await client.send(
    new CreateQueueCommand({
      QueueName: setup.queueName,
      Attributes: {
        VisibilityTimeout: String(setup.visibilityTimeoutSeconds),
        RedrivePolicy: JSON.stringify({
          deadLetterTargetArn: queueArn(setup.region, setup.deadLetterQueueName),
          maxReceiveCount: setup.maxReceiveCount,
        }),
      },
    }),
  );
}

/** The bus with its rules for payment events. */
function toBus({ region, busName, rules, queueName }: LocalAwsSetup): EventBus {
  const targetArn = queueArn(region, queueName);
  return { name: busName, rules: rules.map((rule) => ({ ...rule, targetArn })) };
}

function queueArn(region: string, name: string): string {
  return `arn:aws:sqs:${region}:${localAccount}:${name}`;
}
