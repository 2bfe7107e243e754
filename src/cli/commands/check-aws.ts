import {
  DescribeEventBusCommand,
  type EventBridgeClient,
  ListRulesCommand,
  ListTargetsByRuleCommand,
  type Rule,
  type Target,
  TestEventPatternCommand,
} from '@aws-sdk/client-eventbridge';
import { GetQueueAttributesCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { eventBridgeDetailTypes } from '../../delivery/payload.ts';
import { judgeQueuePolicy } from './queue-policy.ts';

/** One thing that was checked. */
export interface Finding {
  readonly state: 'ok' | 'missing' | 'unknown';
  readonly text: string;
}

/** What should exist. */
interface ExpectedAws {
  readonly region: string;
  readonly busName: string;
  readonly source: string;
  readonly queueUrl: string | undefined;
  readonly deadLetterQueueUrl: string | undefined;
}

interface CheckState {
  readonly eventBridge: EventBridgeClient;
  readonly sqs: SQSClient;
  readonly expected: ExpectedAws;
  /** In the order in which things were checked. */
  readonly findings: Finding[];
}

/** The attributes of a queue that exists, as SQS names them. */
interface QueueFacts {
  readonly arn: string;
  readonly Policy?: string;
  readonly RedrivePolicy?: string;
  /** Seconds. */
  readonly MessageRetentionPeriod?: string;
}

/** Reads the bus, its rules and targets, and the queues; changes nothing. */
export async function checkAws(
  clients: { readonly eventBridge: EventBridgeClient; readonly sqs: SQSClient },
  expected: ExpectedAws,
): Promise<readonly Finding[]> {
  const self: CheckState = { ...clients, expected, findings: [] };
  const isBusThere = await checkBus(self);
  const queue = await checkQueue(self, 'PAYMENT_WEBHOOK_QUEUE_URL', expected.queueUrl);
  const deadLetterQueue = await checkQueue(self, 'PAYMENT_WEBHOOK_DLQ_URL', expected.deadLetterQueueUrl);
  if (isBusThere) {
    await checkRules(self, queue);
  }
  if (queue !== undefined) {
    checkRedrive(self, queue, deadLetterQueue);
  }
  return self.findings;
}

function addFine(self: CheckState, text: string): void {
  self.findings.push({ state: 'ok', text });
}

/** What could not be told is neither there nor missing. */
function addUnknown(self: CheckState, text: string): void {
  self.findings.push({ state: 'unknown', text });
}

function addMissing(self: CheckState, text: string): void {
  self.findings.push({ state: 'missing', text });
}

/** What `call` resolves with, or undefined after adding a finding that says why it failed. */
async function tryCall<T>(self: CheckState, what: string, call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    addMissing(self, `${what}: ${describeRefusal(error)}`);
    return undefined;
  }
}

async function checkBus(self: CheckState): Promise<boolean> {
  const { busName, region } = self.expected;
  const bus = await tryCall(self, `event bus ${busName}`, () =>
    self.eventBridge.send(new DescribeEventBusCommand({ Name: busName })),
  );
  if (bus !== undefined) {
    addFine(self, `event bus ${busName} exists in ${region}`);
  }
  return bus !== undefined;
}

async function checkQueue(
  self: CheckState,
  variable: string,
  url: string | undefined,
): Promise<QueueFacts | undefined> {
  if (url === undefined) {
    addMissing(self, `${variable} is not set`);
    return undefined;
  }
  const answer = await tryCall(self, `queue ${url}`, () =>
    self.sqs.send(new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['All'] })),
  );
  const facts = answer?.Attributes;
  if (facts?.['QueueArn'] === undefined) {
    return undefined;
  }
  addFine(self, `queue ${facts['QueueArn']} exists`);
  return { ...facts, arn: facts['QueueArn'] };
}

/** Whether payment events match a rule and its target is the queue. */
async function checkRules(self: CheckState, queue: QueueFacts | undefined): Promise<void> {
  const { busName, source } = self.expected;
  const rules = await tryCall(self, `rules of ${busName}`, () => findMatchingRules(self));
  if (rules?.length === 0) {
    addMissing(
      self,
      `event bus ${busName}: no enabled rule matches source "${source}" with detail-type "${eventBridgeDetailTypes['payment.status_updated']}"`,
    );
  } else if (rules !== undefined && queue !== undefined) {
    const isTarget = await tryCall(self, 'targets', () =>
      Promise.all(rules.map((rule) => checkRule(self, rule, queue))),
    );
    if (isTarget?.includes(true) === false) {
      addMissing(self, `no matching rule has the queue ${queue.arn} as a target`);
    }
  }
}

