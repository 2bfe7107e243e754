import type { Logger } from '../../observability/logger.ts';
import type { Metrics } from '../../observability/metrics.ts';
import { traceFields } from '../../base/call-trace.ts';
import type { PaymentEvent } from '../payload.ts';
import type { WebhookDelivery } from '../webhook/delivery.ts';

/**
 * Why a delivery was given up: out of attempts, refused for good (by the receiver, or by the egress
 * policy), the process ended, there was no room to wait, or the queue of waiting deliveries failed.
 */
export type DeadLetterReason = (typeof deadLetterReasons)[number];

/** Every reason there is. */
export const deadLetterReasons = ['exhausted', 'refused', 'shutdown', 'overflow', 'queue_failed'] as const;

/** An event that one channel could not deliver; times in milliseconds since the epoch. */
export interface UndeliveredEvent {
  readonly channel: 'eventbridge' | 'webhook';
  readonly event: PaymentEvent;
  /** Undefined when the channel does not know it. */
  readonly settledAtMs: number | undefined;
  readonly reason: DeadLetterReason;
  readonly attempts: number;
  readonly firstAttemptAtMs: number | undefined;
  readonly lastAttemptAtMs: number | undefined;
  /** What the last attempt failed with. */
  readonly error: string;
  readonly webhookUrl?: string;
}

/** What the log says of a letter. */
const messages: Readonly<Record<UndeliveredEvent['channel'], string>> = {
  eventbridge: 'EventBridge event given up',
  webhook: 'Webhook given up',
};

/** Where letters go besides the log. */
export interface DeadLetterQueue {
  /** Takes the letter over. Returns at once and never throws. */
  send(letter: UndeliveredEvent): void;
  /** Resolves when all letters are sent or given up, at `untilMs` at the latest. */
  drain(untilMs: number): Promise<void>;
}

/** The last resting place of what could not be delivered, by whichever channel. */
export interface DeadLetters {
  /** Keeps a trace of the event. Returns at once and never throws. */
  record(letter: UndeliveredEvent): void;
  drain(untilMs: number): Promise<void>;
}

/**
 * Writes one log line per letter, with all that is needed to deliver the event by hand, and hands it
 * to `queue` where there is one.
 */
export function createDeadLetters(deps: {
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly queue: DeadLetterQueue | undefined;
}): DeadLetters {
  // A counter that appears with its first letter would hide that letter from Prometheus' `increase`.
  for (const channel of Object.keys(messages)) {
    for (const reason of deadLetterReasons) {
      deps.metrics.deadLetters.inc({ channel, reason }, 0);
    }
  }
  deps.metrics.deadLetterMessages.inc({ outcome: 'failed' }, 0);
  return {
    record(letter) {
      const { event, channel, reason } = letter;
      deps.metrics.deadLetters.inc({ channel, reason });
      deps.logger.error(
        {
          channel,
          payment_id: event.paymentId,
          reservation_id: event.reservationId,
          user_id: event.userId,
          status: event.status,
          amount: event.amount,
          currency: event.currency,
          event_id: event.eventId,
          ...traceFields(event.trace),
          ...(letter.webhookUrl !== undefined && { webhook_url: letter.webhookUrl }),
          reason,
          attempts: letter.attempts,
          settled_at: isoTime(letter.settledAtMs),
          first_attempt_at: isoTime(letter.firstAttemptAtMs),
          last_attempt_at: isoTime(letter.lastAttemptAtMs),
          error: letter.error,
        },
        messages[channel],
      );
      deps.queue?.send(letter);
    },

    async drain(untilMs) {
      await deps.queue?.drain(untilMs);
    },
  };
}

/** The dead letter as the webhook sender knows it. */
export interface DeadLetter {
  /** Keeps a trace of the delivery. Never throws. */
  record(delivery: WebhookDelivery, reason: DeadLetterReason, lastError: string): Promise<void>;
}

/** Records webhook deliveries among the dead letters of all channels. */
export function createWebhookDeadLetter(deadLetters: DeadLetters, metrics: Metrics): DeadLetter {
  metrics.webhookDeliveries.count('delivered', 0);
  return {
    async record(delivery, reason, lastError) {
      metrics.webhookDeliveries.count(`dead_letter_${reason}`);
      const hasBeenTried = delivery.attempts > 0;
      deadLetters.record({
        channel: 'webhook',
        event: delivery.event,
        settledAtMs: delivery.createdAtMs,
        reason,
        attempts: delivery.attempts,
        firstAttemptAtMs: hasBeenTried ? delivery.createdAtMs : undefined,
        lastAttemptAtMs: delivery.lastAttemptAtMs,
        error: lastError,
        webhookUrl: delivery.url,
      });
    },
  };
}

/** ISO 8601, or undefined, which neither JSON nor message attributes mention. */
export function isoTime(atMs: number | undefined): string | undefined {
  return atMs === undefined ? undefined : new Date(atMs).toISOString();
}
