import type { Delivery, WebhookDelivery } from '../delivery/delivery.ts';
import type { Observer } from '../base/observer.ts';
import type { DeliveryReport } from '../delivery/observer.ts';
import type { AttemptLog, DeliveryQueue } from '../delivery/ports.ts';
import type { QuietStore } from '../simulator/journal/quiet-store.ts';
import type { SteeringStore } from '../simulator/ports.ts';
import type { IdempotencyStore, Payments } from '../payment/ports.ts';

/** All that is remembered, by whichever implementation. */
export interface State {
  readonly payments: Payments;
  readonly idempotency: IdempotencyStore;
  readonly webhookQueue: DeliveryQueue<WebhookDelivery>;
  readonly eventQueue: DeliveryQueue<Delivery>;
  /** Of the attempts of all processes; undefined where there is but one, which knows what it has done. */
  readonly attemptLog: AttemptLog | undefined;
  /** What testers set. */
  readonly steering: SteeringStore;
  /** What has happened, for testers; undefined where there are none. */
  readonly journal: QuietStore | undefined;
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
