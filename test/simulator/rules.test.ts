import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../support/clients/payment-client.ts';
import { failing, inSession, startSteered, type SteeredService } from '../support/steering.ts';

/* Which calls a rule applies to, and how many. */

const declined = { failure_code: 'of_rule' };
const hit = 'FAILED: of_rule';
const miss = 'COMPLETED';

/** The outcomes of payments of these reservations, made one after the other. */
async function outcomes(sim: SteeredService, reservations: readonly string[], session?: string) {
  const all: string[] = [];
  for (const reservation of reservations) {
    all.push(await sim.outcome({ reservation_id: reservation }, session));
  }
  return all;
}

describe('counts', () => {
  test.each([
    { rule: { times: 2 }, expected: [hit, hit, miss, miss], matched: '2' },
    { rule: { skip: 2 }, expected: [miss, miss, hit, hit], matched: '2' },
    { rule: { skip: 1, times: 2 }, expected: [miss, hit, hit, miss], matched: '2' },
    { rule: {}, expected: [hit, hit, hit, hit], matched: '4' },
    { rule: { one_in: 1 }, expected: [hit, hit, hit, hit], matched: '4' },
  ])('$rule', async ({ rule, expected, matched }) => {
    const sim = await startSteered();
    await sim.rule({ simulation: declined, ...rule });
    expect(await outcomes(sim, ['r', 'r', 'r', 'r'])).toEqual(expected);
    expect(await sim.rules()).toMatchObject([{ matched }]);
  });

  test('per_reservation counts each reservation by itself', async () => {
    const sim = await startSteered();
    await sim.rule({ simulation: declined, times: 1, skip: 1, per_reservation: true });
    const reservations = ['a', 'b', 'a', 'a', 'b', 'c', 'b'];
    expect(await outcomes(sim, reservations)).toEqual([miss, miss, hit, miss, hit, miss, miss]);
    expect(await sim.rules()).toMatchObject([{ matched: '2' }]);
  });

  test('times hold for calls that come at the same time', async () => {
    const sim = await startSteered();
    await sim.rule({ simulation: { api: { code: 'ABORTED' } }, times: 7 });
    const creates = await Promise.all(
      Array.from({ length: 40 }, () => sim.call('CreatePaymentIntent', plain)),
    );
    expect(creates.filter(({ code }) => code === 'ABORTED')).toHaveLength(7);
  });

  test('those of a rule that was deleted and made anew begin anew', async () => {
    const sim = await startSteered();
    const rule = { rule_id: 'mine', simulation: declined, times: 1 };
    await sim.rule(rule);
    expect(await outcomes(sim, ['r', 'r'])).toEqual([hit, miss]);
    await sim.done('DeleteRule', { rule_id: 'mine' });
    await sim.rule(rule);
    expect(await outcomes(sim, ['r', 'r'])).toEqual([hit, miss]);
  });
});

/** Which calls of each reservation were hit, by reservation. */
async function hitsOf(sim: SteeredService, order: readonly string[], session?: string) {
  const hits: Record<string, string> = {};
  const all = await outcomes(sim, order, session);
  order.forEach((reservation, i) => {
    hits[reservation] = (hits[reservation] ?? '') + (all[i] === hit ? '1' : '0');
  });
  return hits;
}

