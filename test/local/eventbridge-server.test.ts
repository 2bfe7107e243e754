import {
  DescribeEventBusCommand,
  DescribeRuleCommand,
  EventBridgeClient,
  ListRulesCommand,
  ListTargetsByRuleCommand,
  PutEventsCommand,
  PutRuleCommand,
  type PutEventsRequestEntry,
} from '@aws-sdk/client-eventbridge';
import { type Message, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { expect, onTestFinished, test } from 'vitest';
import { AwsError } from '../../dev/aws-json.ts';
import { type LocalAws, type LocalAwsOptions, localCredentials, startLocalAws } from '../../dev/local-aws.ts';
import { entrySizeBytes } from '../../dev/put-events.ts';

const bus = 'ticket-reservation-events';

async function start(options: LocalAwsOptions = {}) {
  const aws = await startLocalAws(options);
  const client = new EventBridgeClient({
    region: aws.region,
    endpoint: aws.eventBridgeUrl,
    credentials: localCredentials,
    maxAttempts: 1,
  });
  onTestFinished(async () => {
    client.destroy();
    await aws.stop();
  });
  return {
    aws,
    client,
    put: (...Entries: PutEventsRequestEntry[]) => client.send(new PutEventsCommand({ Entries })),
  };
}

function entry(changes: Partial<PutEventsRequestEntry> = {}): PutEventsRequestEntry {
  return {
    EventBusName: bus,
    Source: 'payment-sim-api',
    DetailType: 'Payment Status Updated',
    Detail: '{"n":1}',
    ...changes,
  };
}

/** Long-polls until `count` messages are in. */
async function receive(aws: LocalAws, count: number): Promise<Message[]> {
  const sqs = aws.createSqsClient();
  onTestFinished(() => sqs.destroy());
  const messages: Message[] = [];
  while (messages.length < count) {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl: aws.queueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 5 }),
    );
    messages.push(...Messages);
  }
  return messages;
}

const required = (name: string) => ({
  ErrorCode: 'InvalidArgument',
  ErrorMessage: `Parameter ${name} is not valid. Reason: ${name} is a required argument.`,
});

const list = (count: number) => Array.from({ length: count }, (_, n) => entry({ Detail: `{"n":${n}}` }));

const bodiesOf = (messages: readonly Message[]) =>
  messages.map(({ Body }) => JSON.parse(Body ?? '') as Record<string, unknown>);

test('an event that a rule matches reaches the queue in the full envelope', async () => {
  const { aws, put } = await start();
  const time = new Date('2026-03-01T12:34:56.789Z');

  const result = await put(
    entry({ Time: time, Resources: ['arn:aws:x:1'], Detail: '{"event_id":"evt-\u{1F3AB}\uFFFF"}' }),
  );

  expect(result.FailedEntryCount).toBe(0);
  expect(bodiesOf(await receive(aws, 1))).toEqual([
    {
      version: '0',
      id: result.Entries?.[0]?.EventId,
      'detail-type': 'Payment Status Updated',
      source: 'payment-sim-api',
      account: '000000000000',
      time: '2026-03-01T12:34:56Z',
      region: 'ap-northeast-2',
      resources: ['arn:aws:x:1'],
      detail: { event_id: 'evt-\u{1F3AB}\uFFFF' },
    },
  ]);
});

test('events that no rule matches are taken and go nowhere; the bus may be named by its ARN', async () => {
  const { aws, put } = await start();
  const arn = `arn:aws:events:ap-northeast-2:000000000000:event-bus/${bus}`;

  const result = await put(
    entry({ Source: 'another-service' }),
    entry({ DetailType: 'Something Else' }),
    { Source: 'payment-sim-api', DetailType: 'Payment Status Updated', Detail: '{"bus":"default"}' },
    entry({ EventBusName: arn, Detail: '{"n":"last"}' }),
  );

  expect(result.FailedEntryCount).toBe(0);
  expect(bodiesOf(await receive(aws, 1)).map((event) => event['detail'])).toEqual([{ n: 'last' }]);
});

test('entries fail one by one, at their place, and the good ones are taken', async () => {
  const { aws, put } = await start();
  const malformed = { ErrorCode: 'MalformedDetail', ErrorMessage: 'Detail is malformed.' };

  const result = await put(
    entry({ Source: undefined }),
    entry({ DetailType: '' }),
    entry({ Detail: undefined }),
    entry({ Detail: '{"n":' }),
    entry({ Detail: '[1]' }),
    entry({ Source: 'aws.events' }),
    entry({ EventBusName: 'ticket-reservation-event' }),
    entry({ Detail: '{"n":"good"}' }),
  );

  expect(result.FailedEntryCount).toBe(7);
  expect(result.Entries).toEqual([
    required('Source'),
    required('DetailType'),
    required('Detail'),
    malformed,
    malformed,
    { ErrorCode: 'NotAuthorizedForSourceException', ErrorMessage: 'Not authorized for the source.' },
    {
      ErrorCode: 'ResourceNotFoundException',
      ErrorMessage: 'Event bus ticket-reservation-event does not exist.',
    },
    { EventId: expect.any(String) as string },
  ]);
  expect(bodiesOf(await receive(aws, 1)).map((event) => event['detail'])).toEqual([{ n: 'good' }]);
});

