import { readFileSync } from 'node:fs';
import { codeToString } from '@connectrpc/connect/protocol-connect';
import { describe, expect, test } from 'vitest';
import { paymentErrors, steeringErrors } from '../../dev/reference/errors/sample-refusals.ts';
import { PaymentScenario, PaymentService } from '../../gen/payment/v1/payment_pb.js';
import type { Scenario } from '../../src/payment/payment.ts';
import { createRandomOutcomes } from '../../src/payment/random-outcomes.ts';
import { planSettlement } from '../../src/payment/scenario.ts';
import { toConnectError } from '../../src/contracts/error-mapping.ts';
import { SteeringError } from '../../src/simulator/errors.ts';
import { createWorkerMetrics } from '../../src/worker/worker-metrics.ts';
import { startService } from '../support/start-service.ts';
import { readText } from './markdown.ts';
import { codes, guide, section, sectionOf, tableRows } from './readme.ts';

/** Nothing that these tests leave pending is worth waiting for. */
const quickStop = { SHUTDOWN_GRACE_MS: '0' };

/** A caller who waits less than the call is made to take. */
const impatient = { 'x-envoy-fault-delay-request': '60000', 'connect-timeout-ms': '10' };

/** Nobody listens at port 1. */
const unreachableRedis = 'redis://127.0.0.1:1';

const makeTargets =
  'build test lint generate run-local docker-build docker-run perf-test check-env status ci clean'.split(' ');

test('every npm script that the guide names exists, and every target has its row', () => {
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const named = [...guide.matchAll(/`(?:npm run ([\w:-]+)|npm (start|test))`/g)].map(
    ([, script, short]) => script ?? short ?? '',
  );
  expect(named.length).toBeGreaterThan(10);
  expect(named.filter((name) => !(name in manifest.scripts))).toEqual([]);

  const targets = tableRows(section('# Commands of a checkout').split('`make` targets').at(-1) ?? '');
  expect(new Set(targets.map((row) => codes(row['`make`'] ?? '')[0]))).toEqual(new Set(makeTargets));
});

test('the guide names every method of the contract', () => {
  const names = PaymentService.methods.map(({ name }) => name);
  expect(names.filter((name) => !new RegExp(`\\b${name}\\b`).test(guide))).toEqual([]);
});

describe('scenario table', () => {
  const rows = tableRows(section('## Scenarios'));
  const options = {
    defaultScenario: 'APPROVE',
    defaultDelayMs: 2,
    delayScenarioMs: 3,
    expiryMs: 4,
  } as const;
  const delays: Readonly<Record<string, number>> = { DEFAULT_DELAY_MS: 2, DELAY_SCENARIO_MS: 3 };

  test('has every scenario of the contract with its number', () => {
    const numbers = Object.fromEntries(
      rows.map((row) => [
        codes(row['`scenario`'] ?? '')[0]?.replace('PAYMENT_SCENARIO_', ''),
        Number(row['Number']),
      ]),
    );
    const contract = Object.entries(PaymentScenario).filter(([, value]) => typeof value === 'number');
    expect(numbers).toEqual(Object.fromEntries(contract));
  });

  const scenarios = rows.map((row) => codes(row['`scenario`'] ?? '')[0]?.replace('PAYMENT_SCENARIO_', ''));

  test.each(scenarios.filter((name) => name !== 'UNSPECIFIED') as Scenario[])('%s', (scenario) => {
    const row = rows.find((candidate) => candidate['`scenario`'] === `\`PAYMENT_SCENARIO_${scenario}\``);
    const request = { reservationId: 'reservation-1', scenario };
    const outcomes = [0, 0.999].map(
      (drawn) =>
        planSettlement(
          request,
          options,
          createRandomOutcomes(0.5, () => drawn),
        ).outcome,
    );
    const documented = codes(row?.['Outcome'] ?? '').filter((code) => !code.includes('_'));
    expect(new Set(outcomes)).toEqual(new Set(documented));
    const { delayMs } = planSettlement(
      request,
      options,
      createRandomOutcomes(0.5, () => 0),
    );
    expect(delays[codes(row?.['Delay'] ?? '')[0] ?? '']).toBe(delayMs);
  });

  test('the failure code is what a failed payment has', async () => {
    const { apiUrl } = await startService({ ...quickStop, DEFAULT_SCENARIO: 'fail' });
    const created = await call(apiUrl, 'CreatePaymentIntent', validPayment);
    const id = { payment_intent_id: created.body['payment_intent_id'] };
    await call(apiUrl, 'ProcessPayment', id);
    const { body } = await call(apiUrl, 'GetPaymentStatus', id);
    const fail = rows.find((row) => row['`scenario`']?.includes('_FAIL'));
    expect([(body['payment'] as Record<string, unknown>)['failure_code']]).toEqual(
      codes(fail?.['`failure_code`'] ?? ''),
    );
  });
});

