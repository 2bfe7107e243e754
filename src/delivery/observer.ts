import type { PaymentEvent } from '../payment/event.ts';
import type { AttemptResult } from './retry-policy.ts';
import type { ChannelName, DeadLetter } from './dead-letter.ts';
import type { Delivery, WebhookDelivery } from './delivery.ts';
import type { EventBridgeEntry } from './payload.ts';

/** What was sent in one webhook attempt, and how that ended. */
export interface WebhookAttempted {
  readonly kind: 'webhook-attempted';
  /** As it was before the attempt. */
  readonly delivery: WebhookDelivery;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly result: AttemptResult;
  /** Milliseconds since the epoch, by the machine's clock. */
  readonly startedAtMs: number;
  readonly durationMs: number;
}

/** The events of a PutEvents call that are done with it, and how that ended. */
export interface EventsAttempted {
  readonly kind: 'events-attempted';
  readonly attempts: readonly EventAttempt[];
  /** Milliseconds since the epoch, by the machine's clock. */
  readonly startedAtMs: number;
  readonly durationMs: number;
}

/** What was sent of one event. */
export interface EventAttempt {
  /** With the attempt. */
  readonly delivery: Delivery;
  readonly entry: EventBridgeEntry;
  /** Why it failed; undefined when it was taken. */
  readonly error: string | undefined;
}

/** What delivery tells its observers. */
export type DeliveryReport =
  /** An event is handed to the channels; again when it was announced again. */
  | { readonly kind: 'accepted'; readonly event: PaymentEvent }
  /** A tester wants an event delivered otherwise than usual by a channel. */
  | {
      readonly kind: 'delivery-simulated';
      readonly event: PaymentEvent;
      readonly channel: ChannelName;
      /** The fields of the contract that say so. */
      readonly faults: readonly string[];
    }
  | WebhookAttempted
  | EventsAttempted
  /** A webhook was sent with a signature that is wrong on purpose; however it was answered, it has ended. */
  | {
      readonly kind: 'forged';
      readonly delivery: WebhookDelivery;
      readonly result: AttemptResult;
      /** False when there was no way to send it, which ends it as well. */
      readonly isSent: boolean;
    }
  | {
      readonly kind: 'delivered';
      readonly channel: ChannelName;
      /** With the attempt that delivered it. */
      readonly delivery: Delivery;
      /** Of a webhook. */
      readonly url: string | undefined;
      readonly statusCode: number | undefined;
    }
  /** A webhook waits for its next attempt. */
  | {
      readonly kind: 'webhook-waiting';
      readonly delivery: WebhookDelivery;
      /** Whether the last attempt failed; otherwise there was none to be had. */
      readonly isFailed: boolean;
      readonly error: string;
      readonly retryInMs: number;
    }
  | { readonly kind: 'given-up'; readonly letter: DeadLetter }
  /** The queue did not take a delivery that should wait. */
  | {
      readonly kind: 'queue-failed';
      readonly channel: ChannelName;
      readonly delivery: Delivery;
      readonly error: unknown;
    }
  | {
      readonly kind: 'circuit-opened';
      readonly origin: string;
      readonly failures: number;
      readonly openMs: number;
    }
  | { readonly kind: 'circuit-closed'; readonly origin: string }
  /** A PutEvents call ended: `accepted`, `partly_failed`, or why the whole call failed. */
  | { readonly kind: 'call-ended'; readonly outcome: string; readonly durationMs: number }
  | { readonly kind: 'entry-failed'; readonly reason: string }
  /** Some events of a call wait for their next attempt together. */
  | {
      readonly kind: 'events-waiting';
      readonly deliveries: readonly Delivery[];
      /** How many were in the call. */
      readonly of: number;
      readonly error: string;
      readonly retryInMs: number;
    }
  /** Events that are not sent, since the channel is off. */
  | {
      readonly kind: 'events-skipped';
      readonly events: number;
      /** Where it is but one that has just been accepted. */
      readonly event?: PaymentEvent;
    }
  | {
      readonly kind: 'eventbridge-on';
      readonly busName: string;
      readonly region: string;
      readonly endpointUrl: string | undefined;
    }
  /** Off, as nothing is configured. */
  | { readonly kind: 'eventbridge-off' }
  /** No credentials can be had for now: events are skipped, or held. */
  | { readonly kind: 'eventbridge-without-credentials'; readonly skips: boolean; readonly error: string }
  | { readonly kind: 'bus-unreliable'; readonly region: string; readonly error: string }
  | { readonly kind: 'letters-sent'; readonly letters: number }
  | { readonly kind: 'letters-lost'; readonly eventIds: readonly string[]; readonly error: string };
