import { traceFields } from '../base/call-trace.ts';
import type { MachineClock } from '../base/clock.ts';
import type { RandomSource } from '../base/random.ts';
import { type AttemptFailure, decideRetry } from '../delivery/retry-policy.ts';
import type { Logger } from '../observability/logger.ts';
import type { HandledEvents } from './handled-events.ts';
import type { StartMessageSpan } from './message-spans.ts';
import type { PaymentOrder } from './payment-order.ts';
import { parseMessage, type PaymentOutcome, type PoisonReason } from './payment-outcome.ts';
import type { PoisonQueue } from './poison-queue.ts';
import type { QueueMessage } from './queue-message.ts';
import type { ReservationApi, ReservationChange } from './reservation-api.ts';
import type { WorkerMetrics } from './worker-metrics.ts';

/** What to do with a message in the queue. */
type Verdict =
  | { readonly action: 'delete' }
  /** Leave it, hidden for so long, in milliseconds. */
  | { readonly action: 'retry'; readonly delayMs: number };

/** Handles one message; `signal` gives up what takes long. Never throws. */
export type MessageHandler = (message: QueueMessage, signal: AbortSignal) => Promise<Verdict>;

interface MessageHandlerDeps {
  /** For the time of day. */
  readonly clock: MachineClock;
  readonly random: RandomSource;
  readonly handledEvents: HandledEvents;
  readonly paymentOrder: PaymentOrder;
  /** Undefined: outcomes are only logged. */
  readonly reservationApi: ReservationApi | undefined;
  /** Undefined: poison messages stay in the queue for its redrive policy. */
  readonly poisonQueue: PoisonQueue | undefined;
  /** Waits between receives of a failing message, in milliseconds. */
  readonly retry: { readonly baseMs: number; readonly maxMs: number };
  readonly logger: Logger;
  readonly metrics: WorkerMetrics;
  /** Undefined where no spans are made. */
  readonly startSpan?: StartMessageSpan | undefined;
}

const deleteVerdict: Verdict = { action: 'delete' };
/** A defect of ours. */
const internalFailure: AttemptFailure = { reason: 'internal', retryable: true };

/** Turns payment outcomes into updates of reservations. */
export function createMessageHandler(deps: MessageHandlerDeps): MessageHandler {
  const { logger, metrics } = deps;
  // Prometheus' `increase` needs a sample of 0: a series that starts at 1 has not increased.
  for (const outcome of ['confirmed', 'cancelled', 'no_change', 'outdated', 'retry', 'dead_letter']) {
    metrics.messages.inc({ outcome }, 0);
  }
  return async (message, signal) => {
    metrics.inFlight.inc();
    try {
      return await handleMessage(deps, message, signal);
    } catch (error) {
      logger.error({ message_id: message.id, err: error }, 'Message not handled');
      return toRetry(deps, message, internalFailure);
    } finally {
      metrics.inFlight.dec();
    }
  };
}

async function handleMessage(
  deps: MessageHandlerDeps,
  message: QueueMessage,
  signal: AbortSignal,
): Promise<Verdict> {
  const parsed = parseMessage(message.body);
  const span = deps.startSpan?.(message, parsed.kind === 'outcome' ? parsed.outcome : undefined);
  if (parsed.kind === 'poison') {
    span?.end({ 'error.type': parsed.reason }, parsed.reason);
    return await handlePoison(deps, message, parsed.reason, parsed.detail);
  }
  // What is done for the message belongs under its span.
  const outcome = span === undefined ? parsed.outcome : { ...parsed.outcome, trace: span.trace };
  let failure: AttemptFailure | undefined;
  try {
    failure = await handleOnce(deps, outcome, message, signal);
  } catch (error) {
    failure = internalFailure;
    throw error;
  } finally {
    span?.end({ 'error.type': failure?.reason }, failure?.reason);
  }
  return failure === undefined ? deleteVerdict : toRetry(deps, message, failure);
}

/** Resolves with what failed, or with undefined when the message is finished, by this call or another. */
async function handleOnce(
  deps: MessageHandlerDeps,
  outcome: PaymentOutcome,
  message: QueueMessage,
  signal: AbortSignal,
): Promise<AttemptFailure | undefined> {
  let failure: AttemptFailure | undefined;
  const result = await deps.handledEvents.once(outcome.eventId, async () => {
    const { paymentId, sequence } = outcome;
    const ordered = await deps.paymentOrder.inOrder(paymentId, sequence, async () => {
      failure = await handleOutcome(deps, outcome, message, signal);
      return failure === undefined;
    });
    if (ordered === 'outdated') {
      deps.metrics.messages.inc({ outcome: 'outdated' });
      deps.logger.info({ ...fieldsOf(outcome), sequence }, 'Event is older than one that was handled');
    }
    return ordered !== 'failed';
  });
  if (result === 'duplicate') {
    deps.metrics.messages.inc({ outcome: 'duplicate' });
    deps.logger.debug({ ...fieldsOf(outcome), message_id: message.id }, 'Event was handled before');
  }
  // A copy that waited for another message with the same event has no failure of its own.
  return result === 'failed' ? (failure ?? { reason: 'copy', retryable: true }) : undefined;
}

