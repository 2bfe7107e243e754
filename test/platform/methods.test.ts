import { describe, expect, onTestFinished, test } from 'vitest';
import { createContractStub, type ContractName } from '../support/clients/contract-stub.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import type { JsonObject, Outcome } from '../support/clients/payment-client.ts';
import { startService } from '../support/start-service.ts';

/* What the platform's contract has beyond the life of an ordinary payment. */

const terms = { reservation_id: 'r-1', user_id: 'u-1', amount: { amount: '1000', currency: 'KRW' } };

function messageOf(outcome: Outcome): JsonObject {
  if (!outcome.ok) {
    throw new Error(`${outcome.code}: ${outcome.message}`);
  }
  return outcome.message;
}

async function start(env: Readonly<Record<string, string>> = {}) {
  const clock = createFakeClock(1_800_000_000_000);
  const service = await startService({ SHUTDOWN_GRACE_MS: '0', PLATFORM_GRPC_PORT: '0', ...env }, { clock });
  const stubOf = (contract: ContractName) => {
    const stub = createContractStub(contract, contract === 'platform' ? service.platformUrl : service.apiUrl);
    onTestFinished(() => stub.close());
    return stub;
  };
  const platform = stubOf('platform');
  return {
    clock,
    own: stubOf('payment'),
    attempt: (method: string, request: JsonObject) => platform.call(method, request),
    call: async (method: string, request: JsonObject) => messageOf(await platform.call(method, request)),
    create: async (more: JsonObject = {}): Promise<string> => {
      const created = messageOf(await platform.call('CreatePaymentIntent', { ...terms, ...more }));
      return created['payment_intent_id'] as string;
    },
    status: async (id: string): Promise<JsonObject> => {
      const { payment } = messageOf(
        await platform.call('GetPaymentStatus', { payment_intent_id: id, user_id: '' }),
      );
      return payment as JsonObject;
    },
  };
}

function idsOf(list: JsonObject) {
  return (list['payments'] as JsonObject[]).map(({ payment_intent_id: id }) => id);
}

describe('CancelPayment', () => {
  test('a pending payment is cancelled, and had no result', async () => {
    const { call, create, status } = await start();
    const id = await create();
    expect(await call('CancelPayment', { payment_intent_id: id, reason: 'changed my mind' })).toMatchObject({
      status: 'PAYMENT_STATUS_CANCELLED',
      refunded_amount: null,
      refund_id: '',
      error: null,
    });
    expect(await status(id)).toMatchObject({
      status: 'PAYMENT_STATUS_CANCELLED',
      transaction_id: '',
      processed_at: null,
      result: null,
    });
  });

  test('a completed payment is refunded in parts until nothing is left, then it is a conflict', async () => {
    const { call, attempt, create, status } = await start();
    const id = await create();
    await call('ProcessPayment', { payment_intent_id: id });
    const part = { payment_intent_id: id, refund_amount: { amount: '400', currency: 'KRW' } };
    expect(await call('CancelPayment', part)).toMatchObject({
      status: 'PAYMENT_STATUS_COMPLETED',
      refunded_amount: part.refund_amount,
      refund_id: expect.stringMatching(/^rfd-/) as string,
    });
    expect(await call('CancelPayment', { payment_intent_id: id })).toMatchObject({
      status: 'PAYMENT_STATUS_REFUNDED',
      refunded_amount: { amount: '600', currency: 'KRW' },
    });
    expect(await status(id)).toMatchObject({ status: 'PAYMENT_STATUS_REFUNDED', result: { success: true } });
    expect(await attempt('CancelPayment', { payment_intent_id: id })).toMatchObject({
      code: 'FAILED_PRECONDITION',
      message: expect.stringMatching(/^conflict: payment /) as string,
    });
  });

  test('a refund that is declined is a conflict too', async () => {
    const { attempt, own, call } = await start();
    const created = messageOf(
      await own.call('CreatePaymentIntent', {
        ...terms,
        simulation: { refund: { failure_code: 'insufficient_funds' } },
      }),
    );
    const id = { payment_intent_id: created['payment_intent_id'] };
    await call('ProcessPayment', id);
    expect(await attempt('CancelPayment', id)).toMatchObject({
      code: 'FAILED_PRECONDITION',
      message: expect.stringMatching(/^conflict: .*insufficient_funds/) as string,
    });
  });
});

