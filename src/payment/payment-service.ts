import { createHash } from 'node:crypto';
import type { Clock } from '../clock.ts';
import type { DeliveryService } from '../delivery/delivery-service.ts';
import type { IdGenerator } from '../ids.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { SettlementLog } from '../observability/settlement-log.ts';
import type { RandomSource } from '../random.ts';
import type { IdempotencyStore, PaymentStore, SettlementScheduler, SettleResult } from '../state/ports.ts';
import { type CallTrace, traceFields } from './call-trace.ts';
import { PaymentError } from './errors.ts';
import {
  isSettled,
  type Payment,
  type PendingPayment,
  type SettledPayment,
  type Settlement,
} from './payment.ts';
import { planSettlement, type ScenarioOptions } from './scenario.ts';
import {
  type CreateIntentCommand,
  type CreateIntentInput,
  validateCreateIntent,
  validateLookup,
  type WebhookUrlCheck,
} from './validation.ts';

/** What a failed payment tells as its reason. */
const simulatedFailureCode = 'card_declined';

/** What the use cases work with. */
export interface PaymentServiceDeps {
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly newId: IdGenerator;
  readonly store: PaymentStore;
  readonly idempotency: IdempotencyStore;
  readonly scheduler: SettlementScheduler;
  readonly delivery: DeliveryService;
  readonly scenarioOptions: ScenarioOptions;
  readonly checkWebhookUrl: WebhookUrlCheck;
  /** For the error message only; the store keeps to its own limit. */
  readonly maxPayments: number;
  readonly logger: Logger;
  readonly logSettlement: SettlementLog;
  readonly metrics: Metrics;
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
  get(input: { readonly paymentId: string; readonly userId: string }): Promise<Payment>;
  /** Settles a pending payment now, or returns the outcome it already has. */
  process(input: { readonly paymentId: string; readonly idempotencyKey: string }): Promise<SettledPayment>;
}

