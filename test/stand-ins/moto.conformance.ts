import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runPaymentSim } from '../cli/payment-sim.ts';
import { createConnectCaller, createPayment } from '../system/connect-json.ts';
import { startServiceProcess } from '../system/service-process.ts';
import { installMs, isMissing } from './kept-install.ts';
import { startMoto } from './moto-server.ts';
import { reservationIds } from './outcome-messages.ts';
import { createBus, createRule } from './payment-bus.ts';
import { countMessages, createQueues, empty, type StandInQueues, untilCount } from './queues.ts';
import { startReservations } from './reservations.ts';
import type { StandIn } from './stand-in-process.ts';
import { startWorkerProcess } from './worker-process.ts';

const payments = 500;

describe.skipIf(isMissing('python3', '--version'))('moto as EventBridge and SQS (needs Python)', () => {
  let moto: StandIn;

  beforeAll(async () => {
    moto = await startMoto();
  }, installMs + 60_000);
  afterAll(() => moto?.stop());

  test('each of 500 payments reaches its reservation, once', { timeout: 180_000 }, async () => {
    const queues = await createQueues(moto.url, 'chain', 100);
    const bus = await createBus(moto.url, 'chain-events');
    await createRule(moto.url, 'chain-events', queues);
    const reservations = await startReservations();
    // What is received is deleted when all is sent: moto replaces a queue's list of messages when it deletes one,
    // by which a message that another of its threads adds meanwhile gets lost.
    reservations.holdAfter(0);
    const worker = await startWorkerProcess(queues, reservations.url, {
      RESERVATION_API_TIMEOUT_MS: '60000',
      // For deletes that get lost in the same way: such a message comes again, and is known.
      WORKER_VISIBILITY_SECONDS: '10',
    });
    const service = startServiceProcess({
      ...bus,
      EVENTBRIDGE: 'on',
      // moto takes all calls at once and is slow on a machine that is busy.
      EVENTBRIDGE_TIMEOUT_MS: '60000',
      DEFAULT_DELAY_MS: '0',
    });
    const { apiUrl, opsUrl } = await service.ready;

    const call = createConnectCaller(apiUrl);
    await Promise.all(
      reservationIds(payments).map((id, n) =>
        createPayment(call, { reservation_id: id, scenario: scenarioOf(n) }),
      ),
    );
    const delivered = 'eventbridge_events_total{outcome="delivered"}';
    await expect.poll(() => metric(opsUrl, delivered), { timeout: 60_000, interval: 100 }).toBe(payments);
    expect((await fetch(`${opsUrl}/readyz`)).status).toBe(200);
    reservations.release();
    await untilCount(queues, queues.main, empty, 60_000);

    expect(reservations.statuses()).toEqual(
      new Map(reservationIds(payments).map((id, n) => [id, [statusOf(n)]])),
    );
    expect(reservations.calls).toHaveLength(payments);
    expect(new Set(reservations.calls.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(payments);
    expect(await countMessages(queues, queues.deadLetters)).toEqual(empty);
    worker.signal('SIGTERM');
    service.signal('SIGTERM');
    expect([(await worker.ended).code, (await service.ended).code]).toEqual([0, 0]);
    expect(service.logs().filter(({ level }) => level !== 'info')).toEqual([]);
  });

  test('aws-check finds all that is there, and says what moto does not tell', async () => {
    const queues = await createQueues(moto.url, 'complete');
    const bus = await createBus(moto.url, 'complete-events');
    await createRule(moto.url, 'complete-events', queues);

    const { code, stdout, stderr } = await runPaymentSim(['aws-check'], {
      env: { ...bus, ...queues.env, ...queueUrls(queues) },
    });

    const rule = 'rule payment-status-updated';
    expect(lines(stdout)).toEqual([
      'ok event bus complete-events exists in ap-northeast-2',
      `ok queue ${queues.main.arn} exists`,
      `ok queue ${queues.deadLetters.arn} exists`,
      `unknown ${rule}: could not be told whether it matches, the answer says nothing`,
      `ok ${rule} puts payment events into the queue`,
      'ok the queue policy lets EventBridge send messages',
      'ok the queue gives up messages to the dead-letter queue after 10 receives',
      'All that could be told is there.',
    ]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  test('aws-check says what is missing', async () => {
    const queues = await createQueues(moto.url, 'incomplete');
    const bus = await createBus(moto.url, 'incomplete-events');

    const withoutRule = await runPaymentSim(['aws-check'], {
      env: { ...bus, ...queues.env, ...queueUrls(queues) },
    });
    const nowhere = `${moto.url}/123456789012/nowhere`;
    const withoutAnything = await runPaymentSim(['aws-check'], {
      env: { ...bus, ...queues.env, EVENT_BUS_NAME: 'nowhere', PAYMENT_WEBHOOK_QUEUE_URL: nowhere },
    });

    expect([withoutRule.code, withoutAnything.code]).toEqual([1, 1]);
    expect(lines(withoutRule.stdout)).toContain(
      'missing event bus incomplete-events: no enabled rule matches source "payment-sim-api" with detail-type "Payment Status Updated"',
    );
    expect(lines(withoutAnything.stdout)).toEqual([
      'missing event bus nowhere: does not exist',
      `missing queue ${nowhere}: does not exist`,
      'missing PAYMENT_WEBHOOK_DLQ_URL is not set',
      'See docs/aws.md for how to make what is missing.',
    ]);
  });
});

/** Every fourth payment fails. */
function scenarioOf(n: number): string {
  return n % 4 === 0 ? 'PAYMENT_SCENARIO_FAIL' : 'PAYMENT_SCENARIO_APPROVE';
}

function statusOf(n: number): string {
  return n % 4 === 0 ? 'CANCELLED' : 'CONFIRMED';
}

async function metric(opsUrl: string, nameWithLabels: string): Promise<number> {
  const text = await (await fetch(`${opsUrl}/metrics`)).text();
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${nameWithLabels} `));
  return Number(line?.slice(nameWithLabels.length) ?? 0);
}

function queueUrls(queues: StandInQueues): Record<string, string> {
  return {
    PAYMENT_WEBHOOK_QUEUE_URL: queues.main.url,
    PAYMENT_WEBHOOK_DLQ_URL: queues.deadLetters.url,
  };
}

/** What a command printed, without the blanks of its columns. */
function lines(stdout: string): readonly string[] {
  return stdout.trim().replaceAll(/ +/g, ' ').split('\n');
}
