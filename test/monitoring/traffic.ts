import { type Target } from './prometheus.ts';
import { startQueues, startReservationApi, startWorker, type Test } from '../worker/support.ts';
import { startRedisServer } from '../support/redis-server.ts';
import { startService } from '../support/start-service.ts';
import { startWebhookReceiver } from '../support/webhook-receiver.ts';

/** A service in memory, one with Redis, and the worker, with everything around them, some of which fails. */
export interface MonitoredSystem {
  readonly targets: readonly Target[];
  /** One round of calls of which some fail, with webhooks and events of which some fail; resolves when the outcomes are out. */
  makeTraffic(): Promise<void>;
}

/** Starts it; it stops when the test is finished. */
export async function startMonitoredSystem(test: Test): Promise<MonitoredSystem> {
  let putEventsCalls = 0;
  const queues = await startQueues(test, {
    onPutEvents: (entries) =>
      (putEventsCalls += 1) % 2 === 1
        ? entries.map(() => ({ ErrorCode: 'ThrottlingException', ErrorMessage: 'as the test wants' }))
        : undefined,
  });
  const { aws } = queues;
  let updates = 0;
  const reservationApi = await startReservationApi(test, (response) => {
    response.writeHead((updates += 1) % 2 === 1 ? 500 : 200).end('{}');
  });
  const worker = await startWorker(test, queues, { RESERVATION_API_URL: reservationApi.url });
  const genuine = await startWebhookReceiver();
  const failing = await startWebhookReceiver((response) => response.writeHead(500).end());
  const redis = await startRedisServer();
  const variables = {
    DEFAULT_DELAY_MS: '0',
    SHUTDOWN_GRACE_MS: '0',
    WEBHOOK_MAX_ATTEMPTS: '2',
    WEBHOOK_RETRY_BASE_MS: '1',
    EVENTBRIDGE_RETRY_BASE_MS: '1',
    AWS_REGION: aws.region,
    AWS_ENDPOINT_URL_EVENTBRIDGE: aws.eventBridgeUrl,
    AWS_ENDPOINT_URL_SQS: aws.sqsUrl,
    PAYMENT_WEBHOOK_DLQ_URL: aws.deadLetterQueueUrl,
    EVENT_BUS_NAME: aws.busName,
  };
  const service = await startService(variables);
  const replica = await startService({ ...variables, REDIS_URL: redis.url });

  async function call(method: string, body: unknown, { apiUrl } = service): Promise<Record<string, unknown>> {
    const response = await fetch(`${apiUrl}/payment.v1.PaymentService/${method}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return (await response.json()) as Record<string, unknown>;
  }

  let rounds = 0;
  return {
    targets: [
      { job: 'payment-sim', addresses: [service, replica].map(({ opsUrl }) => new URL(opsUrl).host) },
      { job: 'reservation-worker', addresses: [new URL(worker.opsUrl).host] },
    ],
    async makeTraffic() {
      rounds += 1;
      const payment = {
        reservation_id: `reservation-${rounds}`,
        user_id: 'user-1',
        amount: { amount: 1_000, currency: 'KRW' },
      };
      const created = await call('CreatePaymentIntent', { ...payment, webhook_url: genuine.url });
      await call('CreatePaymentIntent', { ...payment, webhook_url: failing.url });
      const waiting = await call('CreatePaymentIntent', { ...payment, simulation: { delay_ms: 86_400_000 } });
      await call('CreatePaymentIntent', payment, replica);
      await call('CreatePaymentIntent', {});
      await call('GetPaymentStatus', { payment_intent_id: created['payment_intent_id'] });
      await call('GetPaymentStatus', { payment_intent_id: 'pay-none' });
      await call('ProcessPayment', { payment_intent_id: waiting['payment_intent_id'] });
      await queues.send('not an event');
      await genuine.waitFor(rounds);
      await failing.waitFor(rounds * 2);
      await worker.waitForLogs('Reservation confirmed', rounds * 4);
      await worker.waitForLogs('Message not understood, sent to the dead-letter queue', rounds);
    },
  };
}
