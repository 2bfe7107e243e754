import type { ServerResponse } from 'node:http';
import { expect, test } from 'vitest';
import type { WebhookDelivery } from '../../src/delivery/delivery.ts';
import { HandedOverError } from '../../src/payment/errors.ts';
import type { PaymentEvent } from '../../src/payment/event.ts';
import { createHeldQueue } from '../support/held-queue.ts';
import { sampleEvent } from '../support/sample-payment.ts';
import { startScriptedReceiver } from './scripted-receiver.ts';
import { givenUpLine, retryLine, type SenderChange, startWebhookSender } from './start-webhook-sender.ts';

/* The first attempts at the events of one payment are made in the order of the events. */

/** A receiver that answers one request at a time, when it is told to. */
async function startManualReceiver() {
  const responses: ServerResponse[] = [];
  const receiver = await startScriptedReceiver((response) => void responses.push(response));
  return {
    ...receiver,
    /** What it was told, as payment and number of the event. */
    told: () => receiver.requests.map(({ body }) => toldBy(body)),
    answerNext: (statusCode = 200) => responses.shift()?.writeHead(statusCode).end(),
  };
}

function toldBy(body: string): string {
  const { payment_id: paymentId, sequence } = JSON.parse(body) as { payment_id: string; sequence: number };
  return `${paymentId} ${sequence}`;
}

function start(change: SenderChange = {}) {
  const sending = startWebhookSender(change);
  const eventOf = (webhookUrl: string, paymentId: string, sequence: number): PaymentEvent => ({
    ...sampleEvent({
      id: paymentId,
      eventId: `evt-${paymentId}-${sequence}`,
      webhookUrl,
      settledAtMs: sending.clock.now(),
    }),
    sequence,
  });
  return {
    ...sending,
    acceptEvent: (webhookUrl: string, paymentId: string, sequence: number) =>
      sending.sender.accept(eventOf(webhookUrl, paymentId, sequence)),
  };
}

test('a later event waits for the first attempt at an earlier one, however slow, and other payments do not', async () => {
  const receiver = await startManualReceiver();
  const { acceptEvent, logs } = start();
  const url = `${receiver.origin}/`;
  for (const sequence of [1, 2, 3]) {
    void acceptEvent(url, 'pay-a', sequence);
  }
  void acceptEvent(url, 'pay-b', 1);
  await expect.poll(receiver.told).toEqual(['pay-a 1', 'pay-b 1']);
  receiver.answerNext();
  await expect.poll(receiver.told).toEqual(['pay-a 1', 'pay-b 1', 'pay-a 2']);
  receiver.answerNext();
  receiver.answerNext();
  await expect.poll(receiver.told).toEqual(['pay-a 1', 'pay-b 1', 'pay-a 2', 'pay-a 3']);
  receiver.answerNext();
  await expect.poll(() => logs('Webhook delivered').length).toBe(4);
});

test('events that come in another order are told in theirs, as far as those before are there', async () => {
  const receiver = await startManualReceiver();
  const { acceptEvent, logs } = start();
  for (const sequence of [2, 5, 4, 3, 1]) {
    void acceptEvent(`${receiver.origin}/`, 'pay-a', sequence);
  }
  // The second was alone when it began, and the first has none before it.
  await expect.poll(() => receiver.told().toSorted()).toEqual(['pay-a 1', 'pay-a 2']);
  receiver.answerNext();
  for (const told of [3, 4, 5]) {
    receiver.answerNext();
    await expect.poll(() => receiver.told().length).toBe(told);
  }
  receiver.answerNext();
  await expect.poll(() => logs('Webhook delivered').length).toBe(5);
  expect(receiver.told().slice(2)).toEqual(['pay-a 3', 'pay-a 4', 'pay-a 5']);
});

