import { expect, onTestFinished } from 'vitest';
import type { AppOverrides } from '../../src/app/basics.ts';
import type { JsonObject } from './clients/payment-client.ts';
import {
  createJsonSteeringClient,
  type SteeredAnswer,
  type SteeringClient,
} from './clients/steering-client.ts';
import { createFakeClock } from './fake-clock.ts';
import { launchService } from './start-service.ts';

/* What tests of steering have in common: a service whose time stands still, and words for what they ask of it. */

/** A request that nothing is wrong with. */
export function intent(change: JsonObject = {}): JsonObject {
  return {
    reservation_id: 'reservation-1',
    user_id: 'user-1',
    amount: { amount: '120000', currency: 'KRW' },
    ...change,
  };
}

/** The header that names a session. */
export function inSession(key: string): Readonly<Record<string, string>> {
  return { 'payment-sim-session': key };
}

/** A service that a test steers. */
export type SteeredService = Awaited<ReturnType<typeof launchSteered>>;

/** Starts a service whose clocks stand still until they are moved; it stops when the test is finished. */
export async function startSteered(
  env: Readonly<Record<string, string>> = {},
  overrides: AppOverrides = {},
): Promise<SteeredService> {
  const sim = await launchSteered(env, overrides);
  onTestFinished(() => sim.app.stop());
  return sim;
}

/** As `startSteered`, but stopping it is left to the caller (for `beforeAll`). */
export async function launchSteered(
  env: Readonly<Record<string, string>> = {},
  overrides: AppOverrides = {},
) {
  const clock = createFakeClock();
  const service = await launchService(
    { SHUTDOWN_GRACE_MS: '0', ...env },
    { clock, machine: clock, ...overrides },
  );
  const client = createJsonSteeringClient(service.apiUrl);
  return { ...service, clock, client, ...steeringOf(client) };
}

/** Keeps a client until the test is finished. */
export function closing<T extends { close(): void }>(client: T): T {
  onTestFinished(() => client.close());
  return client;
}

/** What tests ask of a service, in one session or none. */
export function steeringOf({ call }: Pick<SteeringClient, 'call'>) {
  /** Makes a call that must be carried out. */
  async function done(
    method: string,
    request: JsonObject,
    session?: string,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<JsonObject> {
    const ofSession = session === undefined ? {} : inSession(session);
    return messageOf(await call(method, request, { ...ofSession, ...headers }));
  }
  /** @returns the id of the payment. */
  async function create(change: JsonObject = {}, session?: string, headers = {}): Promise<string> {
    const created = await done('CreatePaymentIntent', intent(change), session, headers);
    return idOf(created);
  }
  async function payment(id: string): Promise<JsonObject> {
    return (await done('GetPaymentStatus', { payment_intent_id: id }))['payment'] as JsonObject;
  }
  return {
    call,
    done,
    create,
    payment,
    /** @returns the id of the rule. */
    async rule(rule: JsonObject, session?: string): Promise<string> {
      const { rule: created } = await done('CreateRule', { rule }, session);
      return (created as JsonObject)['rule_id'] as string;
    },
    /** How a payment ends that is made so: its status, and why if it failed. */
    async outcome(change: JsonObject = {}, session?: string, headers = {}): Promise<string> {
      const id = await create(change, session, headers);
      await done('ProcessPayment', { payment_intent_id: id });
      return describeOutcome(await payment(id));
    },
    /** The ids of the payments in a session; `*`: in all. */
    async list(session?: string): Promise<readonly string[]> {
      const { payments = [] } = await done('ListPayments', {}, session);
      return (payments as JsonObject[]).map(idOf);
    },
    async rules(session?: string): Promise<readonly JsonObject[]> {
      const { rules = [] } = await done('ListRules', {}, session);
      return rules as JsonObject[];
    },
  };
}

/** The id of the payment that an answer, or a payment itself, has. */
export function idOf({ payment_intent_id: id }: JsonObject): string {
  return id as string;
}

/** `COMPLETED`, or `FAILED: card_declined`. */
export function describeOutcome({ status, failure_code: code = '' }: JsonObject): string {
  const name = (status as string).replace('PAYMENT_STATUS_', '');
  return code === '' ? name : `${name}: ${code as string}`;
}

/** The message of a call that was carried out. */
export function messageOf({ code, text, message }: SteeredAnswer): JsonObject {
  expect([code, text]).toEqual(['OK', '']);
  return message;
}

/** The rule that every test of faults knows: it fails a method. */
export function failing(method: string, api: JsonObject, more: JsonObject = {}): JsonObject {
  return { match: { method }, simulation: { api }, ...more };
}
