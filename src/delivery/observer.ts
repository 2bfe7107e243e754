import type { DeadLetter, DeadLetterReason } from './dead-letter/dead-letter.ts';
import type { DeliveryChannel } from './delivery-service.ts';
import type { PaymentEvent } from './payload.ts';
import type { WebhookDelivery } from './webhook/delivery.ts';
import type { AttemptResult } from './webhook/request.ts';

/** What was sent in one attempt, and how that ended. */
export interface SentAttempt {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly result: AttemptResult;
}

/** Sees outcomes go out, for those who run the service inside their tests. Must not throw. */
export interface DeliveryObserver {
  /** A payment has settled, whether it has a webhook or not. */
  settled(event: PaymentEvent, webhookUrl: string | undefined): void;
  /** @param delivery as it was before the attempt. */
  attempted(delivery: WebhookDelivery, attempt: SentAttempt): void;
  givenUp(delivery: WebhookDelivery, reason: DeadLetterReason, lastError: string): void;
}

/** The observer as a channel, which is told of every settlement; put it before those that send. */
export function observingChannel(observer: DeliveryObserver): DeliveryChannel {
  return {
    accept(event, payment) {
      observer.settled(event, payment.webhookUrl);
      return undefined;
    },
    drain: () => Promise.resolve(),
  };
}

/** `deadLetter`, which the observer is told of. */
export function observedDeadLetter(
  deadLetter: DeadLetter,
  observer: DeliveryObserver | undefined,
): DeadLetter {
  return observer === undefined
    ? deadLetter
    : {
        async record(delivery, reason, lastError) {
          observer.givenUp(delivery, reason, lastError);
          await deadLetter.record(delivery, reason, lastError);
        },
      };
}