describe('error table', () => {
  const rows = tableRows(sectionOf(readText('docs/reference/errors.md'), '## Codes'));

  test.each([...paymentErrors, ...steeringErrors])('the code of $reason.kind has a row', (error) => {
    const { code } = toConnectError(error);
    const documented = rows.map((row) => codes(row['Connect code'] ?? '')[0]);
    expect(documented).toContain(codeToString(code));
  });

  test('every row is what the service answers', async () => {
    const { apiUrl } = await startService({ ...quickStop, MAX_PAYMENTS: '1' });
    const { apiUrl: withoutRedis } = await startService({ ...quickStop, REDIS_URL: unreachableRedis });
    const keyed = { ...validPayment, idempotency_key: 'key-1' };
    const { body: pending } = await call(apiUrl, 'CreatePaymentIntent', keyed);
    const refund = {
      payment_intent_id: pending['payment_intent_id'],
      refund_amount: { amount: 1, currency: 'KRW' },
    };
    const answers = {
      INVALID_ARGUMENT: await call(apiUrl, 'CreatePaymentIntent', {}),
      NOT_FOUND: await call(apiUrl, 'GetPaymentStatus', { payment_intent_id: 'pay-none' }),
      ALREADY_EXISTS: await call(apiUrl, 'CreatePaymentIntent', { ...keyed, reservation_id: 'other' }),
      FAILED_PRECONDITION: await call(apiUrl, 'CancelPayment', refund),
      RESOURCE_EXHAUSTED: await call(apiUrl, 'CreatePaymentIntent', validPayment),
      UNAVAILABLE: await call(withoutRedis, 'CreatePaymentIntent', validPayment),
      DEADLINE_EXCEEDED: await call(apiUrl, 'GetPaymentStatus', { payment_intent_id: 'pay-1' }, impatient),
      UNIMPLEMENTED: await call(apiUrl, 'Refund', {}),
    };
    const documented = Object.fromEntries(
      rows.map((row) => [
        codes(row['gRPC code'] ?? '')[0],
        { httpStatus: Number(row['HTTP']), code: codes(row['Connect code'] ?? '')[0] },
      ]),
    );
    for (const [name, answer] of Object.entries(answers)) {
      expect({ httpStatus: answer.httpStatus, code: answer.body['code'] }, name).toEqual(documented[name]);
    }
    const others = ['INTERNAL', 'ABORTED'];
    expect(Object.keys(documented).toSorted()).toEqual([...Object.keys(answers), ...others].toSorted());
    // INTERNAL cannot be had from outside, and ABORTED only by many entries; 13 and 10 are their numbers in gRPC.
    expect(toConnectError(new Error('a defect')).code).toBe(13);
    expect(toConnectError(new SteeringError({ kind: 'fell-behind', cursor: '1-0' })).code).toBe(10);
  });
});

test('every metric that its page names is there, with its labels', async () => {
  const { opsUrl, apiUrl } = await startService({ ...quickStop, REDIS_URL: unreachableRedis });
  await call(apiUrl, 'CreatePaymentIntent', {});
  const service = await (await fetch(`${opsUrl}/metrics`)).text();
  const worker = await createWorkerMetrics().registry.metrics();
  for (const row of tableRows(section('## To know first'))) {
    const [name = ''] = codes(row['Metric'] ?? '');
    const text = name.startsWith('reservation_worker_') ? worker : service;
    expect(text).toContain(`# TYPE ${name} `);
    const sample = new RegExp(`^${name}(?:_count)?\\{(.*)\\}`, 'm').exec(text)?.[1];
    if (sample !== undefined) {
      const labels = [...sample.matchAll(/(\w+)=/g)].map(([, label]) => label);
      expect(new Set(labels)).toEqual(new Set(codes(row['Labels'] ?? '')));
    }
  }
});

const validPayment = {
  reservation_id: 'reservation-1',
  user_id: 'user-1',
  amount: { amount: 120_000, currency: 'KRW' },
};

async function call(apiUrl: string, method: string, body: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(`${apiUrl}/payment.v1.PaymentService/${method}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  return { httpStatus: response.status, body: (await response.json()) as Record<string, unknown> };
}
