import { ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { expect, onTestFinished, test } from 'vitest';
import { startLocalAws } from '../../dev/local-aws.ts';
import { startService } from '../support/start-service.ts';
import { startWebhookReceiver } from '../support/webhook-receiver.ts';

test('a settled payment comes out of the queue and at the webhook, under one event id', async () => {
  const aws = await startLocalAws();
  onTestFinished(() => aws.stop());
  const sqs = aws.createSqsClient();
  onTestFinished(() => sqs.destroy());
  const receiver = await startWebhookReceiver();
  const service = await startService({
    DEFAULT_DELAY_MS: '0',
    EVENTBRIDGE: 'on',
    AWS_ENDPOINT_URL_EVENTBRIDGE: aws.eventBridgeUrl,
    AWS_ENDPOINT_URL_SQS: aws.sqsUrl,
    PAYMENT_WEBHOOK_DLQ_URL: aws.deadLetterQueueUrl,
    EVENT_BUS_NAME: aws.busName,
  });
  const response = await fetch(`${service.apiUrl}/payment.v1.PaymentService/CreatePaymentIntent`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      reservation_id: 'reservation-1',
      user_id: 'user-1',
      amount: { amount: 1_000, currency: 'KRW' },
      webhook_url: receiver.url,
    }),
  });
  const { payment_intent_id: paymentId } = (await response.json()) as { payment_intent_id: string };
  const [webhook] = await receiver.waitFor(1);
  const { Messages = [] } = await sqs.send(
    new ReceiveMessageCommand({ QueueUrl: aws.queueUrl, WaitTimeSeconds: 10 }),
  );
  expect(Messages).toHaveLength(1);
  expect(JSON.parse(Messages[0]?.Body ?? '')).toMatchObject({
    'detail-type': 'Payment Status Updated',
    source: 'payment-sim-api',
    detail: {
      payment_id: paymentId,
      reservation_id: 'reservation-1',
      user_id: 'user-1',
      event_id: webhook?.body['event_id'],
    },
  });
});

test('a webhook that its receiver refuses for good comes to the dead-letter queue', async () => {
  const aws = await startLocalAws();
  onTestFinished(() => aws.stop());
  const sqs = aws.createSqsClient();
  onTestFinished(() => sqs.destroy());
  const receiver = await startWebhookReceiver((answer) => answer.writeHead(410).end());
  const service = await startService({
    DEFAULT_DELAY_MS: '0',
    AWS_ENDPOINT_URL_EVENTBRIDGE: aws.eventBridgeUrl,
    AWS_ENDPOINT_URL_SQS: aws.sqsUrl,
    PAYMENT_WEBHOOK_DLQ_URL: aws.deadLetterQueueUrl,
  });
  await fetch(`${service.apiUrl}/payment.v1.PaymentService/CreatePaymentIntent`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      reservation_id: 'reservation-1',
      user_id: 'user-1',
      amount: { amount: 1_000, currency: 'KRW' },
      webhook_url: receiver.url,
    }),
  });
  const { Messages = [] } = await sqs.send(
    new ReceiveMessageCommand({
      QueueUrl: aws.deadLetterQueueUrl,
      WaitTimeSeconds: 10,
      MessageAttributeNames: ['All'],
    }),
  );
  expect(Messages[0]?.MessageAttributes).toMatchObject({
    channel: { StringValue: 'webhook' },
    reason: { StringValue: 'refused' },
    attempts: { StringValue: '1' },
    webhook_url: { StringValue: receiver.url },
  });
  expect(JSON.parse(Messages[0]?.Body ?? '')).toMatchObject({ detail: { reservation_id: 'reservation-1' } });
});
