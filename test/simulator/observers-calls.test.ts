import { expect, test } from 'vitest';
import type { JsonObject } from '../support/clients/payment-client.ts';
import { createGrpcSteeringClient } from '../support/clients/steering-client.ts';
import { closing, startSteered, steeringOf } from '../support/steering.ts';

/* Somebody who looks, such as the console, changes nothing of what others see. */

const looking = { 'payment-sim-observer': '1' };

test.each(['json', 'grpc'])(
  'calls that only look are not steered, and in no journal, over %s',
  async (wire) => {
    const service = await startSteered();
    const sim = wire === 'json' ? service : steeringOf(closing(createGrpcSteeringClient(service.apiUrl)));
    const id = await sim.create({}, 'one');
    const down = { match: { method: '*' }, simulation: { api: { code: 'UNAVAILABLE' } } };
    await sim.rule(down);
    await sim.rule(down, 'one');
    const status = { payment_intent_id: id };
    const calls = [
      ['GetPaymentStatus', status, {}],
      ['ListPayments', {}, {}],
      ['ListPayments', {}, { 'payment-sim-session': 'one' }],
      ['ListPayments', {}, { 'payment-sim-session': '*' }],
    ] as const;
    for (const [method, request, headers] of calls) {
      expect((await sim.call(method, request, headers)).code).toBe('UNAVAILABLE');
      expect((await sim.call(method, request, { ...headers, ...looking })).code).toBe('OK');
    }
    const listed = await sim.done('ListPayments', {}, '*', looking);
    expect(listed['payments']).toHaveLength(1);
    const counted = async (method: string) => {
      const condition = { calls: { method } };
      const { observed = 0 } = await sim.done('Await', { condition, min: 0 }, '*');
      return observed;
    };
    // Those that were refused, and no other.
    expect([await counted('GetPaymentStatus'), await counted('ListPayments')]).toEqual([1, 3]);
    const rules = [...(await sim.rules()), ...(await sim.rules('one'))] as readonly JsonObject[];
    expect(rules.map(({ matched }) => Number(matched))).toEqual([2, 2]);
    // What changes something is steered, whoever says that he looks.
    expect((await sim.call('ProcessPayment', status, looking)).code).toBe('UNAVAILABLE');
  },
);
