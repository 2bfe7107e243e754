import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { judgeQueuePolicy } from '../../src/cli/commands/queue-policy.ts';
import { type AwsStandIn, startAwsStandIn } from '../support/aws-stand-in.ts';
import { compileCache } from '../support/compile-cache.ts';

const queueArn = 'arn:aws:sqs:ap-northeast-2:123456789012:payment-webhook';
const dlqArn = `${queueArn}-dlq`;
const ruleArn = 'arn:aws:events:ap-northeast-2:123456789012:rule/ticket-reservation-events/payment-status';

function allowStatement(change: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    Effect: 'Allow',
    Principal: { Service: 'events.amazonaws.com' },
    Action: 'sqs:SendMessage',
    Resource: queueArn,
    Condition: { ArnEquals: { 'aws:SourceArn': ruleArn } },
    ...change,
  };
}

function policy(...statements: Record<string, unknown>[]): string {
  return JSON.stringify({ Version: '2012-10-17', Statement: statements });
}

/** Everything as docs/aws.md has it. */
async function startCompleteAws(): Promise<AwsStandIn> {
  const aws = await startAwsStandIn();
  aws.answerOperation('AWSEvents.ListRules', () => ({
    status: 200,
    body: { Rules: [{ Name: 'payment-status', Arn: ruleArn, State: 'ENABLED', EventPattern: '{}' }] },
  }));
  aws.answerOperation('AWSEvents.TestEventPattern', () => ({ status: 200, body: { Result: true } }));
  aws.answerOperation('AWSEvents.ListTargetsByRule', () => ({
    status: 200,
    body: { Targets: [{ Id: '1', Arn: queueArn }] },
  }));
  answerQueue(aws, {
    Policy: policy(allowStatement()),
    RedrivePolicy: JSON.stringify({ deadLetterTargetArn: dlqArn, maxReceiveCount: 5 }),
  });
  return aws;
}

function answerQueue(aws: AwsStandIn, attributes: Record<string, string>): void {
  aws.answerOperation('AmazonSQS.GetQueueAttributes', (input) => ({
    status: 200,
    body: {
      Attributes: String(input['QueueUrl']).endsWith('-dlq')
        ? { QueueArn: dlqArn, MessageRetentionPeriod: '1209600' }
        : { QueueArn: queueArn, MessageRetentionPeriod: '345600', ...attributes },
    },
  }));
}

