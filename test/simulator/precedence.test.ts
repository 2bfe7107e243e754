import { expect, describe, test } from 'vitest';
import type { JsonObject } from '../support/clients/payment-client.ts';
import {
  inSession,
  intent,
  startSteered,
  type SteeredService,
  idOf,
  describeOutcome,
} from '../support/steering.ts';

/* Who is heard when several say what shall happen: each field from the first that has it. */

/** Those who may say it, the first to be heard first. */
const speakers = ['request', 'header', 'newer rule', 'older rule', 'default'] as const;
type Speaker = (typeof speakers)[number];
type Sayings = Readonly<Partial<Record<Speaker, JsonObject>>>;

const session = 'session-1';

/** Has everybody say what they have to say, and makes the payment; the answer of the call. */
async function createAs(sim: SteeredService, sayings: Sayings, change: JsonObject = {}) {
  if (sayings.default !== undefined) {
    await sim.done('UpdateSession', { session: { default: sayings.default } }, session);
  }
  for (const speaker of ['older rule', 'newer rule'] as const) {
    const simulation = sayings[speaker];
    if (simulation !== undefined) {
      await sim.rule({ rule_id: speaker, simulation }, session);
    }
  }
  const { request, header } = sayings;
  return await sim.call(
    'CreatePaymentIntent',
    intent({ ...change, ...(request && { simulation: request }) }),
    {
      ...inSession(session),
      ...(header && { 'payment-sim-behavior': JSON.stringify(header) }),
    },
  );
}

/** A field that everybody gives another value, and how it is seen which one was heard. */
interface Field {
  readonly name: string;
  readonly say: (index: number) => JsonObject;
  readonly see: (sim: SteeredService, sayings: Sayings, index: number) => Promise<unknown>;
}

const fields: readonly Field[] = [
  {
    name: 'failure_code',
    say: (index) => ({ failure_code: `code_${index}` }),
    async see(sim, sayings) {
      const { message } = await createAs(sim, sayings);
      await sim.done('ProcessPayment', pick(message));
      return (await sim.payment(idOf(message)))['failure_code'];
    },
  },
  {
    name: 'delay_ms',
    say: (index) => ({ delay_ms: (index + 1) * 10_000 }),
    async see(sim, sayings, index) {
      const { message } = await createAs(sim, sayings);
      await sim.clock.advance((index + 1) * 10_000 - 1);
      expect(await sim.payment(idOf(message))).toMatchObject({ status: 'PAYMENT_STATUS_PENDING' });
      await sim.clock.advance(1);
      const { status } = await sim.payment(idOf(message));
      return status === 'PAYMENT_STATUS_COMPLETED' ? `code_${index}` : status;
    },
  },
  {
    name: 'api',
    say: (index) => ({ api: { code: 'ABORTED', message: `code_${index}` } }),
    see: async (sim, sayings) => (await createAs(sim, sayings)).text,
  },
  {
    name: 'refund',
    say: (index) => ({ refund: { failure_code: `code_${index}` } }),
    async see(sim, sayings) {
      const { message } = await createAs(sim, sayings);
      await sim.done('ProcessPayment', pick(message));
      const { code, text } = await sim.call('CancelPayment', pick(message));
      expect(code).toBe('FAILED_PRECONDITION');
      return /code_\d/.exec(text)?.[0];
    },
  },
];

function pick({ payment_intent_id: id }: JsonObject): JsonObject {
  return { payment_intent_id: id };
}

describe.each(fields)('$name', ({ say, see }) => {
  test.each(speakers.map((speaker, index) => ({ speaker, index })))(
    'is that of the $speaker, when nobody before says anything',
    async ({ index }) => {
      const sim = await startSteered({ DEFAULT_DELAY_MS: '86400000', DEFAULT_SCENARIO: 'fail' });
      const speaking = speakers.map((speaker, at) => [speaker, say(at)] as const).slice(index);
      // A failure code goes with a decline alone, and money is given back only where some was paid.
      const scenario = { scenario: 'PAYMENT_SCENARIO_APPROVE' };
      const sayings = Object.fromEntries(speaking) as Sayings;
      const withScenario = { ...sim, ...scenarioOf(sim, scenario) };
      expect(await see(withScenario, sayings, index)).toBe(`code_${index}`);
    },
  );
});

