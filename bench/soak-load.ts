import { Pool } from 'undici';

/** What was asked and answered. */
export interface SoakCounts {
  calls: number;
  created: number;
  withWebhook: number;
  failures: string[];
}

/** On a machine that is too slow for the rate, fewer calls are made: they do not pile up on this side. */
const maxInFlight = 500;

/**
 * Mixed load at a steady rate: of ten calls six create (one in three with a webhook), three read what
 * was created last, one settles it. Each on whichever of 50 connections is free.
 */
export async function runLoad(options: {
  readonly apiUrl: string;
  readonly webhookUrl: string;
  readonly callsPerSecond: number;
  readonly seconds: number;
}): Promise<SoakCounts> {
  const { callsPerSecond, seconds, webhookUrl } = options;
  const counts: SoakCounts = { calls: 0, created: 0, withWebhook: 0, failures: [] };
  const pool = new Pool(options.apiUrl, { connections: 50 });
  let lastId = '';

  async function call(method: string, message: object): Promise<Record<string, unknown>> {
    counts.calls += 1;
    const { statusCode, body } = await pool.request({
      method: 'POST',
      path: `/payment.v1.PaymentService/${method}`,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(message),
    });
    const answer = (await body.json()) as Record<string, unknown>;
    if (statusCode !== 200) {
      counts.failures.push(`${method}: ${statusCode} ${JSON.stringify(answer)}`);
    }
    return answer;
  }

  async function create(webhook: boolean): Promise<void> {
    const answer = await call('CreatePaymentIntent', {
      reservation_id: 'reservation-1',
      user_id: 'user-1',
      amount: { amount: 120_000, currency: 'KRW' },
      scenario: 'PAYMENT_SCENARIO_RANDOM',
      ...(webhook ? { webhook_url: webhookUrl } : {}),
    });
    counts.created += 1;
    counts.withWebhook += webhook ? 1 : 0;
    lastId = String(answer['payment_intent_id']);
  }

  async function oneCall(n: number): Promise<void> {
    const turn = n % 10;
    if (lastId === '' || turn < 6) {
      await create(turn % 3 === 0);
    } else {
      await call(turn === 9 ? 'ProcessPayment' : 'GetPaymentStatus', { payment_intent_id: lastId });
    }
  }

  const startedAt = performance.now();
  const inFlight = new Set<Promise<void>>();
  for (let sent = 0; ;) {
    const elapsed = (performance.now() - startedAt) / 1000;
    if (elapsed >= seconds) {
      break;
    }
    for (; sent < elapsed * callsPerSecond && inFlight.size < maxInFlight; sent += 1) {
      const one: Promise<void> = oneCall(sent)
        .catch((error: unknown) => void counts.failures.push(String(error)))
        .finally(() => inFlight.delete(one));
      inFlight.add(one);
    }
    await new Promise((resolve) => {
      setTimeout(resolve, 10);
    });
  }
  await Promise.all(inFlight);
  await pool.close();
  return counts;
}
