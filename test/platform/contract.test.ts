import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { declineOf, knownFailureCodes } from '../../src/contracts/platform-v1/decline-codes.ts';
import { type ContractName, createContractStub, loadContract } from '../support/clients/contract-stub.ts';
import { callGrpc } from '../support/clients/grpc-call.ts';
import type { JsonObject, Outcome } from '../support/clients/payment-client.ts';
import { sendRaw } from '../support/clients/raw-http.ts';
import { wires } from '../support/clients/wires.ts';
import { launchService, type RunningService, startService } from '../support/start-service.ts';

const env = { SHUTDOWN_GRACE_MS: '0', PLATFORM_GRPC_PORT: '0', DEFAULT_DELAY_MS: '86400000' };
const path = '/payment.v1.PaymentService';
let service: RunningService;

beforeAll(async () => {
  service = await launchService(env);
});

afterAll(async () => {
  await service.app.stop();
});

function stubOf(contract: ContractName, enums: typeof String | typeof Number = String, running = service) {
  const url = contract === 'platform' ? running.platformUrl : running.apiUrl;
  const stub = createContractStub(contract, url, enums);
  onTestFinished(() => stub.close());
  return stub;
}

/** The message of a call that was carried out. */
function messageOf(outcome: Outcome): JsonObject {
  if (!outcome.ok) {
    throw new Error(`${outcome.code}: ${outcome.message}`);
  }
  return outcome.message;
}

const terms = { reservation_id: 'r-1', user_id: 'u-1', amount: { amount: '120000', currency: 'KRW' } };

async function createWith(stub: ReturnType<typeof stubOf>, more: JsonObject = {}): Promise<JsonObject> {
  const created = messageOf(await stub.call('CreatePaymentIntent', { ...terms, ...more }));
  return { payment_intent_id: created['payment_intent_id'] };
}

const millisOf = (value: unknown) => {
  const { seconds, nanos } = value as { seconds: string; nanos: number };
  return Number(seconds) * 1_000 + nanos / 1e6;
};

describe('the same payment, read by the stubs of both contracts', () => {
  test.each([
    ['PAYMENT_SCENARIO_APPROVE', 'PAYMENT_STATUS_COMPLETED', { payment: 2, platform: 3 }],
    ['PAYMENT_SCENARIO_FAIL', 'PAYMENT_STATUS_FAILED', { payment: 3, platform: 4 }],
  ] as const)('%s is %s to each', async (scenario, status, numbers) => {
    for (const maker of ['payment', 'platform'] as const) {
      const id = await createWith(stubOf(maker), { scenario });
      const pending = await stubOf('platform').call('GetPaymentStatus', id);
      expect(messageOf(pending)).toMatchObject({
        payment: { status: 'PAYMENT_STATUS_PENDING', result: null, processed_at: null },
        error: null,
      });
      await stubOf(maker).call('ProcessPayment', id);
      for (const reader of ['payment', 'platform'] as const) {
        const named = messageOf(await stubOf(reader).call('GetPaymentStatus', id));
        expect(named, reader).toMatchObject({ payment: { ...terms, status } });
        const numbered = messageOf(await stubOf(reader, Number).call('GetPaymentStatus', id));
        expect(numbered, reader).toMatchObject({ payment: { status: numbers[reader] } });
      }
    }
  });

  test('the stub of one contract at the port of the other reads a declined payment as a paid one', async () => {
    const id = await createWith(stubOf('payment'), { scenario: 'PAYMENT_SCENARIO_FAIL' });
    await stubOf('payment').call('ProcessPayment', id);
    const astray = createContractStub('platform', service.apiUrl);
    onTestFinished(() => astray.close());
    expect(messageOf(await astray.call('GetPaymentStatus', id))).toMatchObject({
      payment: { status: 'PAYMENT_STATUS_COMPLETED' },
    });
  });

  test('a repeated key is the same payment, whichever contract it came by', async () => {
    const key = { idempotency_key: 'order-1' };
    const id = await createWith(stubOf('platform'), key);
    expect(await createWith(stubOf('payment'), key)).toEqual(id);
    const byHeader = messageOf(
      await stubOf('platform').call('CreatePaymentIntent', terms, { 'idempotency-key': 'order-1' }),
    );
    expect(byHeader).toMatchObject(id);
  });
});