test('the next one goes out when the first attempt has failed; the retry does not hold it up, nor is it held up', async () => {
  const receiver = await startManualReceiver();
  const { acceptEvent, logs, clock } = start();
  void acceptEvent(`${receiver.origin}/`, 'pay-a', 1);
  void acceptEvent(`${receiver.origin}/`, 'pay-a', 2);
  await expect.poll(receiver.told).toEqual(['pay-a 1']);
  receiver.answerNext(503);
  await expect.poll(receiver.told).toEqual(['pay-a 1', 'pay-a 2']);
  await expect.poll(() => logs(retryLine).length).toBe(1);
  // The retry of the first is made while the second is under way, and the third does not wait for it.
  await clock.advance(1_000);
  await expect.poll(receiver.told).toEqual(['pay-a 1', 'pay-a 2', 'pay-a 1']);
  receiver.answerNext();
  await expect.poll(() => logs('Webhook delivered').length).toBe(1);
  void acceptEvent(`${receiver.origin}/`, 'pay-a', 3);
  await expect.poll(receiver.told).toEqual(['pay-a 1', 'pay-a 2', 'pay-a 1', 'pay-a 3']);
  receiver.answerNext();
  receiver.answerNext();
  await expect.poll(() => logs('Webhook delivered').length).toBe(3);
});

test('at the end of the process what waits behind another is a dead letter like it, once', async () => {
  const receiver = await startManualReceiver();
  const { acceptEvent, sender, logs, clock } = start();
  for (const sequence of [1, 2, 3]) {
    void acceptEvent(`${receiver.origin}/`, 'pay-a', sequence);
  }
  await expect.poll(receiver.told).toEqual(['pay-a 1']);
  const drained = sender.drain(1_000);
  await clock.advance(1_000);
  await drained;
  expect(logs(givenUpLine).map((line) => [line['event_id'], line['reason']])).toEqual([
    ['evt-pay-a-1', 'shutdown'],
    ['evt-pay-a-2', 'shutdown'],
    ['evt-pay-a-3', 'shutdown'],
  ]);
  receiver.answerNext();
  await clock.advance(1_000);
  expect(receiver.told()).toEqual(['pay-a 1']);
  expect(logs(givenUpLine)).toHaveLength(3);
});

test('a drain waits for what comes behind another', async () => {
  const receiver = await startManualReceiver();
  const { acceptEvent, sender, logs } = start();
  for (const sequence of [1, 2]) {
    void acceptEvent(`${receiver.origin}/`, 'pay-a', sequence);
  }
  await expect.poll(receiver.told).toEqual(['pay-a 1']);
  const drained = sender.drain(10_000);
  receiver.answerNext();
  await expect.poll(receiver.told).toEqual(['pay-a 1', 'pay-a 2']);
  receiver.answerNext();
  await drained;
  expect(logs('Webhook delivered')).toHaveLength(2);
});

test('with durable state, what waits behind another is handed over at the end of the process', async () => {
  const receiver = await startManualReceiver();
  const queue = createHeldQueue<WebhookDelivery>();
  const { acceptEvent, sender, clock, logs } = start({ queue, durable: true });
  const ended: [number, unknown][] = [];
  for (const sequence of [1, 2, 3]) {
    acceptEvent(`${receiver.origin}/`, 'pay-a', sequence)?.then(
      () => ended.push([sequence, 'told']),
      (error: unknown) => ended.push([sequence, error]),
    );
  }
  await expect.poll(receiver.told).toEqual(['pay-a 1']);
  const drained = sender.drain(1_000);
  await clock.advance(1_000);
  await drained;
  const handedOver = expect.any(HandedOverError) as unknown;
  // Without an answer to the first: these have nothing under way.
  expect(ended).toEqual([
    [2, handedOver],
    [3, handedOver],
  ]);
  receiver.answerNext();
  await expect.poll(() => ended.length).toBe(3);
  expect(ended[2]).toEqual([1, handedOver]);
  expect(queue.held).toEqual([]);
  expect(logs(givenUpLine)).toEqual([]);
  expect(receiver.told()).toEqual(['pay-a 1']);
});
