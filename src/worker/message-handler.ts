import type { MachineClock } from '../base/clock.ts';
import { type AttemptFailure, decideRetry } from '../delivery/retry-policy.ts';
import type { Logger } from '../observability/logger.ts';
import { traceFields } from '../base/call-trace.ts';
import type { RandomSource } from '../base/random.ts';
import type { DeadLetterQueue } from './dead-letter-queue.ts';
import type { HandledEvents } from './handled-events.ts';
import { parseMessage, type PaymentOutcome, type PoisonReason } from './payment-outcome.ts';
import type { QueueMessage } from './queue-message.ts';
import type { ReservationApi } from './reservation-api.ts';
import type { WorkerMetrics } from './worker-metrics.ts';

/** What to do with a message in the queue. */
export type Verdict =
  | { readonly action: 'delete' }
  /** Leave it, hidden for so long, in milliseconds. */
  | { readonly action: 'retry'; readonly delayMs: number };

/** Handles one message; `signal` gives up what takes long. Never throws. */
export type MessageHandler = (message: QueueMessage, signal: AbortSignal) => Promise<Verdict>;

/** What the handler works with. */
export interface MessageHandlerDeps {
  readonly clock: MachineClock;
  readonly random: RandomSource;
  readonly handledEvents: HandledEvents;
  /** Undefined: outcomes are only logged. */
  readonly reservationApi: ReservationApi | undefined;
  /** Undefined: messages that cannot be understood stay for the queue's redrive policy. */
  readonly deadLetterQueue: DeadLetterQueue | undefined;
  /** Waits between receives of a failing message, in milliseconds. */
  readonly retry: { readonly baseMs: number; readonly maxMs: number };
  readonly logger: Logger;
  readonly metrics: WorkerMetrics;
}

const deleteIt: Verdict = { action: 'delete' };

/** Turns payment outcomes into updates of reservations. */
export function createMessageHandler(deps: MessageHandlerDeps): MessageHandler {
  const { clock, handledEvents, reservationApi, deadLetterQueue, logger, metrics } = deps;
  // A counter that appears with its first message would hide that message from Prometheus' `increase`.
  for (const outcome of ['confirmed', 'cancelled', 'retry', 'dead_letter']) {
    metrics.messages.inc({ outcome }, 0);
  }

  async function handle(message: QueueMessage, signal: AbortSignal): Promise<Verdict> {
    const parsed = parseMessage(message.body);
    if (parsed.kind === 'poison') {
      return await sendToDeadLetters(message, parsed.reason, parsed.detail);
    }
    const { outcome } = parsed;
    let failure: AttemptFailure | undefined;
    const result = await handledEvents.once(outcome.eventId, async () => {
      failure = await updateReservation(outcome, message, signal);
      return failure === undefined;
    });
    if (result === 'duplicate') {
      metrics.messages.inc({ outcome: 'duplicate' });
      logger.debug({ ...fieldsOf(outcome), message_id: message.id }, 'Event was handled before');
    }
    // A copy whose original failed has no failure of its own.
    return result === 'failed' ? retry(message, failure ?? { reason: 'copy', retryable: true }) : deleteIt;
  }

  async function updateReservation(
    outcome: PaymentOutcome,
    message: QueueMessage,
    signal: AbortSignal,
  ): Promise<AttemptFailure | undefined> {
    const { reservationStatus } = outcome;
    if (reservationApi === undefined) {
      metrics.messages.inc({ outcome: 'logged' });
      logger.info(fieldsOf(outcome), 'Payment outcome received; no reservation API is configured');
      return undefined;
    }
    const startedAtMs = clock.now();
    const result = await reservationApi.update(outcome, signal);
    const latencyMs = clock.now() - startedAtMs;
    metrics.updateSeconds.observe(latencyMs / 1000);
    const fields = { ...fieldsOf(outcome), attempt: message.receiveCount, latency_ms: latencyMs };
    if (result.outcome === 'failed') {
      logger.warn({ ...fields, error: result.detail }, 'Reservation not updated, to be tried again');
      return result.failure;
    }
    metrics.messages.inc({ outcome: reservationStatus === 'CONFIRMED' ? 'confirmed' : 'cancelled' });
    if (message.sentAtMs !== undefined) {
      metrics.lagSeconds.observe(Math.max(0, clock.now() - message.sentAtMs) / 1000);
    }
    logger.info(
      { ...fields, ...(result.outcome === 'unchanged' && { unchanged: true }) },
      reservationStatus === 'CONFIRMED' ? 'Reservation confirmed' : 'Reservation cancelled',
    );
    return undefined;
  }

  async function sendToDeadLetters(
    message: QueueMessage,
    reason: PoisonReason,
    detail: string,
  ): Promise<Verdict> {
    const fields = { message_id: message.id, reason, error: detail, attempt: message.receiveCount };
    if (deadLetterQueue === undefined) {
      logger.error(fields, 'Message not understood, left to the redrive policy of the queue');
      return retry(message, { reason, retryable: true });
    }
    try {
      await deadLetterQueue.send(message, reason, detail, clock.now());
    } catch (error) {
      logger.error({ ...fields, cause: String(error) }, 'Dead-letter queue not reached, to be tried again');
      return retry(message, { reason: 'dead_letter_queue', retryable: true });
    }
    metrics.messages.inc({ outcome: 'dead_letter' });
    metrics.deadLetters.inc({ reason });
    logger.error(fields, 'Message not understood, sent to the dead-letter queue');
    return deleteIt;
  }

  function retry(message: QueueMessage, failure: AttemptFailure): Verdict {
    metrics.messages.inc({ outcome: 'retry' });
    metrics.failures.inc({ reason: failure.reason });
    if (failure.reason === 'shutdown') {
      return { action: 'retry', delayMs: 0 }; // another worker may take it at once
    }
    // How often it is tried is the queue's redrive policy to say.
    const policy = { ...deps.retry, maxAttempts: Infinity };
    const decision = decideRetry(message.receiveCount, failure, policy, deps.random);
    return {
      action: 'retry',
      delayMs: decision.action === 'retry' ? decision.delayMs : policy.maxMs,
    };
  }

  return async (message, signal) => {
    metrics.inFlight.inc();
    try {
      return await handle(message, signal);
    } catch (error) {
      logger.error({ message_id: message.id, err: error }, 'Message not handled');
      return retry(message, { reason: 'internal', retryable: true });
    } finally {
      metrics.inFlight.dec();
    }
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
