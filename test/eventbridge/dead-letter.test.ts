import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { readAwsConfig } from '../../src/aws/aws-config.ts';
import { EnvironmentReader } from '../../src/base/env/config-reader.ts';
import { combineObservers } from '../../src/base/observer.ts';
import { createCustody } from '../../src/delivery/custody.ts';
import type { DeadLetter } from '../../src/delivery/dead-letter.ts';
import type { Delivery } from '../../src/delivery/delivery.ts';
import { toDeadLetterMessage } from '../../src/delivery/dead-letter/sqs-message.ts';
import { loadSqsSender } from '../../src/delivery/dead-letter/sqs-client.ts';
import { createSqsDeadLetterQueue } from '../../src/delivery/dead-letter/sqs-queue.ts';
import { countDeadLetters } from '../../src/observability/delivery-counts.ts';
import { logDeadLetters } from '../../src/observability/delivery-log.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { parseMessage } from '../../src/worker/payment-outcome.ts';
import { createMetrics } from '../../src/observability/metrics.ts';
import { startAwsStandIn } from '../support/aws-stand-in.ts';
import { createHeldQueue } from '../support/held-queue.ts';
import { refundALittle, sampleEvent, sampleSettledPayment } from '../support/sample-payment.ts';

const origin = { source: 'payment-sim-api', region: 'ap-northeast-2' };

function sampleDelivery(mark = '1'): Delivery {
  return {
    event: sampleEvent({ eventId: `evt-${mark}`, settledAtMs: Date.UTC(2026, 0, 1) }),
    attempts: 3,
    waits: 0,
    askedMs: 0,
    firstAttemptAtMs: Date.UTC(2026, 0, 1, 0, 0, 1),
    lastAttemptAtMs: Date.UTC(2026, 0, 1, 0, 0, 9),
    lastError: 'InternalFailure: no',
  };
}

function sampleLetter(change: Partial<DeadLetter> = {}): DeadLetter {
  return {
    channel: 'eventbridge',
    delivery: sampleDelivery(),
    url: undefined,
    reason: 'exhausted',
    error: 'InternalFailure: no',
    ...change,
  };
}

function startDeadLetters(url: string, webhookUrl?: string) {
  const lines: Record<string, unknown>[] = [];
  const metrics = createMetrics();
  const logger = createLogger('info', {
    write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>),
  });
  const observe = combineObservers([countDeadLetters(metrics), logDeadLetters(logger)], (error) => {
    throw error;
  });
  const queue = createSqsDeadLetterQueue({
    machine: systemClock,
    random: () => 0.5,
    observe,
    origin,
    connect: () =>
      loadSqsSender({
        aws: readAwsConfig(new EnvironmentReader({ AWS_ENDPOINT_URL: url })),
        credentials: { kind: 'keys', keys: { accessKeyId: 'test', secretAccessKey: 'test' } },
        queueUrl: 'https://sqs.ap-northeast-2.amazonaws.com/123456789012/payment-webhook-dlq',
      }),
  });
  const counts = async () =>
    Object.fromEntries(
      (await metrics.deadLetterMessages.get()).values.map(({ labels, value }) => [labels.outcome, value]),
    );
  const custody = createCustody<Delivery>({
    channel: webhookUrl === undefined ? 'eventbridge' : 'webhook',
    durable: false,
    maxSlowAttempts: 100,
    origins: undefined,
    queue: createHeldQueue(),
    deadLetterQueue: queue,
    machine: systemClock,
    observe,
    urlOf: () => webhookUrl,
  });
  const giveUp = (mark?: string) => custody.giveUp(sampleDelivery(mark), 'exhausted', 'InternalFailure: no');
  return { giveUp, drain: (withinMs: number) => queue.drain(withinMs), lines, counts };
}

test('a letter of a refund is for the worker what its event would have been', () => {
  const event = refundALittle(sampleSettledPayment(), 'evt-refund', Date.UTC(2026, 0, 2)).event;
  const letter = sampleLetter({ delivery: { ...sampleDelivery(), event } });
  const { body } = toDeadLetterMessage(letter, origin, Date.UTC(2026, 0, 3));
  expect(JSON.parse(body)).toMatchObject({
    'detail-type': 'Payment Refund Updated',
    id: 'evt-refund',
    detail: { sequence: 2, refund_id: 'rfd-of-evt-refund', refund_status: 'SUCCEEDED', refunded_amount: 1 },
  });
  expect(parseMessage(body)).toMatchObject({
    kind: 'outcome',
    outcome: { eventId: 'evt-refund', sequence: 2, reservationStatus: undefined },
  });
});

