import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../support/clients/payment-client.ts';
import { createGrpcSteeringClient } from '../support/clients/steering-client.ts';
import { closing, failing, inSession, intent, startSteered, idOf } from '../support/steering.ts';

/* Which session a call belongs to, and what is its own. */

const metadata = (key: string) => ({ metadata: { session_id: key } });
const baggage = (value: string) => ({ baggage: value });

describe('the key', () => {
  const claims = { claims: { user_id: 'user-1' } };

  test.each<[string, JsonObject, Readonly<Record<string, string>>, string]>([
    [
      'the header before all else',
      metadata('m'),
      { ...inSession('h'), ...baggage('payment-sim.session=b') },
      'h',
    ],
    ['baggage before the metadata', metadata('m'), baggage('payment-sim.session=b'), 'b'],
    ['the metadata before claims', metadata('m'), {}, 'm'],
    ['claims last', {}, {}, 'claiming'],
    ['nobody', { user_id: 'user-2' }, {}, ''],
    ['baggage among other entries', {}, baggage('a=1, payment-sim.session=b ,c=2'), 'b'],
    ['baggage with properties', {}, baggage('payment-sim.session=b;ttl=5;x,c=2'), 'b'],
    ['baggage with blanks', {}, baggage('payment-sim.session = b'), 'b'],
    ['baggage, percent-encoded', {}, baggage('payment-sim.session=run%207%3Da%25'), 'run 7=a%'],
    [
      'baggage of others alone',
      {},
      baggage('other-payment-sim.session=b,payment-sim.sessions=c'),
      'claiming',
    ],
    ['a key in the metadata that can be none', metadata('세션'), {}, 'claiming'],
    ['all in the metadata, which is none', metadata('*'), {}, 'claiming'],
  ])('%s', async (_what, change, headers, expected) => {
    const sim = await startSteered();
    await sim.done('UpdateSession', { session: claims }, 'claiming');
    const grpc = closing(createGrpcSteeringClient(sim.apiUrl));
    for (const { call } of [sim.client, grpc]) {
      const { message } = await call('CreatePaymentIntent', intent(change), headers);
      const { session_id: session = '' } = await sim.payment(idOf(message));
      expect(session).toBe(expected);
    }
  });

  test('of two that claim a payment the session has it that was set last', async () => {
    const sim = await startSteered();
    await sim.done('UpdateSession', { session: { claims: { user_id: 'user-*' } } }, 'wide');
    await sim.done(
      'UpdateSession',
      { session: { claims: { user_id: 'user-1', max_amount: '5' } } },
      'narrow',
    );
    expect(await sim.payment(await sim.create())).toMatchObject({ session_id: 'wide' });
    const cheap = { amount: { amount: '5', currency: 'KRW' } };
    expect(await sim.payment(await sim.create(cheap))).toMatchObject({ session_id: 'narrow' });
    await sim.done('UpdateSession', { session: { claims: { user_id: 'user-*' } } }, 'wide');
    expect(await sim.payment(await sim.create(cheap))).toMatchObject({ session_id: 'wide' });
  });

  test.each([
    ['payment-sim-session', '세션', 'ab'.repeat(65), 'a,b'],
    [
      'baggage',
      'payment-sim.session=',
      'payment-sim.session=%ED%95%9C',
      `payment-sim.session=${'a'.repeat(129)}`,
    ],
  ])('%s is refused by name when it can be no key', async (name, ...values) => {
    const sim = await startSteered();
    const field = name === 'baggage' ? 'baggage payment-sim.session' : name;
    const description = 'must be 1 to 128 visible ASCII characters, without commas';
    for (const value of values) {
      const sent = { [name]: Buffer.from(value).toString('latin1') };
      for (const method of ['CreatePaymentIntent', 'ListPayments', 'GetSession']) {
        const request = method === 'CreatePaymentIntent' ? intent() : {};
        const answer = await sim.call(method, request, sent);
        expect(answer, `${method} ${value}`).toMatchObject({
          code: 'INVALID_ARGUMENT',
          violations: [{ field, description }],
        });
      }
    }
  });

  test('* is all sessions, where that means something, and refused elsewhere', async () => {
    const sim = await startSteered();
    const description =
      'must be one session: "*" is all of them, for what lists, awaits, watches, resends or resets';
    for (const [method, request] of [
      ['CreatePaymentIntent', intent()],
      ['GetPaymentStatus', { payment_intent_id: 'pay-1' }],
      ['CreateRule', { rule: failing('', { code: 'ABORTED' }) }],
      ['DeleteRule', { rule_id: 'rul-1' }],
      ['UpdateSession', { session: {} }],
      ['GetSession', {}],
    ] as const) {
      const { violations } = await sim.call(method, request, inSession('*'));
      expect(violations, method).toEqual([{ field: 'payment-sim-session', description }]);
    }
  });
});

