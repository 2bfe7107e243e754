import { expect, test } from 'vitest';
import { startService } from '../support/start-service.ts';
import { startWebhookReceiver } from '../support/webhook-receiver.ts';
import { type ConnectCaller, createConnectCaller, createPayment, intentMessage } from './connect-json.ts';

const seeded = {
  EVENTBRIDGE: 'off',
  RANDOM_SEED: '7',
  DEFAULT_SCENARIO: 'random',
  DEFAULT_DELAY_MS: '86400000',
  WEBHOOK_RETRY_BASE_MS: '1',
  SHUTDOWN_GRACE_MS: '0',
};

const seats = Array.from({ length: 30 }, (_, seat) => `seat-${seat}`);

async function settle(call: ConnectCaller, id: string): Promise<unknown> {
  const { body } = await call('ProcessPayment', { payment_intent_id: id });
  return body['status'];
}

/** The outcome of one payment for each seat, one after the other. */
async function outcomesInOrder(): Promise<Map<string, unknown>> {
  const service = await startService(seeded);
  const call = createConnectCaller(service.apiUrl, 2);
  const outcomes = new Map<string, unknown>();
  for (const seat of seats) {
    outcomes.set(seat, await settle(call, await createPayment(call, { reservation_id: seat })));
  }
  return outcomes;
}

test('with a seed a payment has the same outcome again, whatever else happens around it', async () => {
  const expected = await outcomesInOrder();
  expect(new Set(expected.values()).size).toBe(2);

  const receiver = await startWebhookReceiver((response) => response.writeHead(404).end());
  const service = await startService({ ...seeded, MAX_PAYMENTS: '20' });
  const call = createConnectCaller(service.apiUrl, 10);
  const outcomes = new Map<string, unknown>();
  /** Resolves with the seats that there was no room for. */
  const createAll = async (wanted: readonly string[]) => {
    const refused: string[] = [];
    const created = await Promise.all(
      wanted.map(async (seat) => {
        const { httpStatus, body } = await call(
          'CreatePaymentIntent',
          intentMessage({ reservation_id: seat, webhook_url: receiver.url }),
        );
        if (httpStatus === 200) {
          return { seat, id: String(body['payment_intent_id']) };
        }
        expect(body['code']).toBe('resource_exhausted');
        refused.push(seat);
        return undefined;
      }),
    );
    for (const payment of created.filter((one) => one !== undefined)) {
      outcomes.set(payment.seat, await settle(call, payment.id));
    }
    return refused;
  };
  const refused = await createAll(seats.toReversed());
  expect(refused).toHaveLength(10);
  await receiver.waitFor(40); // Webhooks fail and are sent again.
  expect(await createAll(refused)).toEqual([]);
  expect(Object.fromEntries(outcomes)).toEqual(Object.fromEntries(expected));
});
