import type { CallTrace } from '../base/call-trace.ts';
import { clockOf, type SimClock } from '../base/clock.ts';
import type { IdGenerator } from '../base/ids.ts';
import type { Observer } from '../base/observer.ts';
import { createTurns } from '../base/take-turns.ts';
import type { Behavior } from './behavior.ts';
import { type Cancellation, type CancelInput, cancelPayment } from './cancellation.ts';
import { PaymentError } from './errors.ts';
import { fingerprintOf } from './fingerprint.ts';
import { type ListedPayments, type ListInput, listPayments } from './listing.ts';
import { findPayment, notFound } from './lookup.ts';
import type { PaymentReport } from './observer.ts';
import {
  isSettled,
  type Payment,
  type PaymentExtras,
  type PendingPayment,
  type SettledPayment,
} from './payment.ts';
import type { IdempotencyStore, IdempotentCall, Payments } from './ports.ts';
import type { RandomOutcomes } from './random-outcomes.ts';
import { toScopedKey } from './scoped-key.ts';
import { planSettlement, type ScenarioOptions } from './scenario.ts';
import { nowOf } from './session-time.ts';
import { settleAs } from './settlement.ts';
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
  /** Tells the idempotency keys of one session from those of another; undefined where there are none. */
  readonly keyScopeOf?: ((sessionId: string | undefined) => string | undefined) | undefined;
}

/** What a tester has decided of a new payment. */
export interface SteeredCreate {
  /** What the request says is in it. */
  readonly behavior: Behavior;
  readonly sessionId: string | undefined;
  readonly ruleId: string | undefined;
  /** If the request has none. */
  readonly webhookUrl: string | undefined;
  /** Of the scenario RANDOM, if not those of all. */
  readonly outcomes: RandomOutcomes | undefined;
}

/** The use cases. All throw `PaymentError` for what the caller can put right. */
export interface PaymentService {
  /**
   * Registers a payment, schedules its settlement and returns its id; the payment is PENDING.
   *
   * @param trace goes wherever the payment goes.
   */
  create(input: CreateIntentInput, trace?: CallTrace, steered?: SteeredCreate): Promise<string>;
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
    create: (input, trace, steered) => createPayment(deps, input, trace, steered),
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
  steered: SteeredCreate | undefined,
): Promise<string> {
  const command = validateCreateIntent(input, deps.checkWebhookUrl);
  const { idempotencyKey } = command;
  if (idempotencyKey === undefined) {
    return register(deps, command, newPaymentId(deps), trace, steered);
  }
  const scope = deps.keyScopeOf?.(steered?.sessionId);
  const call: IdempotentCall = {
    key: toScopedKey(['create', command.userId, idempotencyKey], scope),
    fingerprint: fingerprintOf(parametersOf(command)),
  };
  return deps.payments.registerOnce === undefined
    ? registerOnce(deps, command, call, trace, steered)
    : register(deps, command, newPaymentId(deps, call.key), trace, steered, call);
}

function newPaymentId({ payments, newId }: PaymentServiceDeps, key?: string): string {
  const id = newId('pay');
  return payments.placed?.(id, key) ?? id;
}

/** Where keys of creates are kept apart from payments. */
async function registerOnce(
  deps: PaymentServiceDeps,
  command: CreateIntentCommand,
  call: IdempotentCall,
  trace: CallTrace | undefined,
  steered: SteeredCreate | undefined,
): Promise<string> {
  const result = await deps.idempotency.once(
    call,
    () => newPaymentId(deps),
    (paymentId) => register(deps, command, paymentId, trace, steered),
  );
  if (result.outcome === 'mismatch') {
    throw keyReused(command);
  }
  return result.value;
}

function keyReused({ idempotencyKey = '' }: CreateIntentCommand): PaymentError {
  return new PaymentError({ kind: 'idempotency-key-reused', key: idempotencyKey });
}

