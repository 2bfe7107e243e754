import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { createGrpcSteeringClient } from '../support/clients/steering-client.ts';
import { sendRaw } from '../support/clients/raw-http.ts';
import { wires } from '../support/clients/wires.ts';
import { closing, inSession, intent, launchSteered, type SteeredService, idOf } from '../support/steering.ts';

/* SIMULATOR_API=off, as in production: nobody steers but by the request itself. */

let sim: SteeredService;

beforeAll(async () => {
  sim = await launchSteered({ SIMULATOR_API: 'off' });
});

afterAll(() => sim.app.stop());

const methods = ['CreateRule', 'ListRules', 'DeleteRule', 'UpdateSession', 'GetSession', 'ResetSession'];

test.each(wires)('$name: simulator.v1 is not there', async (wire) => {
  for (const method of methods) {
    const path = `/simulator.v1.SimulatorService/${method}`;
    const isJson = wire.contentType === 'application/json';
    const response = await sendRaw(sim.apiUrl, wire.httpVersion, {
      path,
      headers: { 'content-type': wire.contentType },
      body: wire.envelope(Buffer.from(isJson ? '{}' : '')),
    });
    expect(wire.readStatus(response), method).toEqual({
      code: 'UNIMPLEMENTED',
      message: `POST ${path} is not implemented here`,
    });
  }
});

test.each(['grpc-js', 'Connect JSON'])('%s: headers are nobody’s, wrong ones included', async (name) => {
  const { call } = name === 'grpc-js' ? closing(createGrpcSteeringClient(sim.apiUrl)) : sim.client;
  for (const headers of [
    { 'payment-sim-behavior': 'insufficient_funds' },
    { 'payment-sim-behavior': 'UNAVAILABLE' },
    { 'payment-sim-behavior': 'no such thing' },
    { 'x-envoy-fault-abort-grpc-request': '14' },
    { 'x-envoy-fault-delay-request': '60000' },
    inSession('a'),
    inSession('*'),
    { baggage: 'payment-sim.session=a' },
  ]) {
    const answer = await call('CreatePaymentIntent', intent({ metadata: { session_id: 'a' } }), headers);
    expect(answer, JSON.stringify(headers)).toMatchObject({ code: 'OK', rule: undefined });
    const id = idOf(answer.message);
    expect(await call('ProcessPayment', { payment_intent_id: id }, headers)).toMatchObject({ code: 'OK' });
    const payment = await sim.payment(id);
    expect(payment).toMatchObject({ status: 'PAYMENT_STATUS_COMPLETED', metadata: { session_id: 'a' } });
    expect([payment['session_id'], payment['rule_id']]).toEqual([undefined, undefined]);
    const { payments } = (await call('ListPayments', {}, headers)).message;
    expect(payments).toContainEqual(expect.objectContaining({ payment_intent_id: id }));
  }
});

test('a key is one payment, whatever session is named', async () => {
  const key = { idempotency_key: 'key-1' };
  expect(await sim.create(key, 'a')).toBe(await sim.create(key, 'b'));
});

test('simulation.api and simulation.delivery are refused by name, and what else the request says is done', async () => {
  const request = intent({ simulation: { api: { code: 'UNAVAILABLE' }, delivery: { copies: 2 } } });
  expect(await sim.call('CreatePaymentIntent', request)).toMatchObject({
    code: 'INVALID_ARGUMENT',
    violations: ['simulation.api', 'simulation.delivery'].map((field) => ({
      field,
      description: 'needs SIMULATOR_API=on; leave it out',
    })),
  });
  expect(await sim.outcome({ simulation: { outcome: 'SIMULATED_OUTCOME_DECLINE' } })).toBe(
    'FAILED: card_declined',
  );
  expect(await sim.outcome({ simulation: { failure_code: 'lost_card' } })).toBe('FAILED: lost_card');
  expect(await sim.outcome({ simulation: { outcome: 'SIMULATED_OUTCOME_EXPIRE' } })).toBe('EXPIRED');
});

test('production is off unless told otherwise, and everything else is on', async () => {
  for (const [environment, code] of [
    ['production', 'UNIMPLEMENTED'],
    ['staging', 'OK'],
    ['development', 'OK'],
  ]) {
    const service = await launchSteered({ ENVIRONMENT: environment ?? '', WEBHOOK_SECRET: 'a'.repeat(64) });
    onTestFinished(() => service.app.stop());
    const answer = await service.call('ListRules');
    expect([environment, answer.code]).toEqual([environment, code]);
  }
});