describe('answers', () => {
  test('an intent is PENDING, without a page to go to, and expires after it settles', async () => {
    const stub = stubOf('platform');
    const created = messageOf(await stub.call('CreatePaymentIntent', terms));
    expect(created).toEqual({
      payment_intent_id: expect.stringMatching(/^pay-/) as string,
      status: 'PAYMENT_STATUS_PENDING',
      client_secret: '',
      payment_url: '',
      expires_at: expect.anything() as object,
      error: null,
    });
    const id = { payment_intent_id: created['payment_intent_id'] };
    const { payment } = messageOf(await stub.call('GetPaymentStatus', id)) as { payment: JsonObject };
    // DEFAULT_DELAY_MS is a day here.
    expect(millisOf(created['expires_at']) - millisOf(payment['created_at'])).toBe(86_400_000);

    const soon = await startService({ ...env, DEFAULT_DELAY_MS: '2000' });
    const before = Date.now();
    const quick = messageOf(
      await stubOf('platform', String, soon).call('CreatePaymentIntent', { ...terms, idempotency_key: 'k' }),
    );
    const leftMs = millisOf(quick['expires_at']) - before;
    expect([leftMs >= 900_000, leftMs < 960_000]).toEqual([true, true]);
    const again = messageOf(
      await stubOf('platform', String, soon).call('CreatePaymentIntent', { ...terms, idempotency_key: 'k' }),
    );
    expect(again).toEqual(quick);
  });

  test.each([
    [
      'PAYMENT_SCENARIO_APPROVE',
      { success: true, failure_reason: '', gateway_response: 'APPROVED', response_code: 0 },
    ],
    [
      'PAYMENT_SCENARIO_FAIL',
      {
        success: false,
        failure_reason: 'card_declined',
        gateway_response: 'REJECT_CARD_PAYMENT',
        response_code: 5,
      },
    ],
  ])('%s has its result in the words of a gateway', async (scenario, result) => {
    const stub = stubOf('platform');
    const id = await createWith(stub, { scenario });
    const processed = messageOf(await stub.call('ProcessPayment', id));
    const { payment } = messageOf(await stub.call('GetPaymentStatus', id)) as { payment: JsonObject };
    expect(payment['result']).toEqual({ ...result, processed_at: payment['processed_at'] });
    expect(processed).toEqual({
      payment_id: id['payment_intent_id'],
      status: payment['status'],
      processed_at: payment['processed_at'],
      transaction_id: payment['transaction_id'],
      result: payment['result'],
      error: null,
    });
  });

  test('every known failure code has a response code of ISO 8583, an unknown one is told as it is', () => {
    expect(knownFailureCodes).toHaveLength(20);
    for (const code of knownFailureCodes) {
      const { gatewayResponse, responseCode } = declineOf(code);
      expect(gatewayResponse, code).not.toBe('');
      expect(responseCode, code).toBeGreaterThan(0);
      expect(responseCode, code).toBeLessThan(100);
    }
    expect(declineOf('insufficient_funds').responseCode).toBe(51);
    for (const code of ['own_code', 'constructor', '__proto__']) {
      expect(declineOf(code)).toEqual({ gatewayResponse: code, responseCode: 5 });
    }
  });
});

describe('refusals are gRPC statuses, in the words that the gateway looks for', () => {
  test('an unknown payment is "not found"', async () => {
    const outcome = await stubOf('platform').call('GetPaymentStatus', { payment_intent_id: 'pay-1' });
    expect(outcome).toMatchObject({ code: 'NOT_FOUND', message: 'payment pay-1 not found' });
  });

  test('a key that was used otherwise is a "conflict"', async () => {
    const stub = stubOf('platform');
    await createWith(stub, { idempotency_key: 'order-2' });
    const outcome = await stub.call('CreatePaymentIntent', {
      ...terms,
      reservation_id: 'r-2',
      idempotency_key: 'order-2',
    });
    expect(outcome).toMatchObject({
      code: 'ALREADY_EXISTS',
      message: expect.stringMatching(/^conflict: idempotency_key "order-2" was used before/) as string,
    });
  });

  test('a bad field is told by its name, and a scenario that nobody has by those there are', async () => {
    const stub = stubOf('platform');
    expect(await stub.call('CreatePaymentIntent', { ...terms, user_id: '' })).toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: 'user_id: is required',
    });
    expect(await stub.call('CreatePaymentIntent', { ...terms, scenario: 99 })).toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('scenario: must be one of') as string,
    });
  });
});