/**
 * Enabled rules whose pattern a change of status matches, by EventBridge's own judgement. Refunds that change none
 * need not match: they change no reservation either.
 */
async function findMatchingRules(self: CheckState): Promise<readonly Rule[]> {
  const { eventBridge, expected } = self;
  const rules: Rule[] = [];
  for (let token: string | undefined, first = true; first || token !== undefined; first = false) {
    const page = await eventBridge.send(
      new ListRulesCommand({ EventBusName: expected.busName, NextToken: token }),
    );
    rules.push(...(page.Rules ?? []));
    token = page.NextToken;
  }
  const event = toSampleEvent(expected);
  const matching: Rule[] = [];
  for (const rule of rules.filter(({ State, EventPattern }) => State !== 'DISABLED' && EventPattern)) {
    const { Result } = await eventBridge.send(
      new TestEventPatternCommand({ EventPattern: rule.EventPattern, Event: event }),
    );
    if (Result === undefined) {
      addUnknown(
        self,
        `rule ${rule.Name ?? ''}: could not be told whether it matches, the answer says nothing`,
      );
    }
    // The checks behind it go on: whoever does not answer this may have all the rest.
    if (Result !== false) {
      matching.push(rule);
    }
  }
  return matching;
}

/** Resolves with whether the queue is a target of the rule. */
async function checkRule(self: CheckState, rule: Rule, queue: QueueFacts): Promise<boolean> {
  const { Targets = [] } = await self.eventBridge.send(
    new ListTargetsByRuleCommand({ Rule: rule.Name, EventBusName: self.expected.busName }),
  );
  const target = Targets.find(({ Arn }) => Arn === queue.arn);
  if (target === undefined) {
    return false;
  }
  addFine(self, `rule ${rule.Name ?? ''} puts payment events into the queue`);
  if (changesEvent(target)) {
    addMissing(self, `rule ${rule.Name ?? ''}: its target changes the event; the worker needs it whole`);
  }
  checkQueuePolicy(self, queue, rule.Arn ?? '');
  return true;
}

function changesEvent({ Input, InputPath, InputTransformer }: Target): boolean {
  return Input !== undefined || InputPath !== undefined || InputTransformer !== undefined;
}

function checkQueuePolicy(self: CheckState, queue: QueueFacts, ruleArn: string): void {
  const verdict = judgeQueuePolicy(queue.Policy, queue.arn, ruleArn);
  if (verdict === 'allows') {
    addFine(self, 'the queue policy lets EventBridge send messages');
  } else {
    addMissing(
      self,
      verdict === 'allows-nobody'
        ? `queue ${queue.arn}: its policy does not let events.amazonaws.com send messages`
        : `queue ${queue.arn}: its policy lets EventBridge send for another rule, not for ${ruleArn}`,
    );
  }
}

function checkRedrive(self: CheckState, queue: QueueFacts, deadLetterQueue: QueueFacts | undefined): void {
  if (queue.RedrivePolicy === undefined) {
    addMissing(
      self,
      `queue ${queue.arn}: has no redrive policy, so a message that fails is received for ever`,
    );
    return;
  }
  const redrive: { deadLetterTargetArn?: string; maxReceiveCount?: unknown } = JSON.parse(
    queue.RedrivePolicy,
  );
  if (deadLetterQueue === undefined) {
    return;
  }
  if (redrive.deadLetterTargetArn !== deadLetterQueue.arn) {
    addMissing(
      self,
      `queue ${queue.arn}: gives up messages to ${redrive.deadLetterTargetArn ?? 'nothing'}, not to ${deadLetterQueue.arn}`,
    );
    return;
  }
  addFine(
    self,
    `the queue gives up messages to the dead-letter queue after ${String(redrive.maxReceiveCount)} receives`,
  );
  // SQS keeps the enqueue timestamp of a message that it moves to a dead-letter queue.
  if (Number(deadLetterQueue.MessageRetentionPeriod) < Number(queue.MessageRetentionPeriod)) {
    addMissing(
      self,
      `queue ${deadLetterQueue.arn}: keeps messages for a shorter time than the queue they come from (${deadLetterQueue.MessageRetentionPeriod ?? '?'} s)`,
    );
  }
}

function toSampleEvent(expected: ExpectedAws): string {
  return JSON.stringify({
    version: '0',
    id: 'evt-check',
    'detail-type': eventBridgeDetailTypes['payment.status_updated'],
    source: expected.source,
    account: '000000000000',
    time: '2026-01-01T00:00:00Z',
    region: expected.region,
    resources: [],
    detail: { event_type: 'payment.status_updated', status: 'PAYMENT_STATUS_COMPLETED' },
  });
}

function describeRefusal(error: unknown): string {
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
