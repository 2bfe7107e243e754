import { expect } from 'vitest';
import type { JsonObject } from './clients/payment-client.ts';
import {
  createGrpcSteeringClient,
  createJsonSteeringClient,
  type SteeringClient,
} from './clients/steering-client.ts';
import { closing, describeOutcome, inSession, intent, steeringOf } from './steering.ts';

/* Test cases that share one simulator: each has a session, rules and an outcome of its own, and all else alike. */

/** A test case; `sim` spreads its calls over all replicas. */
interface SteeredCase {
  readonly index: number;
  readonly session: string;
  readonly sim: ReturnType<typeof steeringOf>;
}

// The same of everybody: what is not told apart by its session is another's.
const shared = { idempotency_key: 'key-1' };

/** What is made of a case: rules, then payments, and what has to come of them. */
const kinds: readonly ((one: SteeredCase) => Promise<number>)[] = [
  /** Declined once, then paid. */
  async ({ index, session, sim }) => {
    await sim.rule({ rule_id: 'rule', simulation: { failure_code: `code_${index}` }, times: 1 }, session);
    expect(await outcomeOf(sim, await sim.create(shared, session))).toBe(`FAILED: code_${index}`);
    expect(await outcomeOf(sim, await sim.create({}, session))).toBe('COMPLETED');
    return 2;
  },
  /** Its answer is an error twice, then the payment is made. */
  async ({ index, session, sim }) => {
    const api = { code: 'UNAVAILABLE', message: `message ${index}` };
    await sim.rule({ rule_id: 'rule', simulation: { api }, times: 2 }, session);
    const codes: string[] = [];
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const { code, text } = await sim.call('CreatePaymentIntent', intent(shared), inSession(session));
      codes.push(`${code} ${text}`);
    }
    const error = `UNAVAILABLE message ${index}`;
    expect(codes).toEqual([error, error, 'OK ']);
    return 1;
  },
  /** Its answer is lost, and the key finds the payment again. */
  async ({ session, sim }) => {
    const api = { code: 'INTERNAL', when: 'SIMULATED_ERROR_TIME_AFTER' };
    await sim.rule({ rule_id: 'rule', simulation: { api }, times: 1 }, session);
    const lost = await sim.call('CreatePaymentIntent', intent(shared), inSession(session));
    expect(lost.code).toBe('INTERNAL');
    expect([await sim.create(shared, session)]).toEqual(await sim.list(session));
    return 1;
  },
  /** Says so in its default, and a rule comes before that. */
  async ({ index, session, sim }) => {
    const outcome = 'SIMULATED_OUTCOME_DECLINE';
    await sim.done('UpdateSession', { session: { default: { failure_code: `default_${index}` } } }, session);
    expect(await outcomeOf(sim, await sim.create(shared, session))).toBe(`FAILED: default_${index}`);
    await sim.rule({ rule_id: 'rule', simulation: { outcome, failure_code: `rule_${index}` } }, session);
    expect(await outcomeOf(sim, await sim.create({}, session))).toBe(`FAILED: rule_${index}`);
    return 2;
  },
];

async function outcomeOf(sim: SteeredCase['sim'], id: string): Promise<string> {
  await sim.done('ProcessPayment', { payment_intent_id: id });
  return describeOutcome(await sim.payment(id));
}

/**
 * Runs so many cases at the same time against one simulator, half of them by grpc-js and half in Connect's JSON;
 * in the end each sees what is its own and nothing else.
 *
 * @param urls of the replicas, which have one state.
 */
export async function runSteeredCases(urls: readonly string[], count: number): Promise<void> {
  const grpc = urls.map((url) => closing(createGrpcSteeringClient(url)));
  const json = urls.map((url) => createJsonSteeringClient(url));
  await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const clients = index % 2 === 0 ? grpc : json;
      const session = `case ${index}`;
      await runCase({ index, session, sim: steeringOf(spread(clients, index)) });
    }),
  );
}

/** Each call goes to the next replica. */
function spread(clients: readonly SteeringClient[], from: number): Pick<SteeringClient, 'call'> {
  let next = from;
  return {
    call(...args) {
      next += 1;
      const client = clients[next % clients.length];
      if (client === undefined) {
        throw new Error('no replica');
      }
      return client.call(...args);
    },
  };
}

async function runCase(one: SteeredCase): Promise<void> {
  const { index, session, sim } = one;
  const kind = kinds[Math.floor(index / 2) % kinds.length];
  const payments = (await kind?.(one)) ?? 0;
  const ids = await sim.list(session);
  expect(ids).toHaveLength(payments);
  for (const id of ids) {
    expect(await sim.payment(id)).toMatchObject({ session_id: session });
  }
  expect((await sim.rules(session)).map(({ rule_id: id }) => id)).toEqual(['rule']);
  const { counters } = await sim.done('GetSession', {}, session);
  expect(counters as JsonObject).toMatchObject({ payments, rules: 1 });
  if (index % 3 === 0) {
    const { payments: removed } = await sim.done('ResetSession', {}, session);
    expect([removed, await sim.list(session), await sim.rules(session)]).toEqual([payments, [], []]);
  }
}
