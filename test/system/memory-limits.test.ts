import { expect, test } from 'vitest';
import { createFakeClock } from '../support/fake-clock.ts';
import { startService } from '../support/start-service.ts';
import { createConnectCaller, createPayment, getPayment, intentMessage } from './connect-json.ts';

/** A service on a clock that stands still and that stops at once. */
async function start(env: Record<string, string>) {
  const clock = createFakeClock(Date.now());
  const service = await startService(
    { EVENTBRIDGE: 'off', SHUTDOWN_GRACE_MS: '0', ...env },
    { clock, machine: clock },
  );
  return { clock, service, call: createConnectCaller(service.apiUrl) };
}

test('a settled payment can be read until PAYMENT_TTL_MS after its settlement', async () => {
  const { clock, service, call } = await start({ PAYMENT_TTL_MS: '60000', DEFAULT_DELAY_MS: '2000' });
  const id = await createPayment(call);
  await clock.advance(2_000 + 59_999);
  expect(await getPayment(call, id)).toMatchObject({ status: 'PAYMENT_STATUS_COMPLETED' });
  await clock.advance(1);
  expect(await getPayment(call, id)).toBe('not_found');
  expect((await call('ProcessPayment', { payment_intent_id: id })).body['code']).toBe('not_found');
  await clock.advance(10_000);
  expect(await service.metric('payment_stored{state="settled"}')).toBe(0);
});

test('a pending payment is kept however long it takes', async () => {
  const { clock, call } = await start({ PAYMENT_TTL_MS: '1000' });
  const id = await createPayment(call, { simulation: { delay_ms: 86_400_000 } });
  await clock.advance(86_399_999);
  expect(await getPayment(call, id)).toMatchObject({ status: 'PAYMENT_STATUS_PENDING' });
  await clock.advance(1);
  expect(await getPayment(call, id)).toMatchObject({ status: 'PAYMENT_STATUS_COMPLETED' });
});

test('beyond MAX_PAYMENTS the oldest settled payment leaves, and with pending ones alone none is taken', async () => {
  const { service, call } = await start({ MAX_PAYMENTS: '3' });
  const a = await createPayment(call);
  const b = await createPayment(call);
  const c = await createPayment(call);
  await call('ProcessPayment', { payment_intent_id: b });
  const d = await createPayment(call); // b leaves
  expect(await getPayment(call, b)).toBe('not_found');
  for (const id of [a, c, d]) {
    expect(await getPayment(call, id)).toMatchObject({ status: 'PAYMENT_STATUS_PENDING' });
  }
  const refused = await call('CreatePaymentIntent', intentMessage());
  expect(refused.httpStatus).toBe(429);
  expect(refused.body['code']).toBe('resource_exhausted');
  expect(refused.body['message']).toContain('MAX_PAYMENTS');
  await call('ProcessPayment', { payment_intent_id: a });
  await createPayment(call);
  expect(await getPayment(call, a)).toBe('not_found');
  expect(await service.metric('payment_stored{state="pending"}')).toBe(3);
});

test('what was refused or settled early leaves nothing in the schedule', async () => {
  const { service, call } = await start({ MAX_PAYMENTS: '2' });
  const day = { simulation: { delay_ms: 86_400_000 } };
  const id = await createPayment(call, day);
  await createPayment(call, day);
  for (let i = 0; i < 20; i += 1) {
    expect((await call('CreatePaymentIntent', intentMessage(day))).body['code']).toBe('resource_exhausted');
  }
  expect(await service.metric('payment_settlements_scheduled')).toBe(2);
  await call('ProcessPayment', { payment_intent_id: id });
  expect(await service.metric('payment_settlements_scheduled')).toBe(1);
});