async function runCheck(
  aws: AwsStandIn,
  env: Record<string, string> = {},
): Promise<{ code: number | null; missing: string[]; output: string }> {
  const script = join(import.meta.dirname, '../../src/main.ts');
  const child = spawn(process.execPath, [script, 'aws-check'], {
    env: {
      ...compileCache,
      AWS_ENDPOINT_URL: aws.url,
      PAYMENT_WEBHOOK_QUEUE_URL: `${aws.url}/123456789012/payment-webhook`,
      PAYMENT_WEBHOOK_DLQ_URL: `${aws.url}/123456789012/payment-webhook-dlq`,
      ...env,
    },
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => {
    child.on('close', resolve);
  });
  const missing = output.split('\n').filter((line) => line.startsWith('missing'));
  return { code, missing, output };
}

test('when everything is there, it says so and exits with 0', async () => {
  const { code, output } = await runCheck(await startCompleteAws());
  expect(output).toContain('All is there.');
  expect(output.split('\n').filter((line) => line.startsWith('ok'))).toHaveLength(6);
  expect(code).toBe(0);
});

test('what is missing is told in words, and the exit code is 1', async () => {
  const aws = await startCompleteAws();
  aws.answerOperation('AWSEvents.DescribeEventBus', () => ({
    status: 400,
    body: { __type: 'ResourceNotFoundException', message: 'no bus' },
  }));
  aws.answerOperation('AmazonSQS.GetQueueAttributes', (input) =>
    String(input['QueueUrl']).endsWith('-dlq')
      ? { status: 400, body: { __type: 'com.amazonaws.sqs#QueueDoesNotExist' } }
      : { status: 200, body: { Attributes: { QueueArn: queueArn } } },
  );
  const { code, missing } = await runCheck(aws);
  expect(missing).toEqual([
    'missing  event bus ticket-reservation-events: does not exist',
    `missing  queue ${aws.url}/123456789012/payment-webhook-dlq: does not exist`,
    `missing  queue ${queueArn}: has no redrive policy, so a message that fails is received for ever`,
  ]);
  expect(code).toBe(1);
});

test('where AWS does not say whether a rule matches it is said so, and the checks behind it go on', async () => {
  const aws = await startCompleteAws();
  aws.answerOperation('AWSEvents.TestEventPattern', () => ({ status: 200, body: {} }));
  const { code, missing, output } = await runCheck(aws);
  expect([code, missing]).toEqual([0, []]);
  expect(output).toMatch(/^unknown {2}rule \S+: could not be told whether it matches/m);
  expect(output).toContain('puts payment events into the queue');
});

test('a rule that does not match, a target that is not the queue and other mistakes are found', async () => {
  const aws = await startCompleteAws();
  aws.answerOperation('AWSEvents.TestEventPattern', () => ({ status: 200, body: { Result: false } }));
  answerQueue(aws, {
    RedrivePolicy: JSON.stringify({ deadLetterTargetArn: 'arn:other', maxReceiveCount: 5 }),
  });
  const first = await runCheck(aws);
  expect(first.missing).toEqual([
    'missing  event bus ticket-reservation-events: no enabled rule matches source "payment-sim-api" with detail-type "Payment Status Updated"',
    `missing  queue ${queueArn}: gives up messages to arn:other, not to ${dlqArn}`,
  ]);

  aws.answerOperation('AWSEvents.TestEventPattern', () => ({ status: 200, body: { Result: true } }));
  aws.answerOperation('AWSEvents.ListTargetsByRule', () => ({
    status: 200,
    body: { Targets: [{ Id: '1', Arn: 'arn:other' }] },
  }));
  const second = await runCheck(aws, { PAYMENT_WEBHOOK_DLQ_URL: '' });
  expect(second.missing).toEqual([
    'missing  PAYMENT_WEBHOOK_DLQ_URL is not set',
    `missing  no matching rule has the queue ${queueArn} as a target`,
  ]);

  aws.answerOperation('AWSEvents.ListTargetsByRule', () => ({
    status: 200,
    body: { Targets: [{ Id: '1', Arn: queueArn, InputPath: '$.detail' }] },
  }));
  const third = await runCheck(aws, { PAYMENT_WEBHOOK_DLQ_URL: '' });
  expect(third.missing.slice(1)).toEqual([
    'missing  rule payment-status: its target changes the event; the worker needs it whole',
    `missing  queue ${queueArn}: its policy does not let events.amazonaws.com send messages`,
  ]);
});

test('without credentials it says so', async () => {
  const aws = await startCompleteAws();
  const { code, output } = await runCheck(aws, {
    AWS_ENDPOINT_URL: '',
    AWS_EC2_METADATA_DISABLED: 'true',
    PAYMENT_WEBHOOK_QUEUE_URL: '',
    PAYMENT_WEBHOOK_DLQ_URL: '',
  });
  expect(output).toContain('payment-sim aws-check: no AWS credentials');
  expect(code).toBe(1);
});

test.each([
  ['as documented', allowStatement(), 'allows'],
  ['any action of SQS, on a list', allowStatement({ Action: ['sqs:GetQueueUrl', 'SQS:*'] }), 'allows'],
  [
    'a pattern of rules',
    allowStatement({ Condition: { ArnLike: { 'aws:SourceArn': `${ruleArn.slice(0, -6)}*` } } }),
    'allows',
  ],
  ['no condition', allowStatement({ Condition: undefined }), 'allows'],
  [
    'another rule',
    allowStatement({ Condition: { ArnEquals: { 'aws:SourceArn': 'arn:x' } } }),
    'wants-other-source',
  ],
  ['another service', allowStatement({ Principal: { Service: 'sns.amazonaws.com' } }), 'allows-nobody'],
  ['another queue', allowStatement({ Resource: dlqArn }), 'allows-nobody'],
  ['a denial', allowStatement({ Effect: 'Deny' }), 'allows-nobody'],
])('a queue policy with %s', (_, statement, verdict) => {
  expect(judgeQueuePolicy(policy(statement), queueArn, ruleArn)).toBe(verdict);
});

test('no queue policy at all allows nobody', () => {
  expect(judgeQueuePolicy(undefined, queueArn, ruleArn)).toBe('allows-nobody');
});
