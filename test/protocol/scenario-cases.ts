import { expect } from 'vitest';
import type { Scenario } from '../../src/payment/payment.ts';
import type { JsonObject } from '../support/clients/payment-client.ts';
import { createPayment, type PaymentCase, readPayment, txn } from './case-context.ts';

interface ScenarioRow {
  readonly name: string;
  readonly essential?: boolean;
  /** The fields of the request that choose what happens. */
  readonly request: JsonObject;
  readonly env?: Readonly<Record<string, string>>;
  /** What the random source draws. */
  readonly draw?: number;
  readonly scenario: Scenario;
  readonly settlesAfterMs: number;
  readonly status: 'COMPLETED' | 'FAILED';
}

const rows: readonly ScenarioRow[] = [
  {
    name: 'no scenario is the default one, approve',
    essential: true,
    request: {},
    scenario: 'APPROVE',
    settlesAfterMs: 2_000,
    status: 'COMPLETED',
  },
  {
    name: 'unspecified is the default one as well',
    request: { scenario: 'PAYMENT_SCENARIO_UNSPECIFIED' },
    scenario: 'APPROVE',
    settlesAfterMs: 2_000,
    status: 'COMPLETED',
  },
  {
    name: 'DEFAULT_SCENARIO and DEFAULT_DELAY_MS decide what the default is',
    request: {},
    env: { DEFAULT_SCENARIO: 'fail', DEFAULT_DELAY_MS: '700' },
    scenario: 'FAIL',
    settlesAfterMs: 700,
    status: 'FAILED',
  },
  {
    name: 'approve completes',
    request: { scenario: 'PAYMENT_SCENARIO_APPROVE' },
    scenario: 'APPROVE',
    settlesAfterMs: 2_000,
    status: 'COMPLETED',
  },
  {
    name: 'a scenario may be given by its number',
    request: { scenario: 2 },
    scenario: 'FAIL',
    settlesAfterMs: 2_000,
    status: 'FAILED',
  },
  {
    name: 'fail fails',
    essential: true,
    request: { scenario: 'PAYMENT_SCENARIO_FAIL' },
    scenario: 'FAIL',
    settlesAfterMs: 2_000,
    status: 'FAILED',
  },
  {
    name: 'delay completes late',
    request: { scenario: 'PAYMENT_SCENARIO_DELAY' },
    scenario: 'DELAY',
    settlesAfterMs: 10_000,
    status: 'COMPLETED',
  },
  {
    name: 'DELAY_SCENARIO_MS decides how late',
    request: { scenario: 'PAYMENT_SCENARIO_DELAY' },
    env: { DELAY_SCENARIO_MS: '60000' },
    scenario: 'DELAY',
    settlesAfterMs: 60_000,
    status: 'COMPLETED',
  },
  {
    name: 'random fails below the failure rate',
    request: { scenario: 'PAYMENT_SCENARIO_RANDOM' },
    draw: 0.499,
    scenario: 'RANDOM',
    settlesAfterMs: 2_000,
    status: 'FAILED',
  },
  {
    name: 'random completes from the failure rate on',
    request: { scenario: 'PAYMENT_SCENARIO_RANDOM' },
    draw: 0.5,
    scenario: 'RANDOM',
    settlesAfterMs: 2_000,
    status: 'COMPLETED',
  },
  {
    name: 'delay_ms overrides the delay of the scenario',
    essential: true,
    request: { scenario: 'PAYMENT_SCENARIO_DELAY', simulation: { delay_ms: 30 } },
    scenario: 'DELAY',
    settlesAfterMs: 30,
    status: 'COMPLETED',
  },
  {
    name: 'delay_ms 0 is not the default delay',
    request: { scenario: 'PAYMENT_SCENARIO_FAIL', simulation: { delay_ms: 0 } },
    scenario: 'FAIL',
    settlesAfterMs: 0,
    status: 'FAILED',
  },
  {
    name: 'simulation without delay_ms changes nothing',
    request: { simulation: {} },
    scenario: 'APPROVE',
    settlesAfterMs: 2_000,
    status: 'COMPLETED',
  },
];

/** A payment is PENDING until its time has come, to the millisecond, and then as its scenario says. */
export const scenarioCases: readonly PaymentCase[] = rows.map(toCase);

function toCase(row: ScenarioRow): PaymentCase {
  return {
    name: `scenario: ${row.name}`,
    essential: row.essential ?? false,
    alone: true,
    service: row.env === undefined ? undefined : { env: row.env },
    async run({ client, clock, setRandomDraw }) {
      setRandomDraw(row.draw ?? 0);
      const createdAt = new Date(clock.now()).toISOString();
      const paymentId = await createPayment(client, row.request);
      const pending = {
        payment_intent_id: paymentId,
        payment_id: paymentId,
        reservation_id: 'reservation-1',
        user_id: 'user-1',
        status: 'PAYMENT_STATUS_PENDING',
        amount: { amount: '120000', currency: 'KRW' },
        scenario: `PAYMENT_SCENARIO_${row.scenario}`,
        created_at: createdAt,
        updated_at: createdAt,
      };
      if (row.settlesAfterMs > 0) {
        await clock.advance(row.settlesAfterMs - 1);
        expect(await readPayment(client, paymentId)).toEqual(pending);
        await clock.advance(1);
      } else {
        await clock.advance(0);
      }
      const settledAt = new Date(clock.now()).toISOString();
      expect(await readPayment(client, paymentId)).toEqual({
        ...pending,
        status: `PAYMENT_STATUS_${row.status}`,
        updated_at: settledAt,
        processed_at: settledAt,
        transaction_id: txn,
        ...(row.status === 'FAILED' ? { failure_code: 'card_declined' } : {}),
      });
    },
  };
}