test('one to ten entries make a call', async () => {
  const { aws, put } = await start();

  await expect(put()).rejects.toMatchObject({ name: 'ValidationException' });
  await expect(put(...list(11))).rejects.toMatchObject({ name: 'ValidationException' });
  expect((await put(...list(10))).Entries).toHaveLength(10);
  const numbers = bodiesOf(await receive(aws, 10)).map((event) => (event['detail'] as { n: number }).n);
  expect(numbers.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

test('all entries of a call together are at most 1 MiB by the rule of AWS', async () => {
  const { aws, put } = await start();
  const time = new Date();
  const frame = entry({ Time: time, Resources: ['é'], Detail: '{"pad":""}' });
  const frameBytes = entrySizeBytes({
    Source: frame.Source,
    DetailType: frame.DetailType,
    Detail: frame.Detail,
    Resources: frame.Resources,
    EventBusName: undefined,
    Time: 0,
  });
  expect(frameBytes).toBe('payment-sim-api'.length + 'Payment Status Updated'.length + 10 + 2 + 14);
  const padded = (bytes: number) => ({ ...frame, Detail: JSON.stringify({ pad: 'x'.repeat(bytes) }) });
  const half = 524_288 - frameBytes;

  await expect(put(padded(half), padded(half + 1))).rejects.toMatchObject({
    name: 'ValidationException',
    message: 'Total size of the entries in the request is over the limit.',
  });
  expect((await put(padded(half), padded(half))).FailedEntryCount).toBe(0);
  // Their envelopes make them more than one SendMessageBatch may carry.
  expect(await receive(aws, 2)).toHaveLength(2);
});

test('what is no call of the protocol is answered as AWS does', async () => {
  const { aws, client } = await start();
  const post = async (target: string, body: string) => {
    const response = await fetch(aws.eventBridgeUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': target },
      body,
    });
    const { __type } = (await response.json()) as { __type: string };
    return [response.status, __type];
  };

  expect(await post('AWSEvents.PutEvents', '{"Entries": [')).toEqual([400, 'SerializationException']);
  expect(await post('AWSEvents.PutEvents', '[]')).toEqual([400, 'SerializationException']);
  expect(await post('AWSEvents.PutEvents', '{"Entries": [{"Source": 1}]}')).toEqual([
    400,
    'SerializationException',
  ]);
  expect(await post('AWSEvents.PutEvents', '{}')).toEqual([400, 'ValidationException']);
  expect(await post('AWSEvents.toString', '{}')).toEqual([400, 'UnknownOperationException']);
  expect(await post('AmazonSQS.SendMessage', '{}')).toEqual([400, 'UnknownOperationException']);
  await expect(client.send(new PutRuleCommand({ Name: 'mine' }))).rejects.toMatchObject({
    name: 'UnknownOperationException',
  });
});

test('bus, rules and targets can be read', async () => {
  const { client } = await start();
  const arn = 'arn:aws:events:ap-northeast-2:000000000000';

  expect(await client.send(new DescribeEventBusCommand({ Name: bus }))).toMatchObject({
    Name: bus,
    Arn: `${arn}:event-bus/${bus}`,
  });
  const rule = {
    Name: 'payment-status-updated',
    Arn: `${arn}:rule/${bus}/payment-status-updated`,
    EventBusName: bus,
    State: 'ENABLED',
    EventPattern:
      '{"source":["payment-sim-api"],"detail-type":["Payment Status Updated","Payment Refund Updated"]}',
  };
  expect((await client.send(new ListRulesCommand({ EventBusName: bus }))).Rules).toEqual([rule]);
  expect((await client.send(new ListRulesCommand({ EventBusName: bus, NamePrefix: 'x' }))).Rules).toEqual([]);
  expect(await client.send(new DescribeRuleCommand({ Name: rule.Name, EventBusName: bus }))).toMatchObject(
    rule,
  );
  const { Targets: targets } = await client.send(
    new ListTargetsByRuleCommand({ Rule: rule.Name, EventBusName: bus }),
  );
  expect(targets?.map((target) => target.Arn)).toEqual([
    'arn:aws:sqs:ap-northeast-2:000000000000:payment-webhook',
  ]);

  const missing = { name: 'ResourceNotFoundException' };
  await expect(client.send(new DescribeEventBusCommand({ Name: 'nowhere' }))).rejects.toMatchObject(missing);
  await expect(client.send(new DescribeRuleCommand({ Name: rule.Name }))).rejects.toMatchObject(missing);
});

test('a hook can fail single entries and whole calls', async () => {
  let calls = 0;
  const { aws, put } = await start({
    onPutEvents() {
      calls += 1;
      if (calls === 1) {
        throw new AwsError('ThrottlingException', 'Rate exceeded');
      }
      return calls === 2
        ? [undefined, { ErrorCode: 'InternalFailure', ErrorMessage: 'Unlucky.' }]
        : undefined;
    },
  });
  const both = [entry({ Detail: '{"n":1}' }), entry({ Detail: '{"n":2}' })];

  await expect(put(...both)).rejects.toMatchObject({ name: 'ThrottlingException' });
  const second = await put(...both);
  expect(second.FailedEntryCount).toBe(1);
  expect(second.Entries?.map((result) => result.ErrorCode)).toEqual([undefined, 'InternalFailure']);
  expect((await put(...both)).FailedEntryCount).toBe(0);
  expect(await receive(aws, 3)).toHaveLength(3);
});