/** The service, with this scenario in every create. */
function scenarioOf(sim: SteeredService, scenario: JsonObject): Pick<SteeredService, 'call'> {
  return {
    call: (method, request = {}, headers = {}) =>
      sim.call(method, method === 'CreatePaymentIntent' ? { ...scenario, ...request } : request, headers),
  };
}

describe('who says nothing of the outcome', () => {
  const fail = { DEFAULT_SCENARIO: 'fail' };

  test.each([
    [
      'the session’s default comes before the scenario',
      { default: { outcome: 'SIMULATED_OUTCOME_APPROVE' } },
      'FAIL',
      'COMPLETED',
    ],
    ['the scenario comes before the server’s', {}, 'APPROVE', 'COMPLETED'],
    ['the server’s comes last', {}, undefined, 'FAILED: card_declined'],
    [
      'a delay alone leaves the outcome to the scenario',
      { request: { delay_ms: 5 } },
      'APPROVE',
      'COMPLETED',
    ],
    [
      'a failure code in the header fails what the scenario approves',
      { header: { failure_code: 'x' } },
      'APPROVE',
      'FAILED: x',
    ],
  ] as const)('%s', async (_what, sayings: Sayings, scenario, outcome) => {
    const sim = await startSteered(fail);
    const change = scenario === undefined ? {} : { scenario: `PAYMENT_SCENARIO_${scenario}` };
    const { message } = await createAs(sim, sayings, change);
    await sim.done('ProcessPayment', pick(message));
    expect(describeOutcome(await sim.payment(idOf(message)))).toBe(outcome);
  });
});

test('each field may be that of another, and answer and payment name the rules that decided', async () => {
  const sim = await startSteered();
  const answer = await createAs(sim, {
    request: { delay_ms: 7_000 },
    header: { refund: { failure_code: 'of_header' } },
    'newer rule': { outcome: 'SIMULATED_OUTCOME_APPROVE' },
    'older rule': { outcome: 'SIMULATED_OUTCOME_DECLINE', failure_code: 'unheard', delay_ms: 1 },
    default: {
      delay_ms: 2,
      api: { code: 'ABORTED', when: 'SIMULATED_ERROR_TIME_AFTER', message: 'of default' },
    },
  });
  expect(answer).toMatchObject({ code: 'ABORTED', text: 'of default', rule: 'newer rule' });
  // Or the default would answer the next calls as well.
  await sim.done('UpdateSession', { session: {} }, session);
  const [id = ''] = await sim.list(session);
  await sim.clock.advance(6_999);
  expect(await sim.payment(id)).toMatchObject({ status: 'PAYMENT_STATUS_PENDING', rule_id: 'newer rule' });
  await sim.clock.advance(1);
  expect(await sim.payment(id)).toMatchObject({ status: 'PAYMENT_STATUS_COMPLETED' });
  const refund = await sim.call('CancelPayment', { payment_intent_id: id });
  expect(refund.text).toContain('of_header');
});

test('a rule that would add nothing is not counted', async () => {
  const sim = await startSteered();
  const answer = await createAs(sim, {
    'newer rule': { outcome: 'SIMULATED_OUTCOME_APPROVE', delay_ms: 9_000 },
    'older rule': { failure_code: 'unheard' },
  });
  expect(answer).toMatchObject({ code: 'OK', rule: 'newer rule' });
  expect(await sim.payment(idOf(answer.message))).toMatchObject({
    rule_id: 'newer rule',
    session_id: session,
  });
  expect(await sim.rules(session)).toMatchObject([{ matched: '1' }, { rule_id: 'older rule' }]);
  expect((await sim.rules(session))[1]).not.toHaveProperty('matched');
});
