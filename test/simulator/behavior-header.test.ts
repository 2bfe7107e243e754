import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createGrpcSteeringClient, type SteeringClient } from '../support/clients/steering-client.ts';
import { closing, inSession, intent, launchSteered, type SteeredService, idOf } from '../support/steering.ts';

/* What the header, or metadata, `payment-sim-behavior` may hold, and Envoy's two. */

const header = 'payment-sim-behavior';
const abort = 'x-envoy-fault-abort-grpc-request';
const delay = 'x-envoy-fault-delay-request';

let sim: SteeredService;
let session: Readonly<Record<string, string>>;

beforeAll(async () => {
  sim = await launchSteered();
});

afterAll(() => sim.app.stop());

// So that what one test makes is not in the lists of another.
beforeEach(() => {
  session = inSession(randomUUID());
});

describe.each(['grpc-js', 'Connect JSON'] as const)('%s', (name) => {
  function start() {
    const client = name === 'grpc-js' ? closing(createGrpcSteeringClient(sim.apiUrl)) : sim.client;
    const call: SteeringClient['call'] = (method, request, headers) =>
      client.call(method, request, { ...session, ...headers });
    return { call };
  }

  test.each([
    ['insufficient_funds', 'FAILED', 'insufficient_funds'],
    ['aborted', 'FAILED', 'aborted'],
    ['SIMULATED_OUTCOME_EXPIRE', 'EXPIRED', ''],
    ['DECLINE', 'FAILED', 'card_declined'],
    ['APPROVE', 'COMPLETED', ''],
    ['HOLD', 'COMPLETED', ''],
    ['EXPIRE', 'EXPIRED', ''],
    ['{"outcome": "SIMULATED_OUTCOME_DECLINE"}', 'FAILED', 'card_declined'],
    ['{"failure_code": "do_not_honor", "delay_ms": 5}', 'FAILED', 'do_not_honor'],
    ['{"failureCode": "do_not_honor"}', 'FAILED', 'do_not_honor'],
  ])('%s is an outcome', async (value, status, code) => {
    const { call } = start();
    const change = value === 'APPROVE' ? { scenario: 'PAYMENT_SCENARIO_FAIL' } : {};
    const { message } = await call('CreatePaymentIntent', intent(change), { [header]: value });
    const id = idOf(message);
    await sim.done('ProcessPayment', { payment_intent_id: id });
    const { status: is, failure_code: why = '' } = await sim.payment(id);
    expect([is, why]).toEqual([`PAYMENT_STATUS_${status}`, code]);
  });

  test.each([
    [{ [header]: 'UNAVAILABLE' }, 'UNAVAILABLE'],
    [{ [header]: 'RESOURCE_EXHAUSTED' }, 'RESOURCE_EXHAUSTED'],
    [{ [header]: '{"api": {"code": 13}}' }, 'INTERNAL'],
    [{ [header]: '{"api": {"code": "ABORTED"}}' }, 'ABORTED'],
    [{ [abort]: '14' }, 'UNAVAILABLE'],
    [{ [abort]: '1' }, 'CANCELLED'],
    [{ [abort]: '4', [delay]: '0' }, 'DEADLINE_EXCEEDED'],
    [{ [header]: 'DATA_LOSS', [abort]: '14' }, 'DATA_LOSS'],
    [{ [header]: 'insufficient_funds', [abort]: '14' }, 'UNAVAILABLE'],
  ])('%j is an error', async (headers: Readonly<Record<string, string>>, code) => {
    const { call } = start();
    const spelt = name === 'grpc-js' ? code : code.replace('CANCELLED', 'CANCELED');
    const answer = await call('CreatePaymentIntent', intent(), headers);
    expect(answer).toMatchObject({ code: spelt, text: 'simulated error of CreatePaymentIntent' });
    expect(answer.rule).toBeUndefined();
    expect(await sim.list(session['payment-sim-session'])).toEqual([]);
    // Of calls that make no payment as well.
    expect(await call('ListPayments', {}, headers)).toMatchObject({ code: spelt });
    expect(await call('GetPaymentStatus', { payment_intent_id: 'none' }, headers)).toMatchObject({
      code: spelt,
    });
  });

  test(`${delay} is the delay of the answer, in milliseconds`, async () => {
    const { call } = start();
    const timers = sim.clock.timerCount();
    const answer = call('CreatePaymentIntent', intent(), { [delay]: '250' });
    await expect.poll(() => sim.clock.timerCount()).toBe(timers + 1);
    await sim.clock.advance(250);
    expect(await answer).toMatchObject({ code: 'OK' });
    expect(sim.logs('Simulated fault').at(-1)).toMatchObject({ delay_ms: 250 });
  });

  test.each([
    [header, 'no such thing', 'must be a failure code such as insufficient_funds, an outcome (APPROVE'],
    [header, 'OK', 'must be a failure code such as'],
    [header, 'hold', 'must be a failure code such as'],
    [header, 'UNAVAILBLE', 'must be a failure code such as'],
    [header, 'unavailable', 'must be a failure code such as'],
    [header, '14', 'must be a failure code such as'],
    [header, 'SIMULATED_OUTCOME_UNSPECIFIED', 'must be a failure code such as'],
    [header, 'a,b', 'must be a failure code such as'],
    [header, 'x'.repeat(65), 'must be a failure code such as'],
    [header, '{', 'must be the JSON of payment.v1.SimulationOptions: '],
    [header, '{"delay_m": 1}', 'is no field of SimulationOptions; did you mean delay_ms?', '.delay_m'],
    [header, '{"delay_ms": "soon"}', 'must be a whole number from 0 to 86400000', '.delay_ms'],
    [header, '{"delay_ms": -1}', 'must be a whole number from 0 to 86400000', '.delay_ms'],
    [header, '{"outcome": 9}', 'must be one of SIMULATED_OUTCOME_UNSPECIFIED', '.outcome'],
    [header, '{"outcome": 3, "delay_ms": 5}', 'contradicts the outcome HOLD', '.delay_ms'],
    [header, '{"outcome": 1, "failure_code": "a"}', 'contradicts the outcome', '.failure_code'],
    [header, '{"failure_code": "a b"}', 'must be ', '.failure_code'],
    [header, '{"api": {"code": 17}}', 'must be a code of gRPC', '.api.code'],
    [header, '{"api": {}}', 'must have a code other than OK', '.api'],
    [header, '{"api": {"message": "a", "delay_ms": 1}}', 'needs a code other than OK', '.api.message'],
    [
      header,
      '{"api": {"code": 14, "drop_connection": true}}',
      'contradicts the code',
      '.api.drop_connection',
    ],
    [header, '{"api": {"delay_ms": 60001}}', 'must be a whole number from 0 to 60000', '.api.delay_ms'],
    [header, '{"refund": {"outcome": 3}}', 'must be ', '.refund.outcome'],
    [header, '{"delivery": {}}', 'must say what shall happen, such as {"copies": 2}', '.delivery'],
    [abort, '0', 'must be the number of a code of gRPC, from 1 to 16, such as 14'],
    [abort, '17', 'must be the number of a code of gRPC'],
    [abort, 'UNAVAILABLE', 'must be the number of a code of gRPC'],
    [delay, '-1', 'must be a whole number of milliseconds from 0 to 60000'],
    [delay, '60001', 'must be a whole number of milliseconds from 0 to 60000'],
    [delay, '1s', 'must be a whole number of milliseconds from 0 to 60000'],
  ])('%s: %s is refused by name', async (sent, value, problem, field = '') => {
    const { call } = start();
    for (const method of ['CreatePaymentIntent', 'ListPayments']) {
      const request = method === 'ListPayments' ? {} : intent();
      const { code, violations } = await call(method, request, { [sent]: value });
      expect([code, violations], method).toEqual([
        'INVALID_ARGUMENT',
        [{ field: `${sent}${field}`, description: expect.stringContaining(problem) as string }],
      ]);
    }
    expect(await sim.list(session['payment-sim-session'])).toEqual([]);
  });
});
