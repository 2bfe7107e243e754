import { createManualClock } from '../../src/simulator/manual-clock.ts';
import { expect, test } from 'vitest';
import { arrange, keptBackMs } from '../../src/delivery/arrangement.ts';
import { orderOf } from '../../src/delivery/webhook/event-order.ts';
import type { EventDelivery, PaymentEvent } from '../../src/payment/event.ts';
import type { DeliveryBehavior } from '../../src/payment/payment.ts';
import { sampleEvent } from '../support/sample-payment.ts';

const usual: DeliveryBehavior = {
  channel: undefined,
  copies: 1,
  delayMs: 0,
  drop: false,
  holdUntilNextEvent: false,
  signature: undefined,
  conflictingStatus: undefined,
};
const first: PaymentEvent = { ...sampleEvent(), destination: 'http://127.0.0.1/hooks' };
const second: PaymentEvent = { ...first, id: 'evt-2', sequence: 2 };

/** What goes out by each channel: the ids, by the channel's name. */
function sent(event: PaymentEvent, change: Partial<DeliveryBehavior>, held?: PaymentEvent) {
  const plan = { kind: 'planned', behavior: { ...usual, ...change }, held } as const;
  return Object.fromEntries(
    arrange(event, plan).map(({ channel, sendings }) => [channel, sendings.map((each) => each.event.id)]),
  );
}

test('a channel that is not meant has the event as usual', () => {
  const { id } = first;
  expect(sent(first, { channel: 'webhook', drop: true })).toEqual({ webhook: [], eventbridge: [id] });
  expect(sent(first, { channel: 'eventbridge', copies: 2 })).toEqual({
    webhook: [id],
    eventbridge: [id, id],
  });
});

test('without an address there is no webhook to speak of', () => {
  expect(sent({ ...first, destination: undefined }, { copies: 2 })).toEqual({
    eventbridge: [first.id, first.id],
  });
});

test('what is held back follows on the second event, with as many copies', () => {
  expect(sent(first, { holdUntilNextEvent: true })).toEqual({ webhook: [], eventbridge: [] });
  expect(sent(second, { holdUntilNextEvent: true, copies: 2 }, first)['webhook']).toEqual([
    second.id,
    second.id,
    first.id,
    first.id,
  ]);
});

test('a contradiction has the same id each time that it is made', () => {
  const [one, other] = [1, 2].map(() => sent(first, { conflictingStatus: 'FAILED' })['webhook'] ?? []);
  expect(one).toEqual(other);
  expect(new Set(one).size).toBe(2);
});

test('an event that was held back comes between the one after it and the next', () => {
  const heldBack: EventDelivery = {
    kind: 'arranged',
    channel: 'webhook',
    signature: undefined,
    isHeldBack: true,
  };
  const order = orderOf({ ...first, delivery: heldBack });
  expect(order).toBeGreaterThan(orderOf(second));
  expect(order).toBeLessThan(orderOf({ ...second, sequence: 3 }));
});

test('time that a tester has kept an event back is not held against its delivery', () => {
  const arranged: EventDelivery = {
    kind: 'arranged',
    channel: 'webhook',
    signature: undefined,
    isHeldBack: false,
  };
  const late = createManualClock(first.occurredAtMs + 3_600_000);
  expect(keptBackMs({ ...first, delivery: arranged }, late)).toBe(3_600_000);
  expect(keptBackMs({ ...first, delivery: undefined }, late)).toBe(0);
});
