import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { startEventRecorder } from '../support/event-recorder.ts';
import { startSteered } from '../support/steering.ts';
import { startWebhookReceiver } from '../support/webhook-receiver.ts';

/* Payments that are held: they stay PENDING until somebody does something about them. */

const hold = { simulation: { outcome: 'SIMULATED_OUTCOME_HOLD' } };
const dayMs = 86_400_000;

test.each([
  ['ProcessPayment', {}, 'COMPLETED'],
  ['CancelPayment', {}, 'CANCELLED'],
  ['SimulateWebhook', { target_status: 'PAYMENT_STATUS_FAILED' }, 'FAILED'],
  ['SimulateWebhook', { target_status: 'PAYMENT_STATUS_COMPLETED', delay_seconds: 60 }, 'COMPLETED'],
  ['SimulateWebhook', { target_status: 'PAYMENT_STATUS_EXPIRED' }, 'EXPIRED'],
])('after 30 days %s %j makes it %s', async (method, request, status) => {
  const receiver = await startWebhookReceiver();
  // The machine's own, or its timers of every second would make 30 days long.
  const sim = await startSteered({ PAYMENT_EXPIRY_MS: '1000' }, { machine: systemClock });
  const id = await sim.create({ ...hold, webhook_url: receiver.url });
  await sim.clock.advance(30 * dayMs);
  expect(await sim.payment(id)).toMatchObject({ status: 'PAYMENT_STATUS_PENDING' });
  expect(receiver.received).toEqual([]);
  await sim.done(method, { payment_intent_id: id, ...request });
  await sim.clock.advance(60_000);
  await expect.poll(async () => (await sim.payment(id))['status']).toBe(`PAYMENT_STATUS_${status}`);
  const [webhook] = await receiver.waitFor(1);
  expect(webhook?.body).toMatchObject({ payment_id: id, status: `PAYMENT_STATUS_${status}` });
});

test('a refund of one that was processed goes as it was told', async () => {
  const sim = await startSteered();
  const id = await sim.create({ simulation: { ...hold.simulation, refund: { failure_code: 'no_refund' } } });
  await sim.done('ProcessPayment', { payment_intent_id: id });
  expect(await sim.call('CancelPayment', { payment_intent_id: id })).toMatchObject({
    code: 'FAILED_PRECONDITION',
    text: expect.stringContaining('no_refund') as string,
  });
});

test('with the machine’s own clock it is not due at once, as a timer beyond 24 days would be', async () => {
  const sim = await startSteered({}, { clock: systemClock, machine: systemClock });
  const held = await sim.create(hold);
  const other = await sim.create({ simulation: { delay_ms: 20 } });
  await expect.poll(async () => (await sim.payment(other))['status']).toBe('PAYMENT_STATUS_COMPLETED');
  expect(await sim.payment(held)).toMatchObject({ status: 'PAYMENT_STATUS_PENDING' });
});

test('a stop of the service expires it, with its event and webhook', async () => {
  const receiver = await startWebhookReceiver();
  const recorder = await startEventRecorder();
  const env = { ...recorder.env, SHUTDOWN_GRACE_MS: '20000' };
  const sim = await startSteered(env, { machine: systemClock });
  const id = await sim.create({ ...hold, webhook_url: receiver.url }, 'run-1');
  await sim.app.stop();
  expect(receiver.received.map(({ body }) => body)).toMatchObject([
    { payment_id: id, status: 'PAYMENT_STATUS_EXPIRED' },
  ]);
  expect(recorder.events).toMatchObject([{ detail: { payment_id: id, session_id: 'run-1' } }]);
});
