import type { SimClock } from '../base/clock.ts';
import type { IdGenerator } from '../base/ids.ts';
import { eventIdOf } from './cancellation.ts';
import { contradict } from './contradiction.ts';
import type { PaymentEvent } from './event.ts';
import { firstEvent, toldRefund } from './lifecycle.ts';
import { conflict, findPayment } from './lookup.ts';
import {
  isSettled,
  type PaymentStatus,
  type PendingPayment,
  type SettledPayment,
  type SettledStatus,
} from './payment.ts';
import type { Payments } from './ports.ts';
import { settleAs } from './settlement.ts';
import { add, requireId, throwIfAny, type Violations } from './violations.ts';
import { wantedDelaySeconds, wantedStatus } from './wanted-values.ts';
import { nowOf } from './session-time.ts';

/** SimulateWebhook as it came in. */
export interface SimulateWebhookInput {
  readonly paymentId: string;
  readonly target: PaymentStatus | undefined | 'unknown';
  readonly delaySeconds: number;
  readonly force: boolean;
}

/** What goes out. */
export interface SimulatedWebhook {
  readonly hasWebhook: boolean;
  /** Empty when the event is made later, with the outcome. */
  readonly eventId: string;
  readonly atMs: number;
}

interface WebhookSimulationDeps {
  readonly clock: SimClock;
  readonly newId: IdGenerator;
  readonly payments: Payments;
}

interface Wanted {
  readonly target: SettledStatus;
  readonly delayMs: number;
  readonly force: boolean;
}

/** A payment that is settling at this moment has settled after a try or two. */
const maxTries = 10;
const maxDelaySeconds = 86_400;

/**
 * Gives a pending payment its outcome, or sends what tells of a settled one again.
 *
 * @throws PaymentError `conflict` for a payment with another outcome, unless that is asked for.
 */
export async function simulateWebhook(
  deps: WebhookSimulationDeps,
  input: SimulateWebhookInput,
): Promise<SimulatedWebhook> {
  const wanted = validate(input);
  const { paymentId } = input;
  for (let tries = 0; tries < maxTries; tries += 1) {
    const payment = await findPayment(deps.payments, { paymentId, userId: '' });
    const simulated = isSettled(payment)
      ? await tellAgain(deps, payment, wanted)
      : await giveOutcome(deps, payment, wanted);
    if (simulated !== undefined) {
      return simulated;
    }
  }
  throw conflict(paymentId, 'is settling at this moment; try again');
}

/** Undefined when it has settled meanwhile. */
async function giveOutcome(
  { clock, newId, payments }: WebhookSimulationDeps,
  pending: PendingPayment,
  { target, delayMs }: Wanted,
): Promise<SimulatedWebhook | undefined> {
  const { id, webhookUrl } = pending;
  if (target === 'REFUNDED') {
    throw conflict(id, 'is PENDING and cannot be REFUNDED; let it be COMPLETED first');
  }
  const hasWebhook = webhookUrl !== undefined;
  const atMs = nowOf(clock, pending) + delayMs;
  if (delayMs > 0) {
    return (await payments.reschedule(id, atMs, target)) ? { hasWebhook, eventId: '', atMs } : undefined;
  }
  const done = await payments.transition(id, (payment) =>
    isSettled(payment) ? undefined : settleAs(payment, target, atMs, newId),
  );
  return done?.changed === true && isSettled(done.payment)
    ? { hasWebhook, eventId: done.payment.eventId, atMs }
    : undefined;
}

async function tellAgain(
  { clock, newId, payments }: WebhookSimulationDeps,
  payment: SettledPayment,
  { target, delayMs, force }: Wanted,
): Promise<SimulatedWebhook> {
  if (payment.status !== target && !force) {
    throw conflict(
      payment.id,
      `is ${payment.status}, not ${target}; with force_trigger a webhook goes out that contradicts it`,
    );
  }
  const nowMs = nowOf(clock, payment);
  const last = lastStatusEvent(payment);
  const event: PaymentEvent =
    payment.status === target
      ? last
      : { ...contradict(last, target, newId, payment.extras?.failureCode), occurredAtMs: nowMs };
  await payments.announceAt(event, nowMs + delayMs);
  return { hasWebhook: event.destination !== undefined, eventId: event.id, atMs: nowMs + delayMs };
}

/** The event that told the status that the payment has. */
function lastStatusEvent(payment: SettledPayment): PaymentEvent {
  // Asked for by hand, it goes out as usual.
  const first: PaymentEvent = { ...firstEvent(payment), delivery: undefined };
  const { aftermath } = payment;
  const id = aftermath?.eventIds.at(-1);
  if (payment.status !== 'REFUNDED' || aftermath === undefined || id === undefined) {
    return first;
  }
  const refund = aftermath.refunds.find((each) => eventIdOf(each.id) === id);
  return {
    ...first,
    id,
    sequence: 1 + aftermath.eventIds.length,
    occurredAtMs: aftermath.updatedAtMs,
    payment,
    refund: refund && toldRefund(payment, refund),
  };
}

function validate({ paymentId, target, delaySeconds, force }: SimulateWebhookInput): Wanted {
  const violations: Violations = [];
  requireId(violations, 'payment_intent_id', paymentId);
  const settledTarget = target === 'unknown' || target === 'PENDING' ? undefined : target;
  if (settledTarget === undefined) {
    add(violations, 'target_status', `must be ${wantedStatus}, but not PENDING`);
  }
  if (delaySeconds < 0 || delaySeconds > maxDelaySeconds) {
    add(violations, 'delay_seconds', `must be ${wantedDelaySeconds}`);
  }
  throwIfAny(violations);
  return { target: settledTarget ?? 'COMPLETED', delayMs: delaySeconds * 1000, force };
}
