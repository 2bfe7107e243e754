import { toEnvelope } from '../../dev/event-bus.ts';
import { encodeEventBridgeDetail, eventBridgeDetailTypes } from '../../src/delivery/payload.ts';
import { sampleEvent } from '../support/sample-payment.ts';
import { region } from './queues.ts';

/** The message of a payment that has completed: the service's own detail in EventBridge's envelope. */
export function outcomeMessage(reservationId: string): string {
  const event = sampleEvent({ id: `pay-${reservationId}`, eventId: `evt-${reservationId}`, reservationId });
  const fields = {
    source: 'payment-sim-api',
    detailType: eventBridgeDetailTypes[event.type],
    detail: JSON.parse(encodeEventBridgeDetail(event, 1_767_225_600)) as Record<string, unknown>,
    resources: [],
    timeMs: 1_767_225_600_000,
  };
  return JSON.stringify(toEnvelope(fields, region));
}

/** So many ids of reservations: `reservation-0`, `reservation-1`, … */
export function reservationIds(count: number): readonly string[] {
  return Array.from({ length: count }, (_, n) => `reservation-${n}`);
}
