import { ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { expect, onTestFinished, test } from 'vitest';
import type { InputTransformer } from '../../dev/input-transformer.ts';
import { startLocalAws } from '../../dev/local-aws.ts';
import { codeBlocksOf, codes, sectionOf, tableRows } from '../docs/readme.ts';
import { readText } from '../docs/markdown.ts';
import { createConnectCaller, createPayment } from '../system/connect-json.ts';
import { declineOf, knownFailureCodes } from '../../src/contracts/platform-v1/decline-codes.ts';
import { startService } from '../support/start-service.ts';

/* The rules and targets of docs/platform.md, on the local bus. */

interface Targets {
  readonly Rule: string;
  readonly Targets: readonly { readonly InputTransformer: InputTransformer }[];
}

type Message = Readonly<Record<string, unknown>> & { readonly detail: Readonly<Record<string, unknown>> };

const blocks = codeBlocksOf(readText('docs/platform.md'));
const patterns = new Map(
  blocks.flatMap(({ text }) =>
    [...text.matchAll(/put-rule --name (\S+) [^']*'(\{[^']*\})'/g)].map(
      ([, name = '', pattern = '']): [string, Record<string, never>] => [
        name,
        JSON.parse(pattern) as Record<string, never>,
      ],
    ),
  ),
);
const jsonBlocks = blocks.filter(({ language }) => language === 'json').map(({ text }) => text);
const targets = jsonBlocks
  .map((text) => JSON.parse(text) as Targets)
  .filter(({ Rule }) => Rule !== undefined);
const shown = JSON.parse(jsonBlocks.find((text) => text.includes('"evt-')) ?? '') as Message;

async function start() {
  const aws = await startLocalAws({
    rules: targets.map(({ Rule, Targets: [target] }) => ({
      name: Rule,
      pattern: patterns.get(Rule) ?? {},
      inputTransformer: target?.InputTransformer,
    })),
  });
  const sqs = aws.createSqsClient();
  onTestFinished(async () => {
    sqs.destroy();
    await aws.stop();
  });
  const service = await startService({
    SHUTDOWN_GRACE_MS: '0',
    DEFAULT_DELAY_MS: '0',
    EVENTBRIDGE: 'on',
    AWS_ENDPOINT_URL_EVENTBRIDGE: aws.eventBridgeUrl,
  });
  return {
    call: createConnectCaller(service.apiUrl),
    receive: async (): Promise<Message> => {
      const { Messages: [message] = [] } = await sqs.send(
        new ReceiveMessageCommand({ QueueUrl: aws.queueUrl, WaitTimeSeconds: 20 }),
      );
      return JSON.parse(message?.Body ?? '') as Message;
    },
  };
}

test('the page has every failure code that is known, and what gateways call it', () => {
  const [, tables = ''] = sectionOf(readText('docs/platform.md'), '## What is answered').split(
    '`failure_reason` is',
  );
  const rows = tableRows(tables).map((row) => [
    codes(row['`failure_reason`'] ?? '')[0],
    codes(row['`gateway_response`'] ?? '')[0],
    Number(row['`response_code`']),
  ]);
  const known = knownFailureCodes.map((code) => {
    const { gatewayResponse, responseCode } = declineOf(code);
    return [code, gatewayResponse, responseCode];
  });
  expect(rows).toEqual(known);
});

test('the page has two rules, and a target for each', () => {
  expect(targets.map(({ Rule }) => Rule)).toEqual([...patterns.keys()]);
  expect(targets).toHaveLength(2);
});

test.each([
  ['PAYMENT_SCENARIO_APPROVE', 'payment.approved', {}],
  ['PAYMENT_SCENARIO_FAIL', 'payment.failed', { error_code: 'card_declined' }],
])('%s reaches the worker as %s, in its flat form', async (scenario, type, more) => {
  const { call, receive } = await start();
  const id = await createPayment(call, { scenario, user_id: 'user "1" é' });
  const message = await receive();
  expect(message).toMatchObject({
    type,
    source: 'payment-sim-api',
    detail: {
      reservation_id: 'reservation-1',
      payment_intent_id: id,
      amount: 120_000,
      currency: 'KRW',
      user_id: 'user "1" é',
      ...more,
    },
  });
  expect(message['id']).toMatch(/^evt-/);
  // As Go's time.Time reads it.
  expect(message['time']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  expect(Object.keys(message)).toEqual(Object.keys(shown));
  expect(Object.keys(message.detail)).toEqual(Object.keys({ ...shown.detail, ...more }));
});