describe('ListPayments', () => {
  test('pages through what the filters leave, the newest first', async () => {
    const { call, create, clock } = await start();
    const ids: string[] = [];
    for (let i = 0; i < 3; i += 1) {
      ids.unshift(await create());
      await clock.advance(1);
    }
    await create({ user_id: 'u-2' });
    await call('ProcessPayment', { payment_intent_id: ids[0] });
    const filter = { user_id: 'u-1' };
    const first = await call('ListPayments', { ...filter, pagination: { page_size: 2 } });
    expect(idsOf(first)).toEqual(ids.slice(0, 2));
    expect(first['page_info']).toMatchObject({ total_count: 3, has_next_page: true });
    const { next_cursor: cursor } = first['page_info'] as JsonObject;
    expect(idsOf(await call('ListPayments', { ...filter, pagination: { cursor } }))).toEqual(ids.slice(2));
    const done = await call('ListPayments', { ...filter, status: 'PAYMENT_STATUS_COMPLETED' });
    expect(done['payments']).toMatchObject([
      { payment_intent_id: ids[0], status: 'PAYMENT_STATUS_COMPLETED', result: { success: true } },
    ]);
  });

  test('PROCESSING is no status that a payment has; those there are, are told by this contract’s numbers', async () => {
    const { attempt } = await start();
    const refusal = await attempt('ListPayments', { status: 'PAYMENT_STATUS_PROCESSING' });
    expect(refusal).toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(/^status: must be .*COMPLETED \(3\), .*FAILED \(4\)/) as string,
    });
  });
});

describe('SimulateWebhook', () => {
  test('settles a pending payment as it is told', async () => {
    const { call, attempt, create, status } = await start();
    const id = await create({ webhook_url: 'http://127.0.0.1:1/' });
    const failed = { payment_intent_id: id, target_status: 'PAYMENT_STATUS_FAILED' };
    expect(await call('SimulateWebhook', failed)).toMatchObject({
      webhook_sent: true,
      webhook_id: expect.stringMatching(/^evt-/) as string,
    });
    expect(await status(id)).toMatchObject({ status: 'PAYMENT_STATUS_FAILED', result: { response_code: 5 } });
    const contradiction = { ...failed, target_status: 'PAYMENT_STATUS_COMPLETED' };
    expect(await attempt('SimulateWebhook', contradiction)).toMatchObject({ code: 'FAILED_PRECONDITION' });
    expect(await call('SimulateWebhook', { ...contradiction, force_trigger: true })).toMatchObject({
      webhook_sent: true,
    });
    expect(await attempt('SimulateWebhook', { ...failed, target_status: 2 })).toMatchObject({
      message: expect.stringContaining('target_status: must be') as string,
    });
  });
});

