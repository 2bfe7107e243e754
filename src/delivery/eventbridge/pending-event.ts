import type { MachineClock } from '../../base/clock.ts';
import { type Delivery } from '../delivery.ts';
import { type EntryAddress, type EventBridgeEntry, toEventBridgeEntry } from './entry.ts';

/** An event that is in the hands of the sender. */
export interface PendingEvent {
  /** As it is after the attempts so far. */
  delivery: Delivery;
  /** Made at the first attempt here and the same in every one. */
  entry: EventBridgeEntry | undefined;
  /** Called once: the event is accounted for, or fails to be. */
  readonly onEnd: (ended: Promise<void>) => void;
}

/** The entry of an event, made when it is first asked for. */
export function entryOf(
  pending: PendingEvent,
  address: EntryAddress,
  machine: MachineClock,
): EventBridgeEntry {
  const { event } = pending.delivery;
  pending.entry ??= toEventBridgeEntry(event, machine.now(), address);
  return pending.entry;
}