describe('one_in', () => {
  const rule = { simulation: declined, one_in: 3 };
  const order = Array.from({ length: 60 }, (_, i) => `reservation-${i % 12}`);

  test('applies to the same calls on two servers with the same seed, whatever the order', async () => {
    const shuffled =
      fc.sample(fc.shuffledSubarray(order, { minLength: order.length }), { numRuns: 1, seed: 7 })[0] ?? [];
    const [first, second] = [
      await startSteered({ RANDOM_SEED: '42' }),
      await startSteered({ RANDOM_SEED: '42' }),
    ];
    await first.rule(rule);
    await second.rule(rule);
    const hits = await hitsOf(first, order);
    expect(await hitsOf(second, shuffled)).toEqual(hits);
    const all = Object.values(hits).join('');
    const share = all.replaceAll('0', '').length / all.length;
    expect(share).toBeGreaterThan(0.15);
    expect(share).toBeLessThan(0.55);
  });

  test('applies to others with another seed, of the server or of the session', async () => {
    const sim = await startSteered({ RANDOM_SEED: '42' });
    const other = await startSteered({ RANDOM_SEED: '43' });
    await other.rule(rule);
    const ofOther = await hitsOf(other, order);
    for (const [session, seed] of [
      ['plain', undefined],
      ['seeded', 43],
    ] as const) {
      await sim.done('UpdateSession', { session: { ...(seed && { seed }) } }, session);
      await sim.rule(rule, session);
    }
    expect(await hitsOf(sim, order, 'seeded')).toEqual(ofOther);
    expect(await hitsOf(sim, order, 'plain')).not.toEqual(ofOther);
  });
});

describe('match', () => {
  const payment = {
    reservation_id: 'order-17',
    user_id: 'user-23',
    amount: { amount: '500', currency: 'KRW' },
    webhook_url: 'http://127.0.0.1:9/hooks/a',
  };

  test.each<[JsonObject, boolean]>([
    [{}, true],
    [{ user_id: 'user-23' }, true],
    [{ user_id: 'user-2' }, false],
    [{ user_id: 'user-2*' }, true],
    [{ user_id: '*' }, true],
    [{ user_id: 'user-3*' }, false],
    [{ reservation_id: 'order-17' }, true],
    [{ reservation_id: 'order-*' }, true],
    [{ reservation_id: 'rder-17' }, false],
    [{ currency: 'KRW' }, true],
    [{ currency: 'USD' }, false],
    [{ currency: 'K*' }, true],
    [{ min_amount: '500' }, true],
    [{ min_amount: '501' }, false],
    [{ max_amount: '500' }, true],
    [{ max_amount: '499' }, false],
    [{ min_amount: '400', max_amount: '600' }, true],
    [{ webhook_url: 'http://127.0.0.1:9/*' }, true],
    [{ webhook_url: 'http://127.0.0.1:9/hooks/b' }, false],
    [{ user_id: 'user-23', reservation_id: 'order-18' }, false],
    [{ method: 'CreatePaymentIntent' }, true],
    [{ method: 'Create*' }, true],
    [{ method: 'GetPaymentStatus' }, false],
  ])('%j: %s', async (match, fits) => {
    const sim = await startSteered();
    await sim.rule({ match, simulation: { api: { code: 'ABORTED' } } });
    const { code } = await sim.call('CreatePaymentIntent', payment);
    expect(code).toBe(fits ? 'ABORTED' : 'OK');
  });

  test.each([
    [
      '*',
      [
        'CreatePaymentIntent',
        'GetPaymentStatus',
        'ProcessPayment',
        'CancelPayment',
        'ListPayments',
        'SimulateWebhook',
      ],
    ],
    ['C*', ['CreatePaymentIntent', 'CancelPayment']],
    ['ListPayments', ['ListPayments']],
    ['', ['CreatePaymentIntent']],
  ])('the method "%s" fits %j', async (method, fitting) => {
    const sim = await startSteered();
    const id = await sim.create();
    await sim.rule(failing(method, { code: 'ABORTED' }));
    const failed: string[] = [];
    for (const [name, request] of [
      ['CreatePaymentIntent', payment],
      ['GetPaymentStatus', { payment_intent_id: id }],
      ['ProcessPayment', { payment_intent_id: id }],
      ['CancelPayment', { payment_intent_id: id }],
      ['ListPayments', {}],
      ['SimulateWebhook', { payment_intent_id: id, target_status: 'PAYMENT_STATUS_FAILED' }],
    ] as const) {
      const { code } = await sim.call(name, request);
      failed.push(...(code === 'ABORTED' ? [name] : []));
    }
    expect(failed).toEqual(fitting);
  });

  test('calls about a payment fit by what the payment has', async () => {
    const sim = await startSteered();
    const id = await sim.create(payment);
    const other = await sim.create({ ...payment, user_id: 'user-24' });
    await sim.rule({
      match: {
        method: 'GetPaymentStatus',
        user_id: 'user-23',
        reservation_id: 'order-*',
        currency: 'KRW',
        min_amount: '500',
      },
      simulation: { api: { code: 'ABORTED' } },
    });
    expect(await sim.call('GetPaymentStatus', { payment_intent_id: id })).toMatchObject({ code: 'ABORTED' });
    expect(await sim.call('GetPaymentStatus', { payment_intent_id: other })).toMatchObject({ code: 'OK' });
    expect(await sim.call('GetPaymentStatus', { payment_intent_id: 'none' })).toMatchObject({
      code: 'NOT_FOUND',
    });
  });
});