describe('a payment keeps its session', () => {
  test.each([
    ['GetPaymentStatus', {}],
    ['ProcessPayment', {}],
    ['CancelPayment', {}],
    ['SimulateWebhook', { target_status: 'PAYMENT_STATUS_FAILED' }],
  ])('%s is steered by its rules, whoever calls', async (method, more) => {
    const sim = await startSteered();
    const id = await sim.create({}, 'mine');
    const ruleId = await sim.rule(failing(method, { code: 'ABORTED' }), 'mine');
    await sim.rule(failing(method, { code: 'DATA_LOSS' }), 'another');
    await sim.rule(failing(method, { code: 'DATA_LOSS' }));
    for (const headers of [{}, inSession('another'), inSession('mine')]) {
      const answer = await sim.call(method, { payment_intent_id: id, ...more }, headers);
      expect(answer).toMatchObject({ code: 'ABORTED', rule: ruleId });
    }
  });

  test('lists have one session’s, and * has all', async () => {
    const sim = await startSteered();
    const [a, b, none] = [await sim.create({}, 'a'), await sim.create({}, 'b'), await sim.create()];
    expect([await sim.list('a'), await sim.list('b'), await sim.list(), await sim.list('c')]).toEqual([
      [a],
      [b],
      [none],
      [],
    ]);
    expect(new Set(await sim.list('*'))).toEqual(new Set([a, b, none]));
  });

  test('the page of one session is not gone on with in another', async () => {
    const sim = await startSteered();
    await Promise.all(Array.from({ length: 3 }, () => sim.create({}, 'a')));
    const { page_info: page } = await sim.done('ListPayments', { pagination: { page_size: 1 } }, 'a');
    const cursor = { pagination: { cursor: (page as JsonObject)['next_cursor'] } };
    expect(await sim.call('ListPayments', cursor, inSession('b'))).toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
    expect((await sim.done('ListPayments', cursor, 'a'))['payments']).toHaveLength(2);
  });
});