test('a letter goes to the log and to SQS with reason, attempts and times as attributes', async () => {
  const aws = await startAwsStandIn();
  const { giveUp, drain, lines, counts } = startDeadLetters(aws.url, 'http://a.example/hook');
  giveUp();
  await drain(5_000);
  const [message] = aws.messages;
  expect(
    Object.fromEntries(
      Object.entries(message?.MessageAttributes ?? {}).map(([name, value]) => [name, value.StringValue]),
    ),
  ).toEqual({
    channel: 'webhook',
    reason: 'exhausted',
    attempts: '3',
    first_attempt_at: '2026-01-01T00:00:01.000Z',
    last_attempt_at: '2026-01-01T00:00:09.000Z',
    error: 'InternalFailure: no',
    event_id: 'evt-1',
    payment_id: 'pay-1',
    webhook_url: 'http://a.example/hook',
  });
  expect(JSON.parse(message?.MessageBody ?? '')).toMatchObject({
    version: '0',
    id: 'evt-1',
    'detail-type': 'Payment Status Updated',
    source: 'payment-sim-api',
    time: '2026-01-01T00:00:00Z',
    resources: [],
    detail: { event_id: 'evt-1', payment_id: 'pay-1', status: 'PAYMENT_STATUS_COMPLETED', user_id: 'user-1' },
  });
  expect(lines).toMatchObject([
    {
      level: 'error',
      msg: 'Webhook given up',
      channel: 'webhook',
      payment_id: 'pay-1',
      event_id: 'evt-1',
      amount: 120_000,
      reason: 'exhausted',
      attempts: 3,
      webhook_url: 'http://a.example/hook',
    },
  ]);
  expect(await counts()).toEqual({ failed: 0, sent: 1 });
});

test('the message of a letter, moved to the queue of the worker, is an outcome like any other', () => {
  const { body } = toDeadLetterMessage(sampleLetter(), origin, 5_000);
  expect(parseMessage(body)).toMatchObject({
    kind: 'outcome',
    outcome: { eventId: 'evt-1', paymentId: 'pay-1', reservationId: 'reservation-1' },
  });
});

test('letters of one moment travel together, and only those that SQS did not take are sent again', async () => {
  const aws = await startAwsStandIn();
  const batches: string[][] = [];
  let round = 0;
  aws.answerOperation('AmazonSQS.SendMessageBatch', (input) => {
    const entries = input['Entries'] as {
      Id: string;
      MessageBody: string;
      MessageAttributes: { event_id: { StringValue: string } };
    }[];
    batches.push(entries.map((entry) => entry.MessageAttributes.event_id.StringValue));
    round += 1;
    const failures =
      round === 1
        ? [
            { Id: '1', SenderFault: false, Code: 'InternalError' },
            { Id: '2', SenderFault: true, Code: 'InvalidMessageContents' },
          ]
        : [];
    const failed = new Set(failures.map(({ Id }) => Id));
    return {
      status: 200,
      body: {
        Failed: failures,
        Successful: entries
          .filter(({ Id }) => !failed.has(Id))
          .map(({ Id, MessageBody }) => ({
            Id,
            MessageId: Id,
            MD5OfMessageBody: createHash('md5').update(MessageBody).digest('hex'),
          })),
      },
    };
  });
  const { giveUp, drain, lines, counts } = startDeadLetters(aws.url);
  for (const mark of ['a', 'b', 'c']) {
    giveUp(mark);
  }
  await drain(5_000);
  expect(batches).toEqual([['evt-a', 'evt-b', 'evt-c'], ['evt-b']]);
  expect(await counts()).toEqual({ sent: 2, failed: 1 });
  expect(lines.at(-1)).toMatchObject({ event_ids: ['evt-c'], error: 'InvalidMessageContents' });
});

test('when SQS cannot be reached, the log has everything and the metric says so', async () => {
  const aws = await startAwsStandIn();
  aws.close();
  const { giveUp, drain, lines, counts } = startDeadLetters(aws.url);
  giveUp();
  await drain(1_000);
  expect(lines[0]).toMatchObject({ msg: 'EventBridge event given up', event_id: 'evt-1', user_id: 'user-1' });
  expect(lines[1]).toMatchObject({ event_ids: ['evt-1'] });
  expect(await counts()).toMatchObject({ failed: 1 });
});

test('the end does not wait for a queue that hangs longer than it may', async () => {
  const aws = await startAwsStandIn();
  aws.answerOperation('AmazonSQS.SendMessageBatch', () => ({ status: 500, body: {} }));
  const { giveUp, drain, counts } = startDeadLetters(aws.url);
  for (let count = 0; count < 100; count += 1) {
    giveUp();
  }
  await drain(50);
  giveUp();
  // What is in flight may still be counted later; nothing is counted twice.
  expect((await counts())['failed']).toBeGreaterThanOrEqual(61);
});

test('the message is fit for SQS and keeps every character of the event', () => {
  const text = fc.string({ unit: 'binary', maxLength: 30 });
  fc.assert(
    fc.property(text, text, (userId, error) => {
      const delivery = { ...sampleDelivery(), event: sampleEvent({ userId }) };
      const { body, attributes } = toDeadLetterMessage(sampleLetter({ delivery, error }), origin, 5_000);
      for (const value of [body, ...Object.values(attributes)]) {
        expect(value).toMatch(/^[\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]+$/u);
      }
      const envelope = JSON.parse(body) as { detail: { user_id: string } };
      expect(envelope.detail.user_id).toBe(userId);
    }),
    { numRuns: 50 },
  );
});
