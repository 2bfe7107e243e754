import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createPaymentOrder } from '../../src/worker/payment-order.ts';
import { createFakeClock } from '../support/fake-clock.ts';

const succeed = async () => true;
const fail = async () => false;

function open(change: { readonly ttlMs?: number; readonly maxPayments?: number } = {}) {
  const clock = createFakeClock();
  const options = { monotonicMs: () => clock.now(), ttlMs: 1_000, maxPayments: 10, ...change };
  return { clock, order: createPaymentOrder(options) };
}

function unexpected(): Promise<boolean> {
  throw new Error('was handled');
}

test('an event that is older than one that was handled is not, and those of other payments are', async () => {
  const { order } = open();
  expect(await order.inOrder('pay-a', 1, succeed)).toBe('handled');
  expect(await order.inOrder('pay-a', 3, succeed)).toBe('handled');
  expect(await order.inOrder('pay-a', 1, unexpected)).toBe('outdated');
  expect(await order.inOrder('pay-a', 2, unexpected)).toBe('outdated');
  expect(await order.inOrder('pay-b', 2, succeed)).toBe('handled');
  // A copy, or another event with the same number.
  expect(await order.inOrder('pay-a', 3, succeed)).toBe('handled');
  expect(await order.inOrder('pay-a', 4, succeed)).toBe('handled');
});

test('what failed or threw makes nothing outdated', async () => {
  const { order } = open();
  expect(await order.inOrder('pay-a', 2, fail)).toBe('failed');
  await expect(order.inOrder('pay-a', 2, () => Promise.reject(new Error('broken')))).rejects.toThrow(
    'broken',
  );
  expect(await order.inOrder('pay-a', 1, succeed)).toBe('handled');
  expect(await order.inOrder('pay-a', 2, succeed)).toBe('handled');
});

test('events with different numbers wait for each other, copies and other payments do not', async () => {
  const { order } = open();
  const gate = Promise.withResolvers<boolean>();
  const log: string[] = [];
  const noting = (name: string, answer: Promise<boolean>) => () => {
    log.push(name);
    return answer;
  };
  const all = [
    order.inOrder('pay-a', 2, noting('2', gate.promise)),
    order.inOrder('pay-a', 1, noting('1', Promise.resolve(true))),
    order.inOrder('pay-a', 2, noting('2 again', Promise.resolve(true))),
    order.inOrder('pay-b', 1, noting('b', Promise.resolve(true))),
  ];
  expect(await all[3]).toBe('handled');
  expect(log).toEqual(['2', 'b']);
  gate.resolve(true);
  // The copy came behind the older event, and waited for that.
  expect(await Promise.all(all)).toEqual(['handled', 'outdated', 'handled', 'handled']);
  expect(log).toEqual(['2', 'b', '2 again']);
});

test('the memory fades with time and with number, and first events take none of it', async () => {
  const { order, clock } = open({ maxPayments: 2 });
  await order.inOrder('pay-a', 2, succeed);
  await order.inOrder('pay-b', 2, succeed);
  for (const id of ['pay-x', 'pay-y', 'pay-z']) {
    await order.inOrder(id, 1, succeed);
  }
  expect(await order.inOrder('pay-a', 1, unexpected)).toBe('outdated');
  await order.inOrder('pay-c', 2, succeed);
  expect(await order.inOrder('pay-a', 1, succeed)).toBe('handled');
  expect(await order.inOrder('pay-b', 1, unexpected)).toBe('outdated');
  await clock.advance(1_000);
  await order.inOrder('pay-d', 2, succeed);
  expect(await order.inOrder('pay-b', 1, succeed)).toBe('handled');
  expect(await order.inOrder('pay-c', 1, succeed)).toBe('handled');
});

test('however events come, fail and come again, what is done last is the newest', async () => {
  const message = fc.record({ sequence: fc.integer({ min: 1, max: 5 }), failures: fc.nat({ max: 2 }) });
  await fc.assert(
    fc.asyncProperty(
      fc.array(message, { minLength: 1, maxLength: 12 }),
      fc.scheduler(),
      async (all, scheduler) => {
        const { order } = open();
        const done: number[] = [];
        const running = new Set<number>();
        async function receive(sequence: number, failures: number): Promise<void> {
          const result = await order.inOrder('pay-a', sequence, async () => {
            running.add(sequence);
            expect(running.size).toBe(1);
            await scheduler.schedule(Promise.resolve());
            running.delete(sequence);
            if (failures === 0) {
              done.push(sequence);
            }
            return failures === 0;
          });
          if (result === 'failed') {
            await scheduler.schedule(Promise.resolve());
            await receive(sequence, failures - 1);
          }
        }
        const received = all.map(async ({ sequence, failures }) => {
          await scheduler.schedule(Promise.resolve());
          await receive(sequence, failures);
        });
        await scheduler.waitFor(Promise.all(received));
        expect(done).toEqual(done.toSorted((a, b) => a - b));
        expect(done.at(-1)).toBe(Math.max(...all.map(({ sequence }) => sequence)));
      },
    ),
  );
});
