import { expect, test } from 'vitest';
import { createManualClock } from '../../src/index.ts';
import { isGenuine, isGenuineElsewhere, startPipeline } from '../support/delivery-pipeline.ts';
import type { ReceivedWebhook } from '../support/webhook-receiver.ts';

function idsOf(webhooks: readonly ReceivedWebhook[]): readonly unknown[] {
  return webhooks.map(({ body }) => body['event_id']);
}

test('copies have one event_id, and only the channel that is named has them', async () => {
  const { pay, receiver, aws, service } = await startPipeline();
  const id = await pay({ delivery: { channel: 'SIMULATED_CHANNEL_WEBHOOK', copies: 3 } });
  const webhooks = await receiver.waitFor(3);
  expect(new Set(idsOf(webhooks)).size).toBe(1);
  expect(webhooks.map(isGenuine)).toEqual([true, true, true]);
  await aws.until(({ accepted }) => accepted.length > 0);
  expect(aws.accepted.map(({ detail }) => [detail['payment_id'], detail['event_id']])).toEqual([
    [id, webhooks[0]?.body['event_id']],
  ]);
  expect(service.logs('Simulated delivery')).toMatchObject([{ channel: 'webhook', faults: ['copies'] }]);
  const metric = 'delivery_simulated_faults_total{channel="webhook",fault="copies"}';
  expect(await service.metric(metric)).toBe(1);
});

test('copies on both channels', async () => {
  const { pay, receiver, aws } = await startPipeline();
  await pay({ delivery: { copies: 2 } });
  await receiver.waitFor(2);
  await aws.until(({ accepted }) => accepted.length >= 2);
  expect(new Set(aws.accepted.map(({ detail }) => detail['event_id']))).toEqual(
    new Set(idsOf(receiver.received)),
  );
});

test('what is dropped is not sent by that channel, and counts as no failure', async () => {
  const { pay, receiver, aws, service } = await startPipeline();
  await pay({ delivery: { channel: 'SIMULATED_CHANNEL_WEBHOOK', drop: true } });
  await aws.until(({ accepted }) => accepted.length === 1);
  // A later one has come, so that the one before would have, too.
  const next = await pay({});
  expect((await receiver.waitFor(1)).map(({ body }) => body['payment_id'])).toEqual([next]);
  expect(service.logs('Simulated delivery')).toMatchObject([{ channel: 'webhook', faults: ['drop'] }]);
  expect(service.logs().filter(({ level }) => level === 'warn' || level === 'error')).toEqual([]);
});

test('a refund overtakes the payment it is of, every time', async () => {
  const { pay, call, receiver, aws } = await startPipeline();
  for (let payments = 0; payments < 5; payments += 1) {
    const before = receiver.received.length;
    const id = await pay({ delivery: { hold_until_next_event: true } });
    const { body } = await call('ProcessPayment', { payment_intent_id: id });
    expect(body['status']).toBe('PAYMENT_STATUS_COMPLETED');
    await call('CancelPayment', { payment_intent_id: id });
    const webhooks = (await receiver.waitFor(before + 2)).slice(before);
    expect(webhooks.map((webhook) => [webhook.body['sequence'], webhook.body['status']])).toEqual([
      [2, 'PAYMENT_STATUS_REFUNDED'],
      [1, 'PAYMENT_STATUS_COMPLETED'],
    ]);
    expect(webhooks.map(isGenuine)).toEqual([true, true]);
  }
  await aws.until(({ accepted }) => accepted.length === 10);
  expect(aws.accepted.map(({ detail }) => detail['sequence'])).toEqual([2, 1, 2, 1, 2, 1, 2, 1, 2, 1]);
});

test('a contradiction comes after the truth, under an id of its own', async () => {
  const { pay, receiver } = await startPipeline();
  await pay({
    delivery: { channel: 'SIMULATED_CHANNEL_WEBHOOK', conflicting_status: 'PAYMENT_STATUS_FAILED' },
  });
  const webhooks = await receiver.waitFor(2);
  expect(new Set(webhooks.map(({ body }) => body['status']))).toEqual(
    new Set(['PAYMENT_STATUS_COMPLETED', 'PAYMENT_STATUS_FAILED']),
  );
  expect(new Set(idsOf(webhooks)).size).toBe(2);
  expect(webhooks.map(isGenuine)).toEqual([true, true]);
});

