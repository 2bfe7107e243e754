import { timestampMs } from '@bufbuild/protobuf/wkt';
import { Code } from '@connectrpc/connect';
import { expect } from 'vitest';
import { DeliveryStatus, PaymentStatus, SimulatedOutcome } from '../../src/contract.ts';
import type { SimSession } from '../../src/index.ts';
import { startHeading } from './testing-page.ts';
import { isGenuine, type Way } from './testing-ways.ts';

/* What docs/testing.md says will happen. */

/** The payment, once it is not pending any more. */
async function settled({ session }: Way, paymentIntentId: string) {
  const read = async () => (await session.client.getPaymentStatus({ paymentIntentId })).payment;
  await expect.poll(async () => (await read())?.status).not.toBe(PaymentStatus.PENDING);
  return await read();
}

async function numberOfPayments({ session }: Way): Promise<number> {
  return (await session.client.listPayments({})).payments.length;
}

/** The last delivery, as soon as it is so. */
async function expectDelivery({ session }: Way, expected: object): Promise<void> {
  await expect.poll(async () => (await session.deliveries())[0]).toMatchObject(expected);
}

/** What the first webhooks say, of one field. */
async function told({ receiver }: Way, count: number, field: string): Promise<readonly unknown[]> {
  return (await receiver.waitFor(count)).map(({ body }) => body[field]);
}

const declined = { status: PaymentStatus.FAILED, failureCode: 'insufficient_funds' };
const order = { reservationId: 'reservation-1', userId: 'user-1', amount: { amount: 1n, currency: 'KRW' } };

