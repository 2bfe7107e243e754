import { ReceiveMessageCommand, StartMessageMoveTaskCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startElasticMq } from './elasticmq-server.ts';
import { installMs, isMissing } from './kept-install.ts';
import { outcomeMessage, reservationIds } from './outcome-messages.ts';
import { countMessages, createQueues, empty, sendMessages, untilCount } from './queues.ts';
import { startReservations } from './reservations.ts';
import type { StandIn } from './stand-in-process.ts';
import { startWorkerProcess, troublesOf } from './worker-process.ts';

const isToolMissing = isMissing('mvn', '--version') || isMissing('java', '-version');
const payments = 200;
const ids = reservationIds(payments);
/** Two polls of ten messages each are handled at a time. */
const twoPollers = { WORKER_POLLERS: '2', RESERVATION_API_TIMEOUT_MS: '60000' };
const inHand = 20;

describe.skipIf(isToolMissing)('ElasticMQ as the queue of the worker (needs Maven and Java)', () => {
  let sqs: StandIn;

  beforeAll(async () => {
    sqs = await startElasticMq();
  }, installMs + 60_000);
  afterAll(() => sqs?.stop());

  test('the redrive policy takes what always fails, and gives it back', { timeout: 120_000 }, async () => {
    const queues = await createQueues(sqs.url, 'redrive', 3);
    const reservations = await startReservations();
    reservations.refuse('reservation-refused');
    const worker = await startWorkerProcess(queues, reservations.url, {
      // Nothing but the queue itself moves a message.
      PAYMENT_WEBHOOK_DLQ_URL: '',
      WORKER_RETRY_BASE_MS: '1',
      WORKER_RETRY_MAX_MS: '1',
    });
    const bad = ['no JSON', outcomeMessage('reservation-refused')];
    await sendMessages(queues, [...bad, ...ids.map(outcomeMessage)]);
    await untilCount(queues, queues.deadLetters, { visible: bad.length, hidden: 0 });
    await untilCount(queues, queues.main, empty);

    const statuses = reservations.statuses();
    expect(statuses.get('reservation-refused')).toHaveLength(3);
    expect(statuses.size).toBe(payments + 1);
    expect(reservations.calls).toHaveLength(payments + 3);

    reservations.refuseNone();
    await queues.client.send(
      new StartMessageMoveTaskCommand({
        SourceArn: queues.deadLetters.arn,
        DestinationArn: queues.main.arn,
      }),
    );
    await reservations.untilCalls(payments + 4);
    // The other one fails again, three times, and is given up again.
    await expect
      .poll(() => worker.stdout().match(/"Message not understood/g)?.length, { timeout: 30_000 })
      .toBe(6);
    await untilCount(queues, queues.deadLetters, { visible: 1, hidden: 0 });
    await untilCount(queues, queues.main, empty);
    expect(reservations.statuses().get('reservation-refused')).toHaveLength(4);
    worker.signal('SIGTERM');
    expect((await worker.ended).code).toBe(0);
  });

  test('poison goes to the dead-letter queue at once where it is named', { timeout: 120_000 }, async () => {
    const queues = await createQueues(sqs.url, 'poison');
    const reservations = await startReservations();
    const worker = await startWorkerProcess(queues, reservations.url);
    const poison = '{"detail-type":"Something else","detail":{"name":"좌석 🎫"}}';
    await sendMessages(queues, [poison, outcomeMessage('reservation-good')]);
    await untilCount(queues, queues.deadLetters, { visible: 1, hidden: 0 });
    await untilCount(queues, queues.main, empty);

    const { Messages = [] } = await queues.client.send(
      new ReceiveMessageCommand({ QueueUrl: queues.deadLetters.url, MessageAttributeNames: ['All'] }),
    );
    expect(Messages.map(({ Body }) => Body)).toEqual([poison]);
    expect(Messages[0]?.MessageAttributes).toMatchObject({
      reason: { StringValue: 'unexpected_type' },
      attempts: { StringValue: '1' },
      channel: { StringValue: 'reservation-worker' },
    });
    expect([...reservations.statuses().keys()]).toEqual(['reservation-good']);
    worker.signal('SIGTERM');
    expect((await worker.ended).code).toBe(0);
  });

  test(
    'killed by SIGKILL in the middle, the next worker handles the rest',
    { timeout: 120_000 },
    async () => {
      const queues = await createQueues(sqs.url, 'killed');
      const reservations = await startReservations();
      reservations.holdAfter(payments / 2);
      const env = { ...twoPollers, WORKER_VISIBILITY_SECONDS: '4' };
      await sendMessages(queues, ids.map(outcomeMessage));
      const killed = await startWorkerProcess(queues, reservations.url, env);
      await reservations.untilCalls(payments / 2 + 1);
      killed.signal('SIGKILL');
      await killed.ended;
      reservations.release();
      const next = await startWorkerProcess(queues, reservations.url, env);
      await untilCount(queues, queues.main, empty);

      expect([...reservations.statuses().keys()].toSorted()).toEqual(ids.toSorted());
      // Twice only what the killed worker had in hand.
      expect(reservations.calls.length).toBeLessThanOrEqual(payments + inHand);
      expect(reservations.calls.length).toBeGreaterThan(payments);
      expect(await countMessages(queues, queues.deadLetters)).toEqual(empty);
      next.signal('SIGTERM');
      expect((await next.ended).code).toBe(0);
      expect([...troublesOf(killed), ...troublesOf(next)]).toEqual([]);
    },
  );

  test('stopped by SIGTERM in the middle, it finishes what it has, once', { timeout: 120_000 }, async () => {
    const queues = await createQueues(sqs.url, 'stopped');
    const reservations = await startReservations();
    reservations.holdAfter(payments / 2);
    await sendMessages(queues, ids.map(outcomeMessage));
    const stopped = await startWorkerProcess(queues, reservations.url, twoPollers);
    await reservations.untilCalls(payments / 2 + 1);
    stopped.signal('SIGTERM');
    await stopped.shown(/"msg":"Stopping"/);
    reservations.release();
    expect((await stopped.ended).code).toBe(0);
    const done = reservations.calls.length;
    expect(done).toBeLessThan(payments);
    expect(await countMessages(queues, queues.main)).toEqual({ visible: payments - done, hidden: 0 });

    const next = await startWorkerProcess(queues, reservations.url, twoPollers);
    await untilCount(queues, queues.main, empty);
    expect(reservations.statuses()).toEqual(new Map(ids.map((id) => [id, ['CONFIRMED']])));
    expect(await countMessages(queues, queues.deadLetters)).toEqual(empty);
    next.signal('SIGTERM');
    expect((await next.ended).code).toBe(0);
    expect([...troublesOf(stopped), ...troublesOf(next)]).toEqual([]);
  });
});
