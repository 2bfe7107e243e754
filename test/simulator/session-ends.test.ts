import { describe, expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { startEventRecorder } from '../support/event-recorder.ts';
import { inSession, intent, startSteered, idOf } from '../support/steering.ts';
import { startWebhookReceiver } from '../support/webhook-receiver.ts';

/* How sessions end, how many there may be, and how they are told. */

const rule = { simulation: { failure_code: 'of_rule' } };

test('ResetSession removes what is the session’s, and nothing else', async () => {
  const sim = await startSteered({ DEFAULT_DELAY_MS: '1000' });
  for (const session of ['a', 'b']) {
    await sim.rule(rule, session);
    await sim.rule(rule, session);
    await sim.done('UpdateSession', { session: { default: { delay_ms: 500 } } }, session);
    await sim.create({}, session);
  }
  const global = await sim.create();
  const [kept = ''] = await sim.list('b');
  const [removed = ''] = await sim.list('a');
  expect(await sim.done('ResetSession', {}, 'a')).toEqual({ rules: 2, payments: 1, sessions: 1 });
  expect(await sim.call('GetPaymentStatus', { payment_intent_id: removed })).toMatchObject({
    code: 'NOT_FOUND',
  });
  expect([await sim.rules('a'), await sim.list('a')]).toEqual([[], []]);
  expect(await sim.done('GetSession', {}, 'a')).toEqual({ session: { session_id: 'a' }, counters: {} });
  expect(await sim.rules('b')).toHaveLength(2);
  expect([await sim.list('b'), await sim.list()]).toEqual([[kept], [global]]);
  expect(sim.logs('Session reset')).toMatchObject([{ session_id: 'a', rules: 2, payments: 1, sessions: 1 }]);
  await sim.clock.advance(1_000);
  expect(new Set(sim.logs('Payment processed successfully').map(({ payment_id: id }) => id))).toEqual(
    new Set([kept, global]),
  );
  expect(await sim.done('ResetSession', {}, '*')).toEqual({ rules: 2, payments: 2, sessions: 1 });
  expect(await sim.list('*')).toEqual([]);
  expect(await sim.done('ResetSession', {}, 'never seen')).toEqual({});
});

describe('a session that nobody uses', () => {
  test('ends after its time, its payments stay, and the global one does not end', async () => {
    const sim = await startSteered({ SESSION_IDLE_MS: '60000', DEFAULT_DELAY_MS: '86400000' });
    await sim.rule(rule);
    await sim.rule(rule, 'a');
    await sim.rule(rule, 'longer');
    await sim.done('UpdateSession', { session: { idle_ttl: '120s' } }, 'longer');
    const id = await sim.create({}, 'a');
    await sim.clock.advance(59_000);
    expect(sim.logs('Session ended: not used')).toEqual([]);
    await sim.clock.advance(2_000);
    await expect
      .poll(() => sim.logs('Session ended: not used'))
      .toMatchObject([{ session_id: 'a', rules: 1 }]);
    expect(await sim.rules('a')).toEqual([]);
    expect(await sim.rules()).toHaveLength(1);
    expect(await sim.payment(id)).toMatchObject({ session_id: 'a', status: 'PAYMENT_STATUS_PENDING' });
    await sim.clock.advance(60_000);
    await expect.poll(() => sim.logs('Session ended: not used')).toHaveLength(2);
    expect(await sim.rules('longer')).toEqual([]);
  });

  test.each([
    ['a create', 'CreatePaymentIntent', intent()],
    ['a list', 'ListPayments', {}],
    ['ListRules', 'ListRules', {}],
    ['GetSession', 'GetSession', {}],
  ] as const)('%s is a use', async (_what, method, request) => {
    const sim = await startSteered({ SESSION_IDLE_MS: '10000' });
    await sim.rule(rule, 'a');
    for (let i = 0; i < 4; i += 1) {
      await sim.clock.advance(8_000);
      await sim.done(method, request, 'a');
    }
    expect(sim.logs('Session ended: not used')).toEqual([]);
    await sim.clock.advance(12_000);
    await expect.poll(() => sim.logs('Session ended: not used')).toHaveLength(1);
  });

  test('a call about its payment is a use, when it names the session', async () => {
    const sim = await startSteered({ SESSION_IDLE_MS: '10000' });
    await sim.rule(rule, 'a');
    const id = await sim.create({}, 'a');
    for (let i = 0; i < 4; i += 1) {
      await sim.clock.advance(8_000);
      await sim.call('GetPaymentStatus', { payment_intent_id: id }, inSession('a'));
    }
    expect(sim.logs('Session ended: not used')).toEqual([]);
  });
});

test('beyond MAX_SESSIONS a session is refused, and one that is reset makes room', async () => {
  const sim = await startSteered({ MAX_SESSIONS: '2' });
  await sim.rule(rule, 'a');
  await sim.done('UpdateSession', { session: {} }, 'b');
  for (const [method, request] of [
    ['CreateRule', { rule }],
    ['UpdateSession', { session: {} }],
  ] as const) {
    expect(await sim.call(method, request, inSession('c'))).toMatchObject({
      code: 'RESOURCE_EXHAUSTED',
      text: 'there are 2 sessions already; reset some that are done with, or raise MAX_SESSIONS',
    });
  }
  await sim.rule(rule, 'b');
  // Payments need no room: a key is enough.
  await sim.create({}, 'c');
  await sim.done('ResetSession', {}, 'a');
  await sim.rule(rule, 'c');
});

test('webhook and event say whose they are; those of no session do not', async () => {
  const receiver = await startWebhookReceiver();
  const recorder = await startEventRecorder();
  const sim = await startSteered(recorder.env, { machine: systemClock });
  for (const session of ['run 7', undefined]) {
    await sim.outcome({ webhook_url: receiver.url }, session);
  }
  const [inRun, plain] = await receiver.waitFor(2);
  const bySession = [inRun, plain].map((webhook) => webhook?.headers['payment-sim-session']);
  expect(new Set(bySession)).toEqual(new Set(['run 7', undefined]));
  await expect.poll(() => recorder.events.length).toBe(2);
  expect(new Set(recorder.events.map(({ detail }) => detail['session_id']))).toEqual(
    new Set(['run 7', undefined]),
  );
});

test('a payment that rules decided names them, and its session', async () => {
  const sim = await startSteered();
  await sim.rule({ rule_id: 'older', simulation: { delay_ms: 5 } }, 'a');
  await sim.rule({ rule_id: 'newer', ...rule }, 'a');
  const { message, rule: named } = await sim.call('CreatePaymentIntent', intent(), inSession('a'));
  expect(named).toBe('newer,older');
  const payment = await sim.payment(idOf(message));
  expect(payment).toMatchObject({ session_id: 'a', rule_id: 'newer,older' });
  const plain = await sim.payment(await sim.create());
  expect([plain['session_id'], plain['rule_id']]).toEqual([undefined, undefined]);
});
