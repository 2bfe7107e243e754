import {
  CreateEventBusCommand,
  EventBridgeClient,
  PutRuleCommand,
  PutTargetsCommand,
} from '@aws-sdk/client-eventbridge';
import { SetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { expect, onTestFinished } from 'vitest';
import { localCredentials } from '../../dev/local-aws.ts';
import { eventBridgeDetailTypes } from '../../src/delivery/payload.ts';
import { region, type StandInQueues } from './queues.ts';

/** Makes a bus as docs/aws.md does; gives what leads a process of the service to it. */
export async function createBus(url: string, name: string): Promise<Readonly<Record<string, string>>> {
  await createClient(url).send(new CreateEventBusCommand({ Name: name }));
  return { AWS_REGION: region, AWS_ENDPOINT_URL_EVENTBRIDGE: url, EVENT_BUS_NAME: name };
}

/** Adds the rule that puts payment events into the queue, and lets it send there. */
export async function createRule(url: string, busName: string, queues: StandInQueues): Promise<void> {
  const client = createClient(url);
  const rule = { Name: 'payment-status-updated', EventBusName: busName };
  const EventPattern = JSON.stringify({
    source: ['payment-sim-api'],
    'detail-type': Object.values(eventBridgeDetailTypes),
  });
  const { RuleArn } = await client.send(new PutRuleCommand({ ...rule, EventPattern }));
  const { FailedEntryCount } = await client.send(
    new PutTargetsCommand({
      Rule: rule.Name,
      EventBusName: busName,
      Targets: [{ Id: 'queue', Arn: queues.main.arn, DeadLetterConfig: { Arn: queues.deadLetters.arn } }],
    }),
  );
  expect(FailedEntryCount).toBe(0);
  const statement = {
    Sid: 'EventBridgeRule',
    Effect: 'Allow',
    Principal: { Service: 'events.amazonaws.com' },
    Action: 'sqs:SendMessage',
    Resource: queues.main.arn,
    Condition: { ArnEquals: { 'aws:SourceArn': RuleArn } },
  };
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
  await queues.client.send(
    new SetQueueAttributesCommand({ QueueUrl: queues.main.url, Attributes: { Policy } }),
  );
}

function createClient(url: string): EventBridgeClient {
  const client = new EventBridgeClient({ region, endpoint: url, credentials: localCredentials });
  onTestFinished(() => client.destroy());
  return client;
}