/** By heading: makes the wish as the page does, and looks whether it has come true. */
export const outcomes: Readonly<Record<string, (way: Way) => Promise<void>>> = {
  async [startHeading](way) {
    const { id } = await way.pay();
    expect(await settled(way, id)).toMatchObject({ status: PaymentStatus.COMPLETED, sessionId: 'test-1' });
    await way.receiver.waitFor(1);
    for (const block of way.unrun()) {
      await way.run(block);
    }
  },

  async 'By a rule'(way) {
    await way.run();
    const { id } = await way.pay();
    expect(await settled(way, id)).toMatchObject({ ...declined, ruleId: expect.stringMatching(/^rul-/) });
    expect(await told(way, 1, 'failure_code')).toEqual(['insufficient_funds']);
  },

  async 'By a header'(way) {
    const { id } = await way.run();
    expect(await settled(way, id)).toMatchObject({ ...declined, ruleId: '', sessionId: 'test-1' });
  },

  async 'By a magic user'(way) {
    const { id } = await way.run();
    expect(await settled(way, id)).toMatchObject({ ...declined, ruleId: 'magic:sim_insufficient_funds' });
  },

  async Twice(way) {
    await way.run();
    await way.pay();
    expect(new Set(await told(way, 2, 'event_id')).size).toBe(1);
  },

  async Late(way) {
    await way.run();
    const { id } = await way.pay();
    const payment = await settled(way, id);
    const [webhook] = await way.receiver.waitFor(1);
    const settledAtMs = payment?.processedAt && timestampMs(payment.processedAt);
    expect((webhook?.atMs ?? 0) - (settledAtMs ?? 0)).toBeGreaterThanOrEqual(990);
  },

  async Never(way) {
    await way.run();
    const { id } = await way.pay();
    await settled(way, id);
    await expectDelivery(way, { status: DeliveryStatus.SIMULATED, attempts: [], faults: ['drop'] });
    expect(way.receiver.received).toEqual([]);
  },

  async 'Out of order'(way) {
    await way.run();
    const { id: paymentIntentId } = await way.pay();
    await settled(way, paymentIntentId);
    const refundAmount = { amount: 1_000n, currency: 'KRW' };
    await way.session.client.cancelPayment({ paymentIntentId, refundAmount });
    expect(await told(way, 2, 'sequence')).toEqual([2, 1]);
  },

  async Forged(way) {
    await way.run();
    await way.pay();
    await expectDelivery(way, {
      status: DeliveryStatus.SIMULATED,
      attempts: [{ fault: 'WRONG_SECRET', statusCode: 401 }],
    });
    way.receiver.answer.status = 204;
    await way.pay();
    await expectDelivery(way, { status: DeliveryStatus.DELIVERED, attempts: [{ fault: 'WRONG_SECRET' }] });
  },

  async Contradicting(way) {
    await way.run();
    const { id } = await way.pay();
    expect(await told(way, 2, 'status')).toEqual(['PAYMENT_STATUS_COMPLETED', 'PAYMENT_STATUS_FAILED']);
    expect(new Set(await told(way, 2, 'event_id')).size).toBe(2);
    expect(way.receiver.received.map(isGenuine)).toEqual([true, true]);
    expect(await settled(way, id)).toMatchObject({ status: PaymentStatus.COMPLETED });
  },

  async 'Fail, then succeed'(way) {
    await way.run();
    const answers = [await way.pay(), await way.pay(), await way.pay()];
    expect(answers.map(({ error }) => error)).toEqual(['unavailable', 'unavailable', undefined]);
    const { rules } = await way.session.simulator.listRules({});
    expect(rules.map(({ matched }) => matched)).toEqual([2n]);
    const another = way.session.client.createPaymentIntent({ ...order, reservationId: 'reservation-2' });
    await expect(another).rejects.toMatchObject({ code: Code.Unavailable });
  },

  async Down(way) {
    await way.run(0);
    expect((await way.pay()).error).toBe('unavailable');
    await expect(numberOfPayments(way)).rejects.toMatchObject({ code: Code.Unavailable });
    await way.run(1);
    expect(await numberOfPayments(way)).toBe(0);
    expect((await way.pay()).error).toBeUndefined();
  },

  async Slow(way) {
    await way.run();
    const startedAtMs = performance.now();
    expect((await way.pay()).error).toBeUndefined();
    expect(performance.now() - startedAtMs).toBeGreaterThanOrEqual(990);
    const impatient = way.session.client.createPaymentIntent(order, { timeoutMs: 100 });
    await expect(impatient).rejects.toMatchObject({ code: Code.DeadlineExceeded });
    expect(await numberOfPayments(way)).toBe(1);
  },

  async 'Cuts the connection'(way) {
    await way.run();
    expect((await way.pay()).error).toMatch(/^(exit 52|aborted)$/);
    expect(await numberOfPayments(way)).toBe(0);
    expect((await way.pay()).error).toBeUndefined();
  },

  async 'Answers after the fact'(way) {
    await way.run();
    expect((await way.pay()).error).toBe('unavailable');
    expect(await numberOfPayments(way)).toBe(1);
    expect((await way.pay()).error).toBeUndefined();
    expect(await numberOfPayments(way)).toBe(2);
    await way.run();
    const keyed = () => way.session.client.createPaymentIntent({ ...order, idempotencyKey: 'key-1' });
    await expect(keyed()).rejects.toMatchObject({ code: Code.Unavailable });
    await keyed();
    expect(await numberOfPayments(way)).toBe(3);
  },

  async 'Never settles'(way) {
    await way.run();
    const { id: paymentIntentId } = await way.pay();
    for await (const { what } of way.session.watch({ cursor: 'oldest' })) {
      if (what.case === 'transition') {
        const { payment, dueAt } = what.value;
        expect(payment?.status).toBe(PaymentStatus.PENDING);
        expect(dueAt === undefined || timestampMs(dueAt) > Date.now() + 86_400_000).toBe(true);
        break;
      }
    }
    const { status } = await way.session.client.processPayment({ paymentIntentId });
    expect(status).toBe(PaymentStatus.COMPLETED);
  },

  async Expires(way) {
    await way.run();
    const { id } = await way.pay();
    const payment = await settled(way, id);
    expect(payment?.status).toBe(PaymentStatus.EXPIRED);
    const [createdAt = 0, updatedAt = 0] = [payment?.createdAt, payment?.updatedAt].map(
      (time) => time && timestampMs(time),
    );
    expect(updatedAt - createdAt).toBeGreaterThanOrEqual(490);
    expect(await told(way, 1, 'status')).toEqual(['PAYMENT_STATUS_EXPIRED']);
  },

  async 'Without waiting'(way) {
    await way.session.rule({ simulation: { outcome: SimulatedOutcome.HOLD } });
    const { id } = await way.pay();
    const { output, id: timedId } = await way.run();
    if (typeof output === 'string') {
      expect((await settled(way, id))?.status).toBe(PaymentStatus.COMPLETED);
    } else {
      const { timed, transitions } = output as {
        readonly timed: SimSession;
        readonly transitions: readonly unknown[];
      };
      const { payment } = await timed.client.getPaymentStatus({ paymentIntentId: timedId });
      expect(payment?.status).toBe(PaymentStatus.COMPLETED);
      expect(transitions).toHaveLength(1);
    }
  },

  async List(way) {
    await way.pay();
    const [webhook] = await way.receiver.waitFor(1);
    await expectDelivery(way, { status: DeliveryStatus.DELIVERED });
    const { output } = await way.run();
    const { attempt } =
      typeof output === 'string'
        ? { attempt: (JSON.parse(output) as Listed).deliveries[0]?.attempts[0] }
        : (output as Partial<Record<'attempt', Listed['deliveries'][0]['attempts'][0]>>);
    expect(attempt?.body).toBe(webhook?.rawBody.toString());
    expect(webhook?.headers).toMatchObject(attempt?.headers ?? { missing: '' });
  },

  async 'Without a receiver'(way) {
    const { address } = await way.session.simulator.listReceived({});
    const { paymentIntentId } = await way.session.client.createPaymentIntent({
      ...order,
      webhookUrl: address,
    });
    await expectDelivery(way, { status: DeliveryStatus.DELIVERED });
    const { output } = await way.run();
    const received =
      typeof output === 'string'
        ? (JSON.parse(output) as { webhooks: readonly { verified: boolean; payment_intent_id: string }[] })
            .webhooks
        : [{ verified: (output as { isGenuine: boolean }).isGenuine, payment_intent_id: paymentIntentId }];
    expect(received).toMatchObject([{ verified: true, payment_intent_id: paymentIntentId }]);
  },

  async Watch(way) {
    await way.pay();
    const { output } = await way.run();
    if (typeof output === 'string') {
      const kinds = [...output.matchAll(/"kind": "ENTRY_KIND_(\w+)"/g)].map(([, kind]) => kind);
      expect(new Set(kinds)).toEqual(new Set(['CALL', 'TRANSITION', 'DELIVERY']));
    }
    // Leaving the loop ends the call: the session can be watched as often as one likes.
    await way.run();
  },

  async 'Events of a payment'(way) {
    const { id } = await way.pay();
    await way.receiver.waitFor(1);
    await expectDelivery(way, { status: DeliveryStatus.DELIVERED });
    const before = way.receiver.received.length;
    const { id: sentAgain } = await way.run();
    await expect
      .poll(async () => (await way.session.deliveries({ paymentIntentId: sentAgain }))[0]?.attempts.length)
      .toBe(2);
    const ids = await told(way, before + (sentAgain === id ? 1 : 2), 'event_id');
    expect(ids.at(-1)).toBe(ids.at(-2));
  },

  async 'What was given up'(way) {
    way.receiver.answer.status = 410;
    await way.pay();
    await expectDelivery(way, { status: DeliveryStatus.GIVEN_UP });
    way.receiver.answer.status = 204;
    await way.run();
    await expectDelivery(way, { status: DeliveryStatus.DELIVERED });
    expect(new Set(await told(way, 2, 'event_id')).size).toBe(1);
  },

  async 'By its header'(way) {
    await way.session.rule({ simulation: { failureCode: 'insufficient_funds' } });
    const { id } = await way.run();
    expect(await settled(way, id)).toMatchObject({ status: PaymentStatus.COMPLETED, sessionId: 'test-2' });
  },

  async 'Through another service'(way) {
    const { id } = await way.run();
    expect(await settled(way, id)).toMatchObject({ sessionId: 'test-1' });
  },

  async 'Clean up'(way) {
    const rule = await way.session.rule({ simulation: { failureCode: 'insufficient_funds' } });
    const { id } = await way.pay();
    await settled(way, id);
    await way.run();
    await expect(way.session.client.getPaymentStatus({ paymentIntentId: id })).rejects.toMatchObject({
      code: Code.NotFound,
    });
    const { rules } = await way.session.simulator.listRules({});
    expect(rules.map(({ ruleId }) => ruleId)).not.toContain(rule.ruleId);
    expect(await way.session.deliveries()).toEqual([]);
  },
};

interface Listed {
  readonly deliveries: readonly {
    readonly attempts: readonly { readonly body: string; readonly headers: Record<string, string> }[];
  }[];
}
