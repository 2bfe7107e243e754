import { SimulatedChannel } from '../../../../gen/payment/v1/payment_pb.js';
import { type Delivery, DeliveryStatus } from '../../../../gen/simulator/v1/simulator_pb.js';

/* How receivers do, by what was sent to them last. Pure. */

/** One scheme, host and port. */
export interface Receiver {
  readonly origin: string;
  readonly delivered: number;
  readonly waiting: number;
  readonly givenUp: number;
  /** Attempts that failed. */
  readonly failures: number;
  /** Why the last one failed; empty: none did. */
  readonly lastError: string;
}

/** Those with failures first. @param deliveries the newest first. */
export function receiversOf(deliveries: readonly Delivery[]): readonly Receiver[] {
  const byOrigin = new Map<string, Delivery[]>();
  for (const delivery of deliveries) {
    if (delivery.channel === SimulatedChannel.WEBHOOK) {
      const origin = originOf(delivery.url);
      byOrigin.set(origin, [...(byOrigin.get(origin) ?? []), delivery]);
    }
  }
  return [...byOrigin]
    .map(([origin, its]) => receiverOf(origin, its))
    .toSorted((a, b) => b.failures - a.failures || (a.origin < b.origin ? -1 : 1));
}

function receiverOf(origin: string, deliveries: readonly Delivery[]): Receiver {
  const withStatus = (wanted: DeliveryStatus) => deliveries.filter(({ status }) => status === wanted).length;
  const failed = deliveries.flatMap(({ attempts }) => attempts.filter(({ error }) => error !== ''));
  return {
    origin,
    delivered: withStatus(DeliveryStatus.DELIVERED),
    waiting: withStatus(DeliveryStatus.WAITING),
    givenUp: withStatus(DeliveryStatus.GIVEN_UP),
    failures: failed.length,
    lastError: failed[0]?.error ?? '',
  };
}

function originOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : url;
}
