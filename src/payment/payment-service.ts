import type { CallTrace } from '../base/call-trace.ts';
import type { SimClock } from '../base/clock.ts';
import type { IdGenerator } from '../base/ids.ts';
import type { Observer } from '../base/observer.ts';
import { createTurns } from '../base/take-turns.ts';
import { type Cancellation, type CancelInput, cancelPayment } from './cancellation.ts';
import { PaymentError } from './errors.ts';
import { fingerprintOf } from './fingerprint.ts';
import { type ListedPayments, type ListInput, listPayments } from './listing.ts';
import { findPayment, notFound } from './lookup.ts';
import type { PaymentReport } from './observer.ts';
import { isSettled, type Payment, type PendingPayment, type SettledPayment } from './payment.ts';
import type { IdempotencyStore, Payments } from './ports.ts';
import type { RandomOutcomes } from './random-outcomes.ts';
import { planSettlement, type ScenarioOptions } from './scenario.ts';
import {
  type CreateIntentCommand,
  type CreateIntentInput,
  validateCreateIntent,
  validateLookup,
} from './validation.ts';
import { type SimulatedWebhook, simulateWebhook, type SimulateWebhookInput } from './webhook-simulation.ts';
import type { WebhookUrlCheck } from './webhook-url.ts';

interface PaymentServiceDeps {
  readonly clock: SimClock;
  readonly outcomes: RandomOutcomes;
  readonly newId: IdGenerator;
  readonly payments: Payments;
  readonly idempotency: IdempotencyStore;
  readonly scenarioOptions: ScenarioOptions;
  readonly checkWebhookUrl: WebhookUrlCheck;
  /** Of payments whose caller names none. */
  readonly defaultWebhookUrl?: string | undefined;
  /** For the error message only; `payments` keeps to its own limit. */
  readonly maxPayments: number;
  readonly observe: Observer<PaymentReport>;
}

/** The use cases. All throw `PaymentError` for what the caller can put right. */
export interface PaymentService {
  /**
   * Registers a payment, schedules its settlement and returns its id; the payment is PENDING.
   *
   * @param trace goes wherever the payment goes.
   */
  create(input: CreateIntentInput, trace?: CallTrace): Promise<string>;
  /** The payment, unless `userId` is given and is not the payer's. */
  get(input: LookupInput): Promise<Payment>;
  /** Settles a pending payment now, or returns the outcome it already has. */
  process(input: ProcessInput): Promise<SettledPayment>;
  /** Cancels a pending payment, or refunds a completed one, whole or in part. */
  cancel(input: CancelInput): Promise<Cancellation>;
  /** The newest first. */
  list(input: ListInput): Promise<ListedPayments>;
  /** Gives a pending payment its outcome, or sends what tells of a settled one again. */
  simulateWebhook(input: SimulateWebhookInput): Promise<SimulatedWebhook>;
}

interface LookupInput {
  readonly paymentId: string;
  readonly userId: string;
}

interface ProcessInput {
  readonly paymentId: string;
  readonly idempotencyKey: string;
}

/** A list looks at every payment that is stored: of many at once none would end sooner. */
const maxListsAtOnce = 4;

/** Builds the use cases. */
export function createPaymentService(deps: PaymentServiceDeps): PaymentService {
  const listInTurn = createTurns(maxListsAtOnce);
  return {
    create: (input, trace) => createPayment(deps, input, trace),
    get: (input) => getPayment(deps, input),
    process: (input) => processPayment(deps, input),
    cancel: (input) => cancelPayment(deps, input),
    list: (input) => listInTurn(() => listPayments(deps.payments, input)),
    simulateWebhook: (input) => simulateWebhook(deps, input),
  };
}

function createPayment(
  deps: PaymentServiceDeps,
  input: CreateIntentInput,
  trace: CallTrace | undefined,
): Promise<string> {
  const command = validateCreateIntent(input, deps.checkWebhookUrl);
  return command.idempotencyKey === undefined
    ? register(deps, command, deps.newId('pay'), trace)
    : registerOnce(deps, command, command.idempotencyKey, trace);
}

