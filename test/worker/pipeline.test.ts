import { request } from 'undici';
import { expect, test } from 'vitest';
import { startService } from '../support/start-service.ts';
import { startQueues, startReservationApi, startWorker } from './support.ts';

const payments = 500;

test(
  'payments reach their reservations once each, and all counts add up',
  { timeout: 60_000 },
  async (context) => {
    let calls = 0;
    const queues = await startQueues(context, {
      // Every fifth call fails for some of its entries.
      onPutEvents(entries) {
        calls += 1;
        return calls % 5 === 0
          ? entries.map((_, index) =>
              index % 3 === 0 ? { ErrorCode: 'InternalFailure', ErrorMessage: 'Injected.' } : undefined,
            )
          : undefined;
      },
    });
    const statuses = new Map<string, unknown[]>();
    const { promise: complete, resolve: onComplete } = Promise.withResolvers<void>();
    const api = await startReservationApi(context, (response, call) => {
      // Every tenth call fails.
      if (api.calls.length % 10 === 0) {
        response.writeHead(503).end();
        return;
      }
      const updates = statuses.get(call.path) ?? [];
      statuses.set(call.path, [...updates, (call.body as Record<string, unknown>)['status']]);
      response.end();
      if (statuses.size === payments) {
        onComplete();
      }
    });
    const service = await startService({
      EVENTBRIDGE: 'on',
      AWS_REGION: queues.aws.region,
      AWS_ENDPOINT_URL_EVENTBRIDGE: queues.aws.eventBridgeUrl,
      DEFAULT_DELAY_MS: '0',
      LOG_LEVEL: 'warn',
    });
    const worker = await startWorker(context, queues, {
      RESERVATION_API_URL: api.url,
      RESERVATION_API_TIMEOUT_MS: '60000',
      WORKER_POLLERS: '4',
    });

    let next = 0;
    await Promise.all(
      Array.from({ length: 20 }, async () => {
        while (next < payments) {
          await pay(service.apiUrl, next++);
        }
      }),
    );
    await complete;
    const failures = Math.floor(api.calls.length / 10);
    await worker.waitForLogs('Reservation confirmed', payments * 0.75);
    await worker.waitForLogs('Reservation cancelled', payments * 0.25);
    const outcome = (name: string) => worker.metric(`reservation_worker_messages_total{outcome="${name}"}`);
    expect([await outcome('confirmed'), await outcome('cancelled')]).toEqual([
      payments * 0.75,
      payments * 0.25,
    ]);
    expect([await outcome('retry'), await outcome('dead_letter')]).toEqual([failures, 0]);
    expect(await service.metric('payment_settlements_total{status="COMPLETED"}')).toBe(payments * 0.75);
    await worker.worker.stop();

    for (let n = 0; n < payments; n += 1) {
      expect(statuses.get(`/internal/reservations/reservation-${n}`)).toEqual([
        n % 4 === 0 ? 'CANCELLED' : 'CONFIRMED',
      ]);
    }
    expect(await queues.count()).toEqual({ visible: 0, hidden: 0 });
  },
);

/** Every fourth payment fails. */
async function pay(apiUrl: string, n: number): Promise<void> {
  const response = await request(`${apiUrl}/payment.v1.PaymentService/CreatePaymentIntent`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      reservation_id: `reservation-${n}`,
      user_id: 'user-1',
      amount: { amount: 1_000, currency: 'KRW' },
      scenario: n % 4 === 0 ? 'PAYMENT_SCENARIO_FAIL' : 'PAYMENT_SCENARIO_APPROVE',
    }),
  });
  expect(response.statusCode).toBe(200);
  await response.body.dump();
}
