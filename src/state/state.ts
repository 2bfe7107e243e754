import type { EventRetry } from '../delivery/eventbridge/event-retry.ts';
import type { WebhookDelivery } from '../delivery/webhook/delivery.ts';
import type {
  AttemptLog,
  DeliveryQueue,
  IdempotencyStore,
  PaymentIntake,
  PaymentStore,
  SettlementScheduler,
} from './ports.ts';

/** All that is remembered, by whichever implementation. */
export interface State {
  readonly store: PaymentStore;
  readonly intake: PaymentIntake;
  readonly idempotency: IdempotencyStore;
  readonly scheduler: SettlementScheduler;
  readonly webhookQueue: DeliveryQueue<WebhookDelivery>;
  /** Undefined when events wait for their retry in the sender's memory. */
  readonly eventQueue: DeliveryQueue<EventRetry> | undefined;
  readonly attemptLog: AttemptLog;
  /** Whether payments and schedules outlive this process, and others take over what it leaves. */
  readonly outlivesProcess: boolean;
  /** Begins to work on what is due; everything has its handler by then. */
  start(): Promise<void>;
  /** What keeps the state from being used, or undefined. */
  unreadyReason(): string | undefined;
  /** Ends what still runs and lets go of everything; the last call. */
  close(): Promise<void>;
}
