import { Code as ConnectCode, ConnectError } from '@connectrpc/connect';
import { expect, onTestFinished, test } from 'vitest';
import { Code, DeliveryStatus, EntryKind, PaymentStatus, SimulatedOutcome } from '../../src/contract.ts';
import { connectPaymentSim, type SimSession, startPaymentSim } from '../../src/index.ts';
import { startService } from '../support/start-service.ts';
import { startWebhookReceiver } from '../support/webhook-receiver.ts';

/* What a test of a user does with the kit. */

async function startSim(variables = {}) {
  const sim = await startPaymentSim({ variables: { DEFAULT_DELAY_MS: 0, ...variables } });
  onTestFinished(() => sim.stop());
  return sim;
}

async function pay({ client }: SimSession, change: { webhookUrl?: string; userId?: string } = {}) {
  const { paymentIntentId } = await client.createPaymentIntent({
    reservationId: 'reservation-1',
    userId: 'user-1',
    amount: { amount: 120_000n, currency: 'KRW' },
    ...change,
  });
  return paymentIntentId;
}

async function statusOf({ client }: SimSession, paymentIntentId: string) {
  const { payment } = await client.getPaymentStatus({ paymentIntentId });
  return payment?.status;
}

test('a rule is for its session alone, and a reset for no other', async () => {
  const sim = await startSim();
  const [one, two] = [sim.session('one'), sim.session('two')];
  const rule = await one.rule({ simulation: { failureCode: 'insufficient_funds' } });
  expect(rule.ruleId).toMatch(/^rul-/);
  await two.update({ default: { outcome: SimulatedOutcome.HOLD } });
  const [first, second, third] = [await pay(one), await pay(two), await pay(sim)];
  await sim.waitForSettlement(third);
  await sim.waitForSettlement(first);
  expect([await statusOf(one, first), await statusOf(two, second), await statusOf(sim, third)]).toEqual([
    PaymentStatus.FAILED,
    PaymentStatus.PENDING,
    PaymentStatus.COMPLETED,
  ]);
  await one.reset();
  await expect(statusOf(one, first)).rejects.toMatchObject({ code: ConnectCode.NotFound });
  expect(await statusOf(two, second)).toBe(PaymentStatus.PENDING);
  await sim.resetAll();
  await expect(statusOf(two, second)).rejects.toBeInstanceOf(ConnectError);
});

test('the code under test needs no more than the headers', async () => {
  const sim = await startSim();
  const session = sim.session('by header');
  await session.rule({ simulation: { api: { code: Code.UNAVAILABLE } }, times: 1 });
  const create = () =>
    fetch(`${sim.apiUrl}/payment.v1.PaymentService/CreatePaymentIntent`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...session.headers },
      body: JSON.stringify({ reservation_id: 'r', user_id: 'u', amount: { amount: 1, currency: 'KRW' } }),
    });
  expect([(await create()).status, (await create()).status]).toEqual([503, 200]);
});

test('deliveries, sent again, and watched', async () => {
  const sim = await startSim();
  const receiver = await startWebhookReceiver();
  const session = sim.session('watched');
  const id = await pay(session, { webhookUrl: receiver.url });
  await sim.waitForWebhook(id);
  const [delivery] = await session.deliveries({ status: DeliveryStatus.DELIVERED });
  expect(delivery).toMatchObject({
    paymentIntentId: id,
    sessionId: 'watched',
    attempts: [{ statusCode: 200 }],
  });
  expect(delivery?.attempts[0]?.body).toBe(receiver.received[0]?.rawBody.toString());
  expect(await sim.deliveries()).toEqual([]);
  await session.resend({ which: { case: 'paymentIntentId', value: id } });
  await receiver.waitFor(2);
  const seen: EntryKind[] = [];
  for await (const { kind, what } of session.watch({ cursor: 'oldest' })) {
    seen.push(kind);
    if (what.case === 'delivery' && what.value.attempts[0]?.number === 1 && receiver.received.length === 2) {
      break;
    }
  }
  expect(seen.slice(0, 3)).toEqual([EntryKind.TRANSITION, EntryKind.CALL, EntryKind.TRANSITION]);
});

test('a payment that will never have a webhook is not waited for', async () => {
  const sim = await startSim();
  const id = await pay(sim);
  await expect(sim.waitForWebhook(id, { timeoutMs: 60_000 })).rejects.toThrow(
    `Payment ${id} will never have a webhook: its create has no webhook_url`,
  );
});

test('ends with its block', async () => {
  let url = '';
  {
    await using sim = await startPaymentSim();
    url = sim.apiUrl;
    expect((await fetch(`${url}/health`)).status).toBe(200);
  }
  await expect(fetch(`${url}/health`)).rejects.toThrow('fetch failed');
});

test('the same with a simulator that runs elsewhere', async () => {
  const service = await startService({ DEFAULT_DELAY_MS: '0' });
  await using sim = await connectPaymentSim(service.apiUrl);
  const session = sim.session('elsewhere');
  await session.rule({ match: { userId: 'user-2' }, simulation: { outcome: SimulatedOutcome.HOLD } });
  const held = await pay(session, { userId: 'user-2' });
  expect(await statusOf(session, held)).toBe(PaymentStatus.PENDING);
  await sim.resetAll();
  await expect(statusOf(session, held)).rejects.toMatchObject({ code: ConnectCode.NotFound });
});

test('says why it cannot be connected to', async () => {
  await expect(connectPaymentSim('http://127.0.0.1:1')).rejects.toThrow(
    'no simulator that can be steered at http://127.0.0.1:1 (it needs SIMULATOR_API=on)',
  );
  const service = await startService({ SIMULATOR_API: 'off' });
  await expect(connectPaymentSim(service.apiUrl)).rejects.toThrow('SIMULATOR_API=on');
});

test('waits for what fits, and says what was near', async () => {
  const sim = await startSim();
  const session = sim.session('waiting');
  const paid = session.await({
    condition: { what: { case: 'payments', value: { status: PaymentStatus.COMPLETED } } },
  });
  const id = await pay(session);
  expect((await paid).payments).toMatchObject([{ paymentIntentId: id }]);
  await expect(
    session.await({
      condition: { what: { case: 'payments', value: { status: PaymentStatus.FAILED } } },
      timeout: { seconds: 0n, nanos: 1_000_000 },
    }),
  ).rejects.toThrow('0 fit, which is not what was waited for; 1 but for status: 1 COMPLETED');
});

test('with a manual clock of the simulator nothing settles before its time, after a reset neither', async () => {
  const sim = await startPaymentSim({ manualClock: true });
  onTestFinished(() => sim.stop());
  for (const again of [() => sim.reset(), () => sim.resetAll(), undefined]) {
    const id = await pay(sim);
    await sim.advance('1999ms');
    expect(await statusOf(sim, id)).toBe(PaymentStatus.PENDING);
    const { transitions } = await sim.advance('1ms');
    expect(transitions).toHaveLength(1);
    expect(await statusOf(sim, id)).toBe(PaymentStatus.COMPLETED);
    await again?.();
  }
});
