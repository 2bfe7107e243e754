import { expect } from 'vitest';
import type { AppOverrides } from '../../src/app/basics.ts';
import type { JsonObject, Method, PaymentClient, Violation } from '../support/clients/payment-client.ts';
import type { FakeClock } from '../support/fake-clock.ts';

/** What a case works with. */
export interface CaseContext {
  readonly client: PaymentClient;
  readonly clock: FakeClock;
  /** What the service's random source draws from now on. */
  readonly setRandomDraw: (value: number) => void;
  /** Log lines of the service with this message. */
  readonly logs: (message: string) => Record<string, unknown>[];
}

/** One thing that the service promises, whichever protocol it is asked by. */
export interface PaymentCase {
  readonly name: string;
  /** Also checked with clients that are slow to start. */
  readonly essential?: boolean;
  /** Moves the clock or draws random numbers, so that no other case may run meanwhile. */
  readonly alone?: boolean;
  /** Needs a service of its own, configured like this. */
  readonly service?:
    { readonly env?: Readonly<Record<string, string>>; readonly overrides?: AppOverrides } | undefined;
  run(context: CaseContext): Promise<void>;
}

export const pay = expect.stringMatching(/^pay-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/) as string;
export const txn = expect.stringMatching(/^txn-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/) as string;

/** A request that nothing is wrong with, with these fields set differently; undefined leaves one out. */
export function validCreate(changes: JsonObject = {}): JsonObject {
  return {
    reservation_id: 'reservation-1',
    user_id: 'user-1',
    amount: { amount: '120000', currency: 'KRW' },
    ...changes,
  };
}

/** Makes a call that must succeed. */
export async function succeed(
  client: PaymentClient,
  method: Method,
  request: JsonObject,
): Promise<JsonObject> {
  const outcome = await client.call(method, request);
  if (!outcome.ok) {
    throw new Error(`${method} answered ${outcome.code}: ${outcome.message}`);
  }
  return outcome.message;
}

/** Makes a call that must be refused. */
export async function refuse(
  client: PaymentClient,
  method: Method,
  request: JsonObject,
): Promise<{ readonly code: string; readonly message: string; readonly violations: readonly Violation[] }> {
  const outcome = await client.call(method, request);
  if (outcome.ok) {
    throw new Error(`${method} succeeded: ${JSON.stringify(outcome.message)}`);
  }
  return outcome;
}

/** Creates a payment and gives its id. */
export async function createPayment(client: PaymentClient, changes: JsonObject = {}): Promise<string> {
  const message = await succeed(client, 'CreatePaymentIntent', validCreate(changes));
  expect(message).toEqual({ payment_intent_id: pay, status: 'PAYMENT_STATUS_PENDING' });
  return message['payment_intent_id'] as string;
}

/** Reads a payment. */
export async function readPayment(client: PaymentClient, paymentId: string): Promise<JsonObject> {
  const message = await succeed(client, 'GetPaymentStatus', { payment_intent_id: paymentId });
  expect(Object.keys(message)).toEqual(['payment']);
  return message['payment'] as JsonObject;
}