describe.each(wires)('over $name', (wire) => {
  const messageFor = (method: string, request: JsonObject): Buffer => {
    if (wire.contentType.endsWith('json')) {
      return Buffer.from(JSON.stringify(request));
    }
    const definition = loadContract('platform')['payment.v1.PaymentService'] as unknown as Record<
      string,
      { requestSerialize(message: JsonObject): Buffer }
    >;
    return definition[method]?.requestSerialize(request) ?? Buffer.alloc(0);
  };

  async function send(method: string, request: JsonObject) {
    return await sendRaw(service.platformUrl, wire.httpVersion, {
      path: `${path}/${method}`,
      headers: { 'content-type': wire.contentType },
      body: wire.envelope(messageFor(method, request)),
    });
  }

  test('a call is carried out, and a refusal has its words', async () => {
    expect(wire.readStatus(await send('CreatePaymentIntent', terms))).toMatchObject({ code: 'OK' });
    expect(wire.readStatus(await send('GetPaymentStatus', { payment_intent_id: 'pay-1' }))).toEqual({
      code: 'NOT_FOUND',
      message: 'payment pay-1 not found',
    });
  });
});

test('a browser may read the result as JSON, by the names of the proto files', async () => {
  const headers = { 'content-type': 'application/json', origin: 'https://shop.example' };
  const call = async (method: string, request: JsonObject) => {
    const response = await fetch(`${service.platformUrl}${path}/${method}`, {
      method: 'POST',
      headers,
      body: JSON.stringify(request),
    });
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
    return (await response.json()) as JsonObject;
  };
  const { payment_intent_id: id } = await call('CreatePaymentIntent', terms);
  expect(await call('ProcessPayment', { payment_intent_id: id })).toMatchObject({
    status: 'PAYMENT_STATUS_COMPLETED',
    result: { success: true, gateway_response: 'APPROVED' },
  });
  expect(await call('CreatePaymentIntent', { ...terms, simulation: {} })).toMatchObject({
    code: 'invalid_argument',
    message: expect.stringContaining('simulation: is no field of CreatePaymentIntentRequest') as string,
  });
});

test('calls are counted and logged as those of the other port, in one series', async () => {
  const running = await startService(env);
  const stub = stubOf('platform', String, running);
  await createWith(stub);
  await createWith(stubOf('payment', String, running));
  await stub.call('GetPaymentStatus', { payment_intent_id: 'pay-1' }, { 'x-request-id': 'req-of-test' });
  const labels =
    'grpc_type="unary",grpc_service="payment.v1.PaymentService",grpc_method="CreatePaymentIntent"';
  expect(await running.metric(`grpc_server_started_total{${labels}}`)).toBe(2);
  expect(running.logs('Call refused')).toMatchObject([
    { grpc_method: 'GetPaymentStatus', grpc_code: 'NotFound', request_id: 'req-of-test' },
  ]);
  const metrics = await (await fetch(`${running.opsUrl}/metrics`)).text();
  const series = metrics.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const names = series.map((line) => line.slice(0, line.lastIndexOf(' ')));
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  expect(await running.metric('api_connections{protocol="http2"}')).toBe(2);
});

test('the limits are those of the other port', async () => {
  const small = await startService({ ...env, READ_MAX_BYTES: '1024' });
  const answer = await callGrpc(small.platformUrl, {
    path: `${path}/CreatePaymentIntent`,
    body: Buffer.concat([Buffer.from([0, 0, 0, 8, 0]), Buffer.alloc(2_048)]),
  });
  expect(answer.status).toBe('8');
});