test.each(['WRONG_SECRET', 'MISSING', 'STALE', 'TAMPERED'])(
  'a signature that is %s is refused by every library, sent once, and counts as no failure',
  async (signature) => {
    const { pay, receiver, aws, service } = await startPipeline({ WEBHOOK_RETRY_BASE_MS: '1' });
    await pay({ delivery: { signature: `SIMULATED_SIGNATURE_${signature}` } });
    const [forged] = await receiver.waitFor(1);
    expect(forged && [isGenuine(forged), isGenuineElsewhere(forged)]).toEqual([false, false]);
    await aws.until(({ accepted }) => accepted.length === 1);
    const next = await pay({});
    expect((await receiver.waitFor(2)).map(({ body }) => body['payment_id']).at(-1)).toBe(next);
    await expect
      .poll(() => service.logs('Simulated delivery').at(-1))
      .toMatchObject({ signature, http_status: 401 });
    expect(service.logs().filter(({ level }) => level === 'warn' || level === 'error')).toEqual([]);
    expect(await service.metric('webhook_attempts_total{outcome="simulated_fault"}')).toBe(1);
    expect(await service.metric('webhook_deliveries_total{outcome="dead_letter_refused"}')).toBeUndefined();
  },
);

test('wrong signatures of one payment leave those of the others alone', async () => {
  const { pay, receiver } = await startPipeline();
  await pay({ delivery: { signature: 'SIMULATED_SIGNATURE_TAMPERED' } });
  await pay({});
  const webhooks = await receiver.waitFor(2);
  expect(webhooks.filter(isGenuine)).toHaveLength(1);
  expect(webhooks.filter(isGenuineElsewhere)).toEqual(webhooks.filter(isGenuine));
});

test('a delayed delivery goes by the clock of the simulation, on both channels', async () => {
  const clock = createManualClock(Date.now());
  const { pay, receiver, aws } = await startPipeline({}, { clock });
  const late = await pay({ delivery: { delay_ms: 5_000 } });
  const arrived = () => receiver.received.map(({ body }) => body['payment_id']);
  for (const waitMs of [0, 4_999]) {
    await clock.advance(waitMs);
    const other = await pay({});
    await clock.advance(0);
    await expect.poll(arrived).toContain(other);
    expect(arrived()).not.toContain(late);
  }
  await clock.advance(1);
  await expect.poll(arrived).toContain(late);
  await aws.until(({ accepted }) => accepted.some(({ detail }) => detail['payment_id'] === late));
});

test('contradictions are refused by their fields', async () => {
  const { call, receiver } = await startPipeline();
  const refused = async (delivery: Record<string, unknown>) => {
    const { body } = await call('CreatePaymentIntent', {
      reservation_id: 'r',
      user_id: 'u',
      amount: { amount: 1, currency: 'KRW' },
      webhook_url: receiver.url,
      simulation: { delivery },
    });
    return body['message'];
  };
  expect(await refused({ drop: true, copies: 2 })).toContain('simulation.delivery.copies: contradicts drop');
  expect(await refused({ hold_until_next_event: true, delay_ms: 1 })).toContain(
    'simulation.delivery.delay_ms: contradicts hold_until_next_event',
  );
  expect(
    await refused({ channel: 'SIMULATED_CHANNEL_EVENTBRIDGE', signature: 'SIMULATED_SIGNATURE_STALE' }),
  ).toContain('simulation.delivery.signature: contradicts the channel');
  expect(await refused({ conflicting_status: 'PAYMENT_STATUS_PENDING' })).toContain(
    'simulation.delivery.conflicting_status: must be a status other than PENDING',
  );
  expect(await refused({ copies: 11 })).toContain(
    'simulation.delivery.copies: must be a whole number from 2 to 10',
  );
  expect(await refused({})).toContain('simulation.delivery: must say what shall happen');
});