describe('lists', () => {
  test('the newest comes first, each with how often it applied, until it is deleted', async () => {
    const sim = await startSteered();
    for (const id of ['one', 'two', 'three']) {
      await sim.rule({
        rule_id: id,
        match: { user_id: 'user-1' },
        simulation: { failure_code: id },
        label: `label ${id}`,
      });
    }
    expect(await sim.outcome()).toBe('FAILED: three');
    expect(await sim.rules()).toMatchObject([
      { rule_id: 'three', matched: '1', source: 'api', label: 'label three' },
      { rule_id: 'two' },
      { rule_id: 'one' },
    ]);
    await sim.done('DeleteRule', { rule_id: 'three' });
    expect(await sim.outcome()).toBe('FAILED: two');
    expect((await sim.rules()).map(({ rule_id: id }) => id)).toEqual(['two', 'one']);
    const gone = await sim.call('DeleteRule', { rule_id: 'three' });
    expect(gone).toMatchObject({
      code: 'NOT_FOUND',
      text: 'rule "three" not found in this session; ListRules tells what is there',
    });
  });

  test('a session has its own, and * lists those of all', async () => {
    const sim = await startSteered();
    await sim.rule({ rule_id: 'same', simulation: declined }, 'a');
    await sim.rule({ rule_id: 'same', simulation: { failure_code: 'of_b' } }, 'b');
    expect(
      await sim.call('CreateRule', { rule: { rule_id: 'same', simulation: declined } }, inSession('a')),
    ).toMatchObject({
      code: 'ALREADY_EXISTS',
      text: 'rule "same" exists already; choose another id, or leave it out',
    });
    expect(
      [await sim.rules('a'), await sim.rules('b'), await sim.rules()].map(({ length }) => length),
    ).toEqual([1, 1, 0]);
    expect(await sim.rules('*')).toHaveLength(2);
    expect(await sim.outcome({}, 'b')).toBe('FAILED: of_b');
    expect(await sim.call('DeleteRule', { rule_id: 'same' })).toMatchObject({ code: 'NOT_FOUND' });
    await sim.done('DeleteRule', { rule_id: 'same' }, 'a');
    expect(await sim.outcome({}, 'a')).toBe('COMPLETED');
    expect(await sim.outcome({}, 'b')).toBe('FAILED: of_b');
  });

  test.each(['rule 1', '100%', '*', 'a'.repeat(128)])(
    'a rule may be named %s, and is so in answers',
    async (id) => {
      const sim = await startSteered();
      await sim.rule({ rule_id: id, simulation: { api: { code: 'ABORTED' } } });
      expect(await sim.call('CreatePaymentIntent', plain)).toMatchObject({ code: 'ABORTED', rule: id });
    },
  );

  test.each(['규칙-1', 'rule é', 'one,two', 'a'.repeat(129), ' a', 'a/b', '\n'])(
    'a rule is not named %s, which no header would carry or no list',
    async (id) => {
      const sim = await startSteered();
      const rule = { rule_id: id, simulation: { api: { code: 'ABORTED' } } };
      expect(await sim.call('CreateRule', { rule })).toMatchObject({
        code: 'INVALID_ARGUMENT',
        violations: [{ field: 'rule.rule_id' }],
      });
    },
  );
});

const plain: JsonObject = { reservation_id: 'r', user_id: 'u', amount: { amount: '1', currency: 'KRW' } };