async function registerOnce(
  deps: PaymentServiceDeps,
  command: CreateIntentCommand,
  idempotencyKey: string,
  trace: CallTrace | undefined,
): Promise<string> {
  const key = JSON.stringify(['create', command.userId, idempotencyKey]);
  const result = await deps.idempotency.once(
    { key, fingerprint: fingerprintOf(parametersOf(command)) },
    () => deps.newId('pay'),
    (paymentId) => register(deps, command, paymentId, trace),
  );
  if (result.outcome === 'mismatch') {
    throw new PaymentError({ kind: 'idempotency-key-reused', key: idempotencyKey });
  }
  return result.value;
}

/** Not async: that would cost every payment 250 bytes of garbage. */
function register(
  deps: PaymentServiceDeps,
  command: CreateIntentCommand,
  paymentId: string,
  trace: CallTrace | undefined,
): Promise<string> {
  const plan = planSettlement(command, deps.scenarioOptions, deps.outcomes);
  const createdAtMs = deps.clock.now();
  const payment: PendingPayment = {
    id: paymentId,
    reservationId: command.reservationId,
    userId: command.userId,
    money: command.money,
    scenario: plan.scenario,
    webhookUrl: command.webhookUrl ?? deps.defaultWebhookUrl,
    plannedOutcome: plan.outcome,
    createdAtMs,
    dueAtMs: createdAtMs + plan.delayMs,
    trace,
    extras: command.extras,
    status: 'PENDING',
  };
  const registered = deps.payments.register(payment).then((outcome) => {
    if (outcome !== 'registered') {
      throw new PaymentError(
        outcome === 'full'
          ? { kind: 'too-many-pending', maxPayments: deps.maxPayments }
          : { kind: 'too-many-bytes-pending' },
      );
    }
    deps.observe({ kind: 'created', payment });
    return paymentId;
  });
  const { giveBack } = deps.outcomes;
  return giveBack === undefined || payment.scenario !== 'RANDOM' || command.expires === true
    ? registered
    : givingBack(giveBack, payment, registered);
}

/** A payment that was not registered leaves its outcome to the next one. */
async function givingBack(
  giveBack: (payment: Payment) => void,
  payment: PendingPayment,
  registered: Promise<string>,
): Promise<string> {
  try {
    return await registered;
  } catch (error) {
    giveBack(payment);
    throw error;
  }
}

async function getPayment({ payments }: PaymentServiceDeps, input: LookupInput): Promise<Payment> {
  validateLookup(input);
  return await findPayment(payments, input);
}

async function processPayment(deps: PaymentServiceDeps, input: ProcessInput): Promise<SettledPayment> {
  validateLookup(input);
  const { paymentId, idempotencyKey } = input;
  const payment = await findPayment(deps.payments, { paymentId, userId: '' });
  if (idempotencyKey !== '') {
    await claimForPayment(deps, payment, idempotencyKey);
  }
  const processed = isSettled(payment) ? payment : (await deps.payments.hasten(paymentId))?.payment;
  // It may have left since it was looked up, if its time to live is very short.
  if (processed === undefined || !isSettled(processed)) {
    throw notFound(paymentId);
  }
  return processed;
}

/** A key names one payment: settling is idempotent by itself, but a key that strayed is a mistake. */
async function claimForPayment(
  { idempotency }: PaymentServiceDeps,
  payment: Payment,
  idempotencyKey: string,
): Promise<void> {
  const key = JSON.stringify(['process', payment.userId, idempotencyKey]);
  const result = await idempotency.once(
    { key, fingerprint: payment.id },
    () => payment.id,
    () => Promise.resolve(),
  );
  if (result.outcome === 'mismatch') {
    throw new PaymentError({ kind: 'idempotency-key-reused', key: idempotencyKey });
  }
}

/** Without extras as before there were any: a call may be repeated after the service was updated. */
function parametersOf(command: CreateIntentCommand): readonly unknown[] {
  const { reservationId, money, scenario, webhookUrl, delayMs, expires, extras } = command;
  const parameters = [reservationId, money.amount, money.currency, scenario, webhookUrl, delayMs];
  return extras === undefined && expires !== true ? parameters : [...parameters, expires, extras];
}