describe('PAYMENT_SCENARIO_TIMEOUT', () => {
  const timeout = { scenario: 'PAYMENT_SCENARIO_TIMEOUT' };

  test('stays pending until its time is over, then it has expired', async () => {
    const { call, create, status, clock } = await start();
    const created = await call('CreatePaymentIntent', { ...terms, ...timeout });
    const id = created['payment_intent_id'] as string;
    expect(created).toMatchObject({ status: 'PAYMENT_STATUS_PENDING' });
    expect(created['expires_at']).toMatchObject({ seconds: String(1_800_000_000 + 900) });
    await clock.advance(899_999);
    expect(await status(id)).toMatchObject({ status: 'PAYMENT_STATUS_PENDING' });
    await clock.advance(1);
    await expect
      .poll(() => status(id))
      .toMatchObject({ status: 'PAYMENT_STATUS_EXPIRED', result: null, transaction_id: '' });
    const other = await create(timeout);
    expect(await call('ProcessPayment', { payment_intent_id: other })).toMatchObject({
      status: 'PAYMENT_STATUS_EXPIRED',
      processed_at: null,
      result: null,
    });
  });

  test('expires when PAYMENT_EXPIRY_MS says, and so is every intent told', async () => {
    const { call, status, clock } = await start({ PAYMENT_EXPIRY_MS: '60000' });
    for (const scenario of ['PAYMENT_SCENARIO_TIMEOUT', 'PAYMENT_SCENARIO_APPROVE']) {
      const { expires_at: expiresAt } = await call('CreatePaymentIntent', { ...terms, scenario });
      expect(expiresAt, scenario).toMatchObject({ seconds: String(1_800_000_000 + 60) });
    }
    const { payments } = await call('ListPayments', {});
    await clock.advance(60_000);
    const ids = (payments as JsonObject[]).map(({ payment_intent_id: id }) => id as string);
    await expect
      .poll(async () => new Set((await Promise.all(ids.map(status))).map((payment) => payment['status'])))
      .toEqual(new Set(['PAYMENT_STATUS_COMPLETED', 'PAYMENT_STATUS_EXPIRED']));
  });

  test('a repeated call is the same payment and does not put its end off', async () => {
    const { create, status, clock } = await start();
    const repeated = { ...timeout, idempotency_key: 'order-1' };
    const id = await create(repeated);
    await clock.advance(600_000);
    expect(await create(repeated)).toBe(id);
    await clock.advance(300_000);
    await expect.poll(() => status(id)).toMatchObject({ status: 'PAYMENT_STATUS_EXPIRED' });
    expect(await create(repeated)).toBe(id);
  });

  test('a bad field is told as of any other payment', async () => {
    const { attempt } = await start();
    expect(await attempt('CreatePaymentIntent', { ...terms, ...timeout, user_id: '' })).toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: 'user_id: is required',
    });
    expect(await attempt('CreatePaymentIntent', { ...terms, scenario: 99 })).toMatchObject({
      message: expect.stringContaining('PAYMENT_SCENARIO_TIMEOUT (5)') as string,
    });
  });
});

describe('what the caller sent beside', () => {
  const metadata = {
    source: 'web',
    user_agent: 'agent',
    ip_address: '10.0.0.1',
    session_id: 's-1',
    scenario: 'PAYMENT_SCENARIO_TIMEOUT',
    tags: { seat: 'A-1' },
  };

  test('is kept, and read by the stubs of both contracts', async () => {
    const { create, status, own } = await start();
    const id = await create({ method: 'PAYMENT_METHOD_MOBILE_PAY', metadata });
    expect(await status(id)).toMatchObject({ method: 'PAYMENT_METHOD_MOBILE_PAY', metadata });
    expect(messageOf(await own.call('GetPaymentStatus', { payment_intent_id: id }))).toMatchObject({
      payment: { method: 'PAYMENT_METHOD_MOBILE_PAY', metadata },
    });
  });

  test('has the scenario of the metadata by its number, whatever that is', async () => {
    const { create, status } = await start();
    for (const [sent, read] of [
      [0, 'PAYMENT_SCENARIO_UNSPECIFIED'],
      [2, 'PAYMENT_SCENARIO_FAIL'],
      [77, 77],
    ]) {
      const id = await create({ metadata: { scenario: sent as number } });
      expect(await status(id)).toMatchObject({ metadata: { scenario: read } });
    }
  });

  test('of another kind is refused', async () => {
    const { attempt } = await start();
    expect(await attempt('CreatePaymentIntent', { ...terms, method: 9 })).toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('method: must be one of') as string,
    });
  });
});
