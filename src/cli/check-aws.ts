import {
  DescribeEventBusCommand,
  type EventBridgeClient,
  ListRulesCommand,
  ListTargetsByRuleCommand,
  type Rule,
  TestEventPatternCommand,
} from '@aws-sdk/client-eventbridge';
import { GetQueueAttributesCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { eventBridgeDetailType } from '../delivery/payload.ts';
import { judgeQueuePolicy } from './queue-policy.ts';

/** One thing looked at. */
export interface Finding {
  readonly isFine: boolean;
  readonly text: string;
}

/** What should exist. */
export interface ExpectedAws {
  readonly region: string;
  readonly busName: string;
  readonly source: string;
  readonly queueUrl: string | undefined;
  readonly deadLetterQueueUrl: string | undefined;
}

/** Reads the bus, its rules and targets, and the queues; changes nothing. */
export async function checkAws(
  clients: { readonly eventBridge: EventBridgeClient; readonly sqs: SQSClient },
  expected: ExpectedAws,
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const fine = (text: string): void => void findings.push({ isFine: true, text });
  const missing = (text: string): void => void findings.push({ isFine: false, text });

  /** The answer, or undefined after noting why there is none. */
  async function ask<T>(what: string, question: () => Promise<T>): Promise<T | undefined> {
    try {
      return await question();
    } catch (error) {
      missing(`${what}: ${explain(error)}`);
      return undefined;
    }
  }

  async function readQueue(variable: string, url: string | undefined): Promise<QueueFacts | undefined> {
    if (url === undefined) {
      missing(`${variable} is not set`);
      return undefined;
    }
    const answer = await ask(`queue ${url}`, () =>
      clients.sqs.send(new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['All'] })),
    );
    const facts = answer?.Attributes;
    if (facts?.['QueueArn'] === undefined) {
      return undefined;
    }
    fine(`queue ${facts['QueueArn']} exists`);
    return { ...facts, arn: facts['QueueArn'] };
  }

  async function matchingRules(): Promise<readonly Rule[]> {
    const rules: Rule[] = [];
    for (let token: string | undefined, first = true; first || token !== undefined; first = false) {
      const page = await clients.eventBridge.send(
        new ListRulesCommand({ EventBusName: expected.busName, NextToken: token }),
      );
      rules.push(...(page.Rules ?? []));
      token = page.NextToken;
    }
    const event = sampleEvent(expected);
    const matching: Rule[] = [];
    for (const rule of rules.filter(({ State, EventPattern }) => State !== 'DISABLED' && EventPattern)) {
      const { Result } = await clients.eventBridge.send(
        new TestEventPatternCommand({ EventPattern: rule.EventPattern, Event: event }),
      );
      if (Result === true) {
        matching.push(rule);
      }
    }
    return matching;
  }

  async function checkRule(rule: Rule, queue: QueueFacts): Promise<boolean> {
    const { Targets = [] } = await clients.eventBridge.send(
      new ListTargetsByRuleCommand({ Rule: rule.Name, EventBusName: expected.busName }),
    );
    const target = Targets.find(({ Arn }) => Arn === queue.arn);
    if (target === undefined) {
      return false;
    }
    fine(`rule ${rule.Name ?? ''} puts payment events into the queue`);
    if (
      target.Input !== undefined ||
      target.InputPath !== undefined ||
      target.InputTransformer !== undefined
    ) {
      missing(`rule ${rule.Name ?? ''}: its target changes the event; the worker needs it whole`);
    }
    const verdict = judgeQueuePolicy(queue.Policy, queue.arn, rule.Arn ?? '');
    if (verdict === 'allows') {
      fine('the queue policy lets EventBridge send messages');
    } else {
      missing(
        verdict === 'allows-nobody'
          ? `queue ${queue.arn}: its policy does not let events.amazonaws.com send messages`
          : `queue ${queue.arn}: its policy lets EventBridge send for another rule, not for ${rule.Arn ?? ''}`,
      );
    }
    return true;
  }

  const bus = await ask(`event bus ${expected.busName}`, () =>
    clients.eventBridge.send(new DescribeEventBusCommand({ Name: expected.busName })),
  );
  if (bus !== undefined) {
    fine(`event bus ${expected.busName} exists in ${expected.region}`);
  }
  const queue = await readQueue('PAYMENT_WEBHOOK_QUEUE_URL', expected.queueUrl);
  const deadLetterQueue = await readQueue('PAYMENT_WEBHOOK_DLQ_URL', expected.deadLetterQueueUrl);
  const rules = bus === undefined ? undefined : await ask(`rules of ${expected.busName}`, matchingRules);
  if (rules?.length === 0) {
    missing(
      `event bus ${expected.busName}: no enabled rule matches source "${expected.source}" with detail-type "${eventBridgeDetailType}"`,
    );
  } else if (rules !== undefined && queue !== undefined) {
    const checked = await ask('targets', () => Promise.all(rules.map((rule) => checkRule(rule, queue))));
    if (checked?.includes(true) === false) {
      missing(`no matching rule has the queue ${queue.arn} as a target`);
    }
  }
  if (queue !== undefined) {
    checkRedrive(queue, deadLetterQueue, fine, missing);
  }
  return findings;
}

interface QueueFacts {
  readonly arn: string;
  readonly Policy?: string;
  readonly RedrivePolicy?: string;
  readonly MessageRetentionPeriod?: string;
}

function checkRedrive(
  queue: QueueFacts,
  deadLetterQueue: QueueFacts | undefined,
  fine: (text: string) => void,
  missing: (text: string) => void,
): void {
  if (queue.RedrivePolicy === undefined) {
    missing(`queue ${queue.arn}: has no redrive policy, so a message that fails is received for ever`);
    return;
  }
  const redrive: { deadLetterTargetArn?: string; maxReceiveCount?: unknown } = JSON.parse(
    queue.RedrivePolicy,
  );
  if (deadLetterQueue === undefined) {
    return;
  }
  if (redrive.deadLetterTargetArn !== deadLetterQueue.arn) {
    missing(
      `queue ${queue.arn}: gives up messages to ${redrive.deadLetterTargetArn ?? 'nothing'}, not to ${deadLetterQueue.arn}`,
    );
    return;
  }
  fine(
    `the queue gives up messages to the dead-letter queue after ${String(redrive.maxReceiveCount)} receives`,
  );
  // A message keeps its age when it moves, so the second queue must not keep messages shorter.
  if (Number(deadLetterQueue.MessageRetentionPeriod) < Number(queue.MessageRetentionPeriod)) {
    missing(
      `queue ${deadLetterQueue.arn}: keeps messages for a shorter time than the queue they come from (${deadLetterQueue.MessageRetentionPeriod ?? '?'} s)`,
    );
  }
}

function sampleEvent(expected: ExpectedAws): string {
  return JSON.stringify({
    version: '0',
    id: 'evt-check',
    'detail-type': eventBridgeDetailType,
    source: expected.source,
    account: '000000000000',
    time: '2026-01-01T00:00:00Z',
    region: expected.region,
    resources: [],
    detail: { event_type: 'payment.status_updated', status: 'PAYMENT_STATUS_COMPLETED' },
  });
}

function explain(error: unknown): string {
  if (!(error instanceof Error)) {
    return String(error);
  }
  if (/NotFound|NonExistent|DoesNotExist/.test(error.name)) {
    return 'does not exist';
  }
  return /AccessDenied|NotAuthorized/.test(error.name)
    ? `you may not read it (${error.message})`
    : `${error.name}: ${error.message}`;
}
