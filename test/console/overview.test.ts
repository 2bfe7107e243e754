import { create } from '@bufbuild/protobuf';
import * as fc from 'fast-check';
import { Counter, Histogram, Registry } from 'prom-client';
import { describe, expect, test } from 'vitest';
import { figuresOf, quantileBetween, rateOf } from '../../console/src/pages/overview/figures.ts';
import { bucketsOf, readMetrics, sumOf } from '../../console/src/pages/overview/prometheus-text.ts';
import { receiversOf } from '../../console/src/pages/overview/receivers.ts';
import { SimulatedChannel } from '../../gen/payment/v1/payment_pb.js';
import { DeliverySchema, DeliveryStatus } from '../../gen/simulator/v1/simulator_pb.js';
import { startService } from '../support/start-service.ts';

/* What the console makes of the metrics. */

function lookAt(atMs: number, text: string) {
  return { atMs, samples: readMetrics(text) };
}

test('whatever a label has is read as prom-client wrote it', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'binary' }), fc.integer(), async (text, value) => {
      const registry = new Registry();
      const counter = new Counter({ name: 'c', help: 'h', labelNames: ['l', 'm'], registers: [registry] });
      counter.inc({ l: text, m: 'x' }, Math.abs(value));
      const samples = readMetrics(await registry.metrics());
      expect(samples.get('c')).toEqual([{ labels: { l: text, m: 'x' }, value: Math.abs(value) }]);
      expect(sumOf(samples, 'c', { m: 'x' })).toBe(Math.abs(value));
      expect([sumOf(samples, 'c', { m: 'y' }), sumOf(samples, 'd')]).toEqual([0, 0]);
    }),
  );
});

describe('between two looks', () => {
  test('a rate is what came a second, after a new start too', () => {
    const before = lookAt(1_000, 'c{a="1"} 10\nc{a="2"} 5');
    expect(rateOf(before, lookAt(3_000, 'c{a="1"} 14\nc{a="2"} 5'), 'c')).toBe(2);
    expect(rateOf(before, lookAt(3_000, 'c{a="1"} 14\nc{a="2"} 5'), 'c', { a: '2' })).toBe(0);
    expect(rateOf(before, lookAt(2_000, 'c{a="1"} 3\nc{a="2"} 0'), 'c')).toBe(3);
    expect(rateOf(before, lookAt(1_000, 'c 99'), 'c')).toBe(0);
  });

  test('a quantile lies in the bucket of the value that has it', async () => {
    const bounds = [0.001, 0.01, 0.1, 1];
    const values = fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), { minLength: 1, maxLength: 200 });
    await fc.assert(
      fc.asyncProperty(
        values,
        values,
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        async (old, fresh, q) => {
          const registry = new Registry();
          const seconds = new Histogram({ name: 's', help: 'h', buckets: bounds, registers: [registry] });
          old.forEach((value) => seconds.observe(value));
          const before = lookAt(0, await registry.metrics());
          fresh.forEach((value) => seconds.observe(value));
          const now = lookAt(1_000, await registry.metrics());
          const sorted = fresh.toSorted((a, b) => a - b);
          const exact = sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? 0;
          const upper = bounds.find((bound) => exact <= bound) ?? Infinity;
          const lower = bounds.findLast((bound) => bound < upper) ?? 0;
          const found = quantileBetween(before, now, 's', q) ?? NaN;
          expect(found).toBeGreaterThanOrEqual(lower);
          expect(found).toBeLessThanOrEqual(upper);
          expect(bucketsOf(now.samples, 's').at(-1)).toEqual([Infinity, old.length + fresh.length]);
          expect(quantileBetween(now, { ...now, atMs: 2_000 }, 's', q)).toBeUndefined();
        },
      ),
    );
  });

  test('the figures of the real service count what it did', async () => {
    const service = await startService({ SHUTDOWN_GRACE_MS: '0', DEFAULT_DELAY_MS: '86400000' });
    const look = async (atMs: number) =>
      lookAt(atMs, await (await fetch(`${service.apiUrl}/metrics`)).text());
    const before = await look(0);
    const call = (method: string, body: object) =>
      fetch(`${service.apiUrl}/payment.v1.PaymentService/${method}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    const amount = { amount: 1, currency: 'KRW' };
    await call('CreatePaymentIntent', { reservation_id: 'r', user_id: 'u', amount });
    await call('CreatePaymentIntent', { reservation_id: 'r', user_id: 'u', amount });
    await call('GetPaymentStatus', { payment_intent_id: 'pay-nobody' });
    const figures = figuresOf(before, await look(2_000));
    expect(figures).toMatchObject({ payments: 1, calls: 1.5, failedCalls: 0.5, pending: 2, settlements: 0 });
    expect(figures.callP99).toBeGreaterThan(0);
    expect(figures.memory).toBeGreaterThan(1_000_000);
    expect(figures.connections).toBeGreaterThan(0);
  });
});

function one(url: string, status: DeliveryStatus, errors: readonly string[] = []) {
  return create(DeliverySchema, {
    channel: SimulatedChannel.WEBHOOK,
    url,
    status,
    attempts: errors.map((error) => ({ error })),
  });
}

test('receivers are told apart by origin, and those that fail come first', () => {
  const { DELIVERED, GIVEN_UP, WAITING } = DeliveryStatus;
  const event = create(DeliverySchema, { channel: SimulatedChannel.EVENTBRIDGE, status: DELIVERED });
  expect(
    receiversOf([
      one('http://a.example/1', DELIVERED, ['']),
      one('http://b.example:81/1', GIVEN_UP, ['500', 'reset']),
      one('http://a.example/2', WAITING),
      one('http://b.example:81/2', DELIVERED, ['first', '']),
      event,
    ]),
  ).toEqual([
    { origin: 'http://b.example:81', delivered: 1, waiting: 0, givenUp: 1, failures: 3, lastError: '500' },
    { origin: 'http://a.example', delivered: 1, waiting: 1, givenUp: 0, failures: 0, lastError: '' },
  ]);
});
