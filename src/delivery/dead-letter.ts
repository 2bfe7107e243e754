import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { WebhookDelivery } from './webhook-delivery.ts';

/** Why a delivery was given up: `queue_failed` when it could not be held for its next attempt. */
export type DeadLetterReason = 'exhausted' | 'refused' | 'shutdown' | 'queue_failed';

/** The last resting place of what could not be delivered. */
export interface DeadLetter {
  /** Keeps a trace of the delivery. Never throws. */
  record(delivery: WebhookDelivery, reason: DeadLetterReason, lastError: string): Promise<void>;
}

/** Dead letters as one log line each, with all that is needed to deliver the event by hand. */
export function createLogDeadLetter(logger: Logger, metrics: Metrics): DeadLetter {
  return {
    async record(delivery, reason, lastError) {
      metrics.webhookDeliveries.inc({ outcome: `dead_letter_${reason}` });
      const { event } = delivery;
      logger.error(
        {
          payment_id: event.paymentId,
          reservation_id: event.reservationId,
          user_id: event.userId,
          status: event.status,
          amount: event.amount,
          currency: event.currency,
          event_id: event.eventId,
          webhook_url: delivery.url,
          attempts: delivery.attempts,
          created_at: new Date(delivery.createdAtMs).toISOString(),
          reason,
          error: lastError,
        },
        'Webhook given up',
      );
    },
  };
}