/** Builds the use cases and starts to settle what the scheduler says is due. */
export function createPaymentService(deps: PaymentServiceDeps): PaymentService {
  const { clock, store, scheduler, idempotency, metrics, logger } = deps;

  function create(input: CreateIntentInput, trace?: CallTrace): Promise<string> {
    const command = validateCreateIntent(input, deps.checkWebhookUrl);
    return command.idempotencyKey === undefined
      ? register(command, trace)
      : registerOnce(command, command.idempotencyKey, trace);
  }

  async function registerOnce(
    command: CreateIntentCommand,
    idempotencyKey: string,
    trace: CallTrace | undefined,
  ): Promise<string> {
    const key = JSON.stringify(['create', command.userId, idempotencyKey]);
    const fingerprint = fingerprintOf(command);
    const result = await idempotency.once({ key, fingerprint }, () => register(command, trace));
    if (result.outcome === 'mismatch') {
      throw new PaymentError({ kind: 'idempotency-key-reused', key: idempotencyKey });
    }
    return result.value;
  }

  async function register(command: CreateIntentCommand, trace: CallTrace | undefined): Promise<string> {
    const plan = planSettlement(command, deps.scenarioOptions, deps.random);
    const createdAtMs = clock.now();
    const payment: PendingPayment = {
      id: deps.newId('pay'),
      reservationId: command.reservationId,
      userId: command.userId,
      money: command.money,
      scenario: plan.scenario,
      webhookUrl: command.webhookUrl,
      plannedOutcome: plan.outcome,
      createdAtMs,
      dueAtMs: createdAtMs + plan.delayMs,
      trace,
      status: 'PENDING',
    };
    // Stored last: a schedule without its payment does nothing, a payment without its schedule
    // would stay PENDING for ever.
    await scheduler.schedule(payment.id, payment.dueAtMs);
    if ((await store.create(payment)) === 'full') {
      await unschedule(payment);
      throw new PaymentError({ kind: 'too-many-pending', maxPayments: deps.maxPayments });
    }
    metrics.intentsCreated[payment.scenario].inc();
    if (logger.isLevelEnabled('debug')) {
      logCreation(payment);
    }
    return payment.id;
  }

  function logCreation(payment: PendingPayment): void {
    logger.debug(
      {
        payment_id: payment.id,
        reservation_id: payment.reservationId,
        status: payment.status,
        scenario: payment.scenario,
        ...traceFields(payment.trace),
      },
      'Payment intent created',
    );
  }

  async function get(input: { paymentId: string; userId: string }): Promise<Payment> {
    validateLookup(input);
    const payment = await store.get(input.paymentId);
    if (payment === undefined || (input.userId !== '' && input.userId !== payment.userId)) {
      throw new PaymentError({ kind: 'payment-not-found', paymentId: input.paymentId });
    }
    return payment;
  }

  async function process(input: { paymentId: string; idempotencyKey: string }): Promise<SettledPayment> {
    validateLookup(input);
    const { paymentId, idempotencyKey } = input;
    const payment = await get({ paymentId, userId: '' });
    if (idempotencyKey !== '') {
      await claimForPayment(payment, idempotencyKey);
    }
    if (isSettled(payment)) {
      return payment;
    }
    const result = await store.settle(paymentId, decideSettlement);
    if (result === undefined) {
      throw new PaymentError({ kind: 'payment-not-found', paymentId });
    }
    if (result.settledNow) {
      announce(result.payment);
      await unschedule(payment);
    }
    return result.payment;
  }

  /** Frees what the schedule holds. A schedule that stays does no harm, so failures end in the log. */
  async function unschedule(payment: PendingPayment): Promise<void> {
    try {
      await scheduler.cancel(payment.id, payment.dueAtMs);
    } catch (error) {
      logger.warn({ payment_id: payment.id, err: error }, 'Schedule not cancelled');
    }
  }

  /** A key names one payment: settling is idempotent by itself, but a key that strayed is a mistake. */
  async function claimForPayment(payment: Payment, idempotencyKey: string): Promise<void> {
    const key = JSON.stringify(['process', payment.userId, idempotencyKey]);
    const result = await idempotency.once({ key, fingerprint: payment.id }, async () => payment.id);
    if (result.outcome === 'mismatch') {
      throw new PaymentError({ kind: 'idempotency-key-reused', key: idempotencyKey });
    }
  }

  function decideSettlement(payment: PendingPayment): Settlement {
    return {
      status: payment.plannedOutcome,
      settledAtMs: clock.now(),
      transactionId: deps.newId('txn'),
      eventId: deps.newId('evt'),
      failureCode: payment.plannedOutcome === 'FAILED' ? simulatedFailureCode : undefined,
    };
  }

  function announce(payment: SettledPayment): void {
    deps.delivery.deliver(payment);
    metrics.settlements[payment.status].inc();
    deps.logSettlement(payment);
  }

  /** What the scheduler calls. Nobody waits for an answer, so failures end here, in the log. */
  function settleDue(paymentId: string): Promise<void> {
    const settled = store.settle(paymentId, decideSettlement).then(announceDue);
    return settled.catch((error: unknown) => {
      logger.error({ payment_id: paymentId, err: error }, 'Settlement failed');
    });
  }

  /** Undefined: gone (never stored, or processed and expired). Not settled now: by ProcessPayment. */
  function announceDue(result: SettleResult | undefined): void {
    if (result?.settledNow === true) {
      const { payment } = result;
      announce(payment);
      metrics.settlementLagSeconds.observe(Math.max(0, payment.settledAtMs - payment.dueAtMs) / 1000);
    }
  }

  scheduler.start(settleDue);
  return { create, get, process };
}

/** Equal for equal parameters, whichever protocol they came by. */
function fingerprintOf(command: CreateIntentCommand): string {
  const { reservationId, money, scenario, webhookUrl, delayMs } = command;
  const parameters = [reservationId, money.amount, money.currency, scenario, webhookUrl, delayMs];
  return createHash('sha256').update(JSON.stringify(parameters)).digest('base64');
}