/** Not async: that would cost every payment 250 bytes of garbage. */
function register(
  deps: PaymentServiceDeps,
  command: CreateIntentCommand,
  paymentId: string,
  trace: CallTrace | undefined,
  steered: SteeredCreate | undefined,
  call?: IdempotentCall,
): Promise<string> {
  const behavior = steered?.behavior ?? command.behavior;
  const outcomes = steered?.outcomes ?? deps.outcomes;
  const plan = planSettlement(command, deps.scenarioOptions, outcomes, behavior);
  const createdAtMs = clockOf(deps.clock, steered?.sessionId).now();
  const payment: PendingPayment = {
    id: paymentId,
    reservationId: command.reservationId,
    userId: command.userId,
    money: command.money,
    scenario: plan.scenario,
    webhookUrl: command.webhookUrl ?? steered?.webhookUrl ?? deps.defaultWebhookUrl,
    plannedOutcome: plan.outcome,
    createdAtMs,
    dueAtMs: createdAtMs + plan.delayMs,
    trace,
    extras: behavior === undefined ? command.extras : toExtras(command.extras, behavior, steered),
    status: 'PENDING',
  };
  const { payments } = deps;
  const stored =
    call !== undefined && payments.registerOnce !== undefined
      ? payments.registerOnce(payment, call)
      : payments.register(payment);
  const registered = stored.then((outcome) => {
    if (typeof outcome === 'object' && 'replayed' in outcome) {
      if (plan.isDrawn) {
        outcomes.giveBack?.(payment);
      }
      return outcome.replayed;
    }
    if (typeof outcome === 'string' && outcome !== 'registered') {
      throw refusalOf(outcome, deps, command);
    }
    const created = outcome === 'registered' ? payment : { ...payment, id: outcome.registered };
    deps.observe({ kind: 'created', payment: created });
    return created.id;
  });
  const { giveBack } = outcomes;
  return giveBack === undefined || !plan.isDrawn ? registered : givingBack(giveBack, payment, registered);
}

function refusalOf(
  outcome: 'full' | 'out-of-bytes' | 'mismatch',
  { maxPayments }: PaymentServiceDeps,
  command: CreateIntentCommand,
): PaymentError {
  if (outcome === 'mismatch') {
    return keyReused(command);
  }
  return new PaymentError(
    outcome === 'full' ? { kind: 'too-many-pending', maxPayments } : { kind: 'too-many-bytes-pending' },
  );
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
  const processed = isSettled(payment) ? payment : (await settleNow(deps, payment))?.payment;
  // It may have left since it was looked up, if its time to live is very short.
  if (processed === undefined || !isSettled(processed)) {
    throw notFound(paymentId);
  }
  return processed;
}

/** Who was held and pays after all has paid. */
function settleNow(
  { payments, clock, newId }: PaymentServiceDeps,
  { id, extras, plannedOutcome }: PendingPayment,
) {
  return extras?.isHeld === true && plannedOutcome === 'EXPIRED'
    ? payments.transition(id, (payment) =>
        isSettled(payment) ? undefined : settleAs(payment, 'COMPLETED', nowOf(clock, payment), newId),
      )
    : payments.hasten(id);
}

/** A key names one payment: settling is idempotent by itself, but a key that strayed is a mistake. */
async function claimForPayment(
  { idempotency, keyScopeOf }: PaymentServiceDeps,
  payment: Payment,
  idempotencyKey: string,
): Promise<void> {
  const scope = keyScopeOf?.(payment.extras?.sessionId);
  const key = toScopedKey(['process', payment.userId, idempotencyKey], scope);
  const result = await idempotency.once(
    { key, fingerprint: payment.id },
    () => payment.id,
    () => Promise.resolve(),
  );
  if (result.outcome === 'mismatch') {
    throw new PaymentError({ kind: 'idempotency-key-reused', key: idempotencyKey });
  }
}

/** Without what 0.1 did not have as it was then: a call may be repeated after the service was updated. */
function parametersOf(command: CreateIntentCommand): readonly unknown[] {
  const { reservationId, money, scenario, webhookUrl, behavior, expires, extras } = command;
  const parameters = [reservationId, money.amount, money.currency, scenario, webhookUrl, behavior?.delayMs];
  // How the call is answered is not said of the payment.
  const { outcome, failureCode, refund, delivery } = behavior ?? {};
  const isPlain =
    extras === undefined &&
    expires !== true &&
    outcome === undefined &&
    refund === undefined &&
    delivery === undefined;
  return isPlain ? parameters : [...parameters, expires, extras, outcome, failureCode, refund, delivery];
}

/** Undefined without any. */
function toExtras(
  extras: PaymentExtras | undefined,
  { outcome, failureCode, refund, delivery }: Behavior,
  steered: SteeredCreate | undefined,
): PaymentExtras | undefined {
  const { sessionId, ruleId } = steered ?? {};
  const added: PaymentExtras = {
    ...(refund !== undefined && { refundPlan: refund }),
    ...(failureCode !== undefined && { failureCode }),
    ...(delivery !== undefined && { delivery }),
    ...(outcome === 'HOLD' && { isHeld: true }),
    ...(sessionId !== undefined && { sessionId }),
    ...(ruleId !== undefined && { ruleId }),
  };
  return extras === undefined && Object.keys(added).length === 0 ? undefined : { ...extras, ...added };
}
