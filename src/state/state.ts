import type { Delivery, WebhookDelivery } from '../delivery/delivery.ts';
import type { Observer } from '../base/observer.ts';
import type { DeliveryReport } from '../delivery/observer.ts';
import type { AttemptLog, DeliveryQueue } from '../delivery/ports.ts';
import type { SteeringStore } from '../simulator/ports.ts';
import type { IdempotencyStore, Payments } from '../payment/ports.ts';

/** All that is remembered, by whichever implementation. */
export interface State {
  readonly payments: Payments;
  readonly idempotency: IdempotencyStore;
  readonly webhookQueue: DeliveryQueue<WebhookDelivery>;
  readonly eventQueue: DeliveryQueue<Delivery>;
  readonly attemptLog: AttemptLog;
  /** What testers set. */
  readonly steering: SteeringStore;
  /** Is told of deliveries, where what is stored depends on them. */
  readonly observeDelivery?: Observer<DeliveryReport>;
  /** Whether all this outlives the process, and others take over what it leaves. */
  readonly durable: boolean;
  /** Begins to work on what is due; everything has its handler by then. */
  start(): Promise<void>;
  /** What keeps the state from being used, or undefined. */
  unreadyReason(): string | undefined;
  /** Ends what still runs and lets go of everything; the last call. */
  close(): Promise<void>;
}
