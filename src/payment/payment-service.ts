import { createHash } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import type { DeliveryService } from '../delivery/delivery-service.ts';
import type { IdGenerator } from '../base/ids.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { SettlementLog } from '../observability/settlement-log.ts';
import type { RandomSource } from '../base/random.ts';
import { LeftToOthersError } from '../state/left-to-others-error.ts';
import type {
  IdempotencyStore,
  PaymentIntake,
  PaymentStore,
  SettlementScheduler,
  SettleResult,
} from '../state/ports.ts';
import { type CallTrace, traceFields } from '../base/call-trace.ts';
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
} from './validation.ts';
import type { WebhookUrlCheck } from './webhook-url.ts';

/** What a failed payment tells as its reason. */
const simulatedFailureCode = 'card_declined';

/** What the use cases work with. */
export interface PaymentServiceDeps {
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly newId: IdGenerator;
  readonly store: PaymentStore;
  readonly intake: PaymentIntake;
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
  const { clock, store, intake, scheduler, idempotency, metrics, logger } = deps;

  function create(input: CreateIntentInput, trace?: CallTrace): Promise<string> {
    const command = validateCreateIntent(input, deps.checkWebhookUrl);
    return command.idempotencyKey === undefined
      ? register(command, deps.newId('pay'), trace)
      : registerOnce(command, command.idempotencyKey, trace);
  }

  async function registerOnce(
    command: CreateIntentCommand,
    idempotencyKey: string,
    trace: CallTrace | undefined,
  ): Promise<string> {
    const key = JSON.stringify(['create', command.userId, idempotencyKey]);
    const fingerprint = fingerprintOf(command);
    const result = await idempotency.once(
      { key, fingerprint },
      () => deps.newId('pay'),
      (paymentId) => register(command, paymentId, trace),
    );
    if (result.outcome === 'mismatch') {
      throw new PaymentError({ kind: 'idempotency-key-reused', key: idempotencyKey });
    }
    return result.value;
  }

  /** Not async: that would cost every payment 250 bytes of garbage. */
  function register(
    command: CreateIntentCommand,
    paymentId: string,
    trace: CallTrace | undefined,
  ): Promise<string> {
    const plan = planSettlement(command, deps.scenarioOptions, deps.random);
    const createdAtMs = clock.now();
    const payment: PendingPayment = {
      id: paymentId,
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
    return intake.register(payment).then((outcome) => {
      if (outcome === 'full') {
        throw new PaymentError({ kind: 'too-many-pending', maxPayments: deps.maxPayments });
      }
      metrics.intentsCreated[payment.scenario].inc();
      if (logger.isLevelEnabled('debug')) {
        logCreation(payment);
      }
      return paymentId;
    });
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
    // The schedule alone announces outcomes, whoever settled: it outlives a crash at any point here.
    // Hastened first, so that the event is not late if the process dies after it has settled.
    const isHastened = await scheduler.hasten(paymentId, payment.dueAtMs);
    const result = await store.settle(paymentId, decideSettlement);
    if (result === undefined) {
      throw new PaymentError({ kind: 'payment-not-found', paymentId });
    }
    if (result.settledNow) {
      note(result.payment);
      if (!isHastened) {
        await scheduler.schedule(paymentId, clock.now());
      }
    }
    return result.payment;
  }

  /** A key names one payment: settling is idempotent by itself, but a key that strayed is a mistake. */
  async function claimForPayment(payment: Payment, idempotencyKey: string): Promise<void> {
    const key = JSON.stringify(['process', payment.userId, idempotencyKey]);
    const call = { key, fingerprint: payment.id };
    const result = await idempotency.once(call, () => payment.id, nothing);
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

  function note(payment: SettledPayment): void {
    metrics.settlements[payment.status].inc();
    deps.logSettlement(payment);
  }

  /** What the scheduler calls. Nobody waits for an answer, so failures go to the log. */
  function settleDue(paymentId: string): Promise<void> {
    return store.settle(paymentId, decideSettlement).then(announce).catch(fail);

    function fail(error: unknown): never {
      if (!(error instanceof LeftToOthersError)) {
        logger.error({ payment_id: paymentId, err: error }, 'Settlement failed');
      }
      throw error;
    }
  }

  /**
   * Tells the outcome, also when it was there already: then ProcessPayment settled, or an earlier run
   * that ended before all was told. Undefined: never stored, or expired.
   */
  function announce(result: SettleResult | undefined): Promise<void> | undefined {
    if (result === undefined) {
      return undefined;
    }
    const { payment, settledNow } = result;
    if (settledNow) {
      note(payment);
      // Timers are up to a millisecond early, and ProcessPayment hastens what is not due at all.
      metrics.settlementLagSeconds.observe(Math.max(0, payment.settledAtMs - payment.dueAtMs) / 1000);
    }
    return deps.delivery.deliver(payment);
  }

  scheduler.start(settleDue);
  return { create, get, process };
}

function nothing(): Promise<void> {
  return Promise.resolve();
}

/** Equal for equal parameters, whichever protocol they came by. */
function fingerprintOf(command: CreateIntentCommand): string {
  const { reservationId, money, scenario, webhookUrl, delayMs } = command;
  const parameters = [reservationId, money.amount, money.currency, scenario, webhookUrl, delayMs];
  return createHash('sha256').update(JSON.stringify(parameters)).digest('base64');
}