describe('idempotency keys', () => {
  const key = { idempotency_key: 'key-1' };

  test('are those of a session: the same key in two is two payments, and each is repeated', async () => {
    const sim = await startSteered();
    const ids = [await sim.create(key), await sim.create(key, 'a'), await sim.create(key, 'b')];
    expect(new Set(ids).size).toBe(3);
    expect([await sim.create(key), await sim.create(key, 'a'), await sim.create(key, 'b')]).toEqual(ids);
    const other = intent({ ...key, reservation_id: 'other' });
    expect(await sim.call('CreatePaymentIntent', other, inSession('a'))).toMatchObject({
      code: 'ALREADY_EXISTS',
    });
  });

  test('a rule that changes between two calls does not make the second another call', async () => {
    const sim = await startSteered();
    const id = await sim.create(key, 'a');
    await sim.rule({ simulation: { failure_code: 'late' } }, 'a');
    expect(await sim.create(key, 'a')).toBe(id);
    expect(await sim.create(key, 'a', { 'payment-sim-behavior': 'insufficient_funds' })).toBe(id);
  });

  test('after a reset the same key is a new payment, and in others it is what it was', async () => {
    const sim = await startSteered();
    const [global, a, b] = [await sim.create(key), await sim.create(key, 'a'), await sim.create(key, 'b')];
    await sim.done('ResetSession', {}, 'a');
    expect(await sim.create(key, 'a')).not.toBe(a);
    expect([await sim.create(key), await sim.create(key, 'b')]).toEqual([global, b]);
    await sim.done('ResetSession', {}, '*');
    const news = [await sim.create(key), await sim.create(key, 'b')];
    expect(news.filter((id) => [global, b].includes(id))).toEqual([]);
    expect([await sim.create(key), await sim.create(key, 'b')]).toEqual(news);
  });

  test('those of ProcessPayment and CancelPayment are of the payment’s session', async () => {
    const sim = await startSteered();
    for (const method of ['ProcessPayment', 'CancelPayment']) {
      for (const session of ['a', 'b']) {
        const id = await sim.create({}, session);
        await sim.done(method, { payment_intent_id: id, ...key });
        const other = await sim.create({}, session);
        const again = await sim.call(method, { payment_intent_id: other, ...key });
        expect(again, `${method} ${session}`).toMatchObject({ code: 'ALREADY_EXISTS' });
      }
    }
  });
});

describe('what a session has in common', () => {
  test('its webhook address is that of payments without one', async () => {
    const sim = await startSteered();
    const address = 'http://127.0.0.1:9/of-session';
    await sim.done('UpdateSession', { session: { webhook_url: address } }, 'a');
    const target = { target_status: 'PAYMENT_STATUS_COMPLETED' };
    const sent = async (id: string) =>
      (await sim.done('SimulateWebhook', { payment_intent_id: id, ...target }))['webhook_sent'] ?? false;
    expect(await sent(await sim.create({}, 'a'))).toBe(true);
    expect(await sent(await sim.create({}, 'b'))).toBe(false);
  });

  test('its seed draws RANDOM payments: the same ones in every session that has it', async () => {
    const sim = await startSteered();
    const all: string[][] = [];
    for (const [session, seed] of [
      ['a', 5],
      ['b', 5],
      ['c', 6],
    ] as const) {
      await sim.done('UpdateSession', { session: { seed } }, session);
      const outcomes: string[] = [];
      for (let i = 0; i < 40; i += 1) {
        outcomes.push(
          await sim.outcome({ reservation_id: `r-${i}`, scenario: 'PAYMENT_SCENARIO_RANDOM' }, session),
        );
      }
      all.push(outcomes);
    }
    expect(all[1]).toEqual(all[0]);
    expect(all[2]).not.toEqual(all[0]);
    expect(new Set(all[0]).size).toBe(2);
  });

  test('is read as it was set, with what is in it', async () => {
    const sim = await startSteered();
    const session = {
      session_id: 'a',
      default: { delay_ms: 100 },
      claims: { user_id: 'user-9*' },
      webhook_url: 'http://127.0.0.1:9/',
      seed: 0,
      idle_ttl: '90s',
    };
    expect(await sim.done('UpdateSession', { session }, 'a')).toEqual({ session });
    await sim.rule({ simulation: { failure_code: 'x' }, times: 1 }, 'a');
    await sim.outcome({}, 'a');
    await sim.create({}, 'a');
    expect(await sim.done('GetSession', {}, 'a')).toEqual({
      session,
      counters: {
        payments: 2,
        payments_by_status: { FAILED: 1, PENDING: 1 },
        rules: 1,
        matched: '1',
      },
    });
    expect(await sim.done('GetSession', {}, 'b')).toEqual({ session: { session_id: 'b' }, counters: {} });
    expect(await sim.done('UpdateSession', { session: {} }, 'a')).toEqual({ session: { session_id: 'a' } });
    expect(await sim.rules('a')).toHaveLength(1);
  });
});