/** Resolves with what failed, or with undefined when the message is finished. */
async function handleOutcome(
  deps: MessageHandlerDeps,
  outcome: PaymentOutcome,
  message: QueueMessage,
  signal: AbortSignal,
): Promise<AttemptFailure | undefined> {
  const { reservationApi, logger, metrics } = deps;
  const { reservationStatus } = outcome;
  if (reservationStatus === undefined) {
    metrics.messages.inc({ outcome: 'no_change' });
    logger.info(fieldsOf(outcome), 'Refund received; the reservation stays as it is');
    return undefined;
  }
  if (reservationApi === undefined) {
    metrics.messages.inc({ outcome: 'logged' });
    logger.info(fieldsOf(outcome), 'Payment outcome received; no reservation API is configured');
    return undefined;
  }
  return await updateReservation(deps, reservationApi, { ...outcome, reservationStatus }, message, signal);
}

async function updateReservation(
  { logger, metrics, clock }: MessageHandlerDeps,
  reservationApi: ReservationApi,
  outcome: ReservationChange,
  message: QueueMessage,
  signal: AbortSignal,
): Promise<AttemptFailure | undefined> {
  const startedAtMs = performance.now();
  const result = await reservationApi.update(outcome, signal);
  const latencyMs = performance.now() - startedAtMs;
  metrics.updateSeconds.observe(latencyMs / 1000);
  const fields = {
    ...fieldsOf(outcome),
    attempt: message.receiveCount,
    latency_ms: Math.round(latencyMs),
  };
  if (result.outcome === 'failed') {
    logger.warn({ ...fields, error: result.detail }, 'Reservation not updated, to be tried again');
    return result.failure;
  }
  const isConfirmed = outcome.reservationStatus === 'CONFIRMED';
  metrics.messages.inc({ outcome: isConfirmed ? 'confirmed' : 'cancelled' });
  if (message.sentAtMs !== undefined) {
    // Below 0 where the clocks of SQS and this machine differ.
    metrics.lagSeconds.observe(Math.max(0, clock.now() - message.sentAtMs) / 1000);
  }
  logger.info(
    { ...fields, ...(result.outcome === 'unchanged' && { unchanged: true }) },
    isConfirmed ? 'Reservation confirmed' : 'Reservation cancelled',
  );
  return undefined;
}

async function handlePoison(
  deps: MessageHandlerDeps,
  message: QueueMessage,
  reason: PoisonReason,
  detail: string,
): Promise<Verdict> {
  const { poisonQueue, logger, metrics } = deps;
  const fields = { message_id: message.id, reason, error: detail, attempt: message.receiveCount };
  if (poisonQueue === undefined) {
    logger.error(fields, 'Message not understood, left to the redrive policy of the queue');
    return toRetry(deps, message, { reason, retryable: true });
  }
  try {
    await poisonQueue.send(message, reason, detail, deps.clock.now());
  } catch (error) {
    logger.error({ ...fields, cause: String(error) }, 'Dead-letter queue not reached, to be tried again');
    return toRetry(deps, message, { reason: 'dead_letter_queue', retryable: true });
  }
  metrics.messages.inc({ outcome: 'dead_letter' });
  metrics.deadLetters.inc({ reason });
  logger.error(fields, 'Message not understood, sent to the dead-letter queue');
  return deleteVerdict;
}

function toRetry(deps: MessageHandlerDeps, message: QueueMessage, failure: AttemptFailure): Verdict {
  deps.metrics.messages.inc({ outcome: 'retry' });
  deps.metrics.failures.inc({ reason: failure.reason });
  if (failure.reason === 'shutdown') {
    return { action: 'retry', delayMs: 0 }; // visible at once for another worker
  }
  // `maxReceiveCount` of the queue's redrive policy limits the attempts, not the worker.
  const policy = { ...deps.retry, maxAttempts: Infinity };
  const decision = decideRetry(message.receiveCount, failure, policy, deps.random);
  return {
    action: 'retry',
    delayMs: decision.action === 'retry' ? decision.delayMs : policy.maxMs,
  };
}

function fieldsOf(outcome: PaymentOutcome) {
  return {
    payment_id: outcome.paymentId,
    reservation_id: outcome.reservationId,
    status: outcome.reservationStatus,
    event_id: outcome.eventId,
    ...traceFields(outcome.trace),
  };
}
