import {
  Code,
  DeliveryStatus,
  PaymentStatus,
  SimulatedErrorTime,
  SimulatedOutcome,
  SimulatedSignature,
} from 'payment-sim/gen';
import { expect } from 'vitest';
import { test } from './fixtures.ts';

test('an order is pending, and paid two seconds later', async ({ session }) => {
  const placed = await session.placeOrder();
  expect(placed).toMatchObject({ httpStatus: 201, status: 'PENDING', events: 0 });

  await session.advance('2s');

  expect(await session.order(placed.order_id)).toMatchObject({ status: 'PAID', events: 1 });
});

test('an order that is declined says why', async ({ session }) => {
  await session.rule({ simulation: { failureCode: 'insufficient_funds' } });
  const { order_id: id } = await session.placeOrder();

  await session.advance('2s');

  expect(await session.order(id)).toMatchObject({ status: 'FAILED', failure_code: 'insufficient_funds' });
});

test('an order is placed although the gateway is down twice', async ({ session }) => {
  await session.rule({ simulation: { api: { code: Code.UNAVAILABLE } }, times: 2 });

  expect(await session.placeOrder()).toMatchObject({ httpStatus: 201, status: 'PENDING' });

  const { rules } = await session.simulator.listRules({});
  expect(rules[0]?.matched).toBe(2n);
  expect(await session.payments()).toHaveLength(1);
});

test('a gateway that stays down is given up after four attempts', async ({ session }) => {
  await session.rule({ simulation: { api: { code: Code.UNAVAILABLE } } });

  expect(await session.placeOrder()).toMatchObject({ httpStatus: 503 });

  const { rules } = await session.simulator.listRules({});
  expect(rules[0]?.matched).toBe(4n);
});

test('an order whose reply is lost is paid once', async ({ session }) => {
  const api = { code: Code.UNAVAILABLE, when: SimulatedErrorTime.AFTER };
  await session.rule({ simulation: { api }, times: 1 });

  const { order_id: id } = await session.placeOrder();
  await session.advance('2s');

  expect(await session.payments()).toHaveLength(1);
  expect(await session.order(id)).toMatchObject({ status: 'PAID' });
});

test('an order is paid although its webhook comes before the reply', async ({ session }) => {
  // The reply to the first attempt is lost, and the second one is answered late. The newer rule is asked first.
  await session.rule({ simulation: { api: { delayMs: 500 } } });
  const api = { code: Code.UNAVAILABLE, when: SimulatedErrorTime.AFTER };
  await session.rule({ simulation: { api }, times: 1 });

  const placing = session.placeOrder();
  await session.await({ condition: { what: { case: 'payments', value: {} } } });
  await session.advance('2s');

  const { order_id: id } = await placing;
  expect(await session.order(id)).toMatchObject({ status: 'PAID', events: 1 });
});

test('a webhook that comes twice changes an order once', async ({ session }) => {
  await session.rule({ simulation: { delivery: { copies: 2 } } });
  const { order_id: id } = await session.placeOrder();

  await session.advance('2s');

  const [delivery] = await session.deliveries();
  expect(delivery?.attempts.map(({ statusCode }) => statusCode)).toEqual([204, 204]);
  expect(await session.order(id)).toMatchObject({ status: 'PAID', events: 1 });
});

test('an order ends refunded when the refund is told before the payment', async ({ session }) => {
  await session.rule({ simulation: { delivery: { holdUntilNextEvent: true } } });
  const { order_id: id } = await session.placeOrder();
  await session.advance('2s');
  expect(await session.order(id)).toMatchObject({ status: 'PENDING' });

  await session.refund(id);

  const delivered = { case: 'deliveries', value: { status: DeliveryStatus.DELIVERED } } as const;
  await session.await({ condition: { what: delivered }, min: 2 });
  expect(await session.order(id)).toMatchObject({ status: 'REFUNDED', events: 1 });
});

test('an order that is paid can be refunded', async ({ session }) => {
  const { order_id: id } = await session.placeOrder();
  await session.advance('2s');
  expect(await session.order(id)).toMatchObject({ status: 'PAID', refunded_amount: 0 });

  expect(await session.refund(id)).toMatchObject({ httpStatus: 202 });

  const { REFUNDED: paymentStatus } = PaymentStatus;
  const value = { paymentStatus, status: DeliveryStatus.DELIVERED };
  await session.await({ condition: { what: { case: 'deliveries', value } } });
  expect(await session.order(id)).toMatchObject({ status: 'REFUNDED', refunded_amount: 120_000, events: 2 });
});

test('an order that nobody pays expires after half an hour, without waiting', async ({ session }) => {
  const halfAnHour = 30 * 60 * 1_000;
  await session.rule({ simulation: { outcome: SimulatedOutcome.EXPIRE, delayMs: halfAnHour } });
  const { order_id: id } = await session.placeOrder();

  await session.advance('29m');
  expect(await session.order(id)).toMatchObject({ status: 'PENDING' });
  await session.advance('1m');
  expect(await session.order(id)).toMatchObject({ status: 'EXPIRED' });
});

test('what one test declines is paid in another at the same time', async ({ session, openSession }) => {
  const other = await openSession();
  await session.rule({ simulation: { outcome: SimulatedOutcome.DECLINE } });
  const [declined, paid] = await Promise.all([session.placeOrder(), other.placeOrder()]);

  await Promise.all([session.advance('2s'), other.advance('2s')]);

  expect(await session.order(declined.order_id)).toMatchObject({ status: 'FAILED' });
  expect(await other.order(paid.order_id)).toMatchObject({ status: 'PAID' });
});

test('a forged webhook is refused and changes nothing', async ({ session }) => {
  await session.rule({ simulation: { delivery: { signature: SimulatedSignature.WRONG_SECRET } } });
  const { order_id: id } = await session.placeOrder();

  await session.advance('2s');

  const [delivery] = await session.deliveries();
  expect(delivery).toMatchObject({ status: DeliveryStatus.SIMULATED, attempts: [{ statusCode: 401 }] });
  expect(await session.order(id)).toMatchObject({ status: 'PENDING', events: 0 });
});

test('a test can wait for a webhook instead of moving the clock', async ({ session }) => {
  await session.update({ default: { delayMs: 100 } });
  const { order_id: id } = await session.placeOrder();

  const delivered = { case: 'deliveries', value: { status: DeliveryStatus.DELIVERED } } as const;
  const { deliveries } = await session.await({ condition: { what: delivered } });

  expect(deliveries).toMatchObject([{ paymentStatus: PaymentStatus.COMPLETED, attempts: [{ number: 1 }] }]);
  expect(await session.order(id)).toMatchObject({ status: 'PAID' });
});

test('an event that the gateway sends again changes nothing', async ({ session }) => {
  const { order_id: id } = await session.placeOrder();
  await session.advance('2s');
  const [payment] = await session.payments();

  await session.resend({ which: { case: 'paymentIntentId', value: payment?.paymentIntentId ?? '' } });
  await session.advance('1s');

  const [delivery] = await session.deliveries();
  expect(delivery?.attempts.map(({ statusCode }) => statusCode)).toEqual([204, 204]);
  expect(await session.order(id)).toMatchObject({ status: 'PAID', events: 1 });
});
