import type { CallTrace } from '../../base/call-trace.ts';
import type { PaymentEvent } from '../../payment/event.ts';
import type { BatchLimits } from '../batch.ts';
import { encodeEventBridgeDetail, type EventBridgeEntry, eventBridgeDetailTypes } from '../payload.ts';

/** What became of one entry; accepted when there is no error code. */
export interface EntryResult {
  readonly ErrorCode?: string | undefined;
  readonly ErrorMessage?: string | undefined;
}

/** Calls PutEvents once; resolves with one result per entry, rejects when the call as a whole failed. */
export type PutEvents = (entries: readonly EventBridgeEntry[]) => Promise<readonly EntryResult[]>;

/** Where entries come from and go to. */
export interface EntryAddress {
  readonly source: string;
  /** Name or ARN. */
  readonly busName: string;
}

/**
 * The entry that tells an event.
 *
 * @param nowMs when the entry is made, in milliseconds since the epoch.
 * @param trace that of the payment, unless the attempt has a span.
 */
export function toEventBridgeEntry(
  event: PaymentEvent,
  nowMs: number,
  address: EntryAddress,
  trace: CallTrace | undefined = event.payment.trace,
): EventBridgeEntry {
  return {
    Source: address.source,
    DetailType: eventBridgeDetailTypes[event.type],
    EventBusName: address.busName,
    Detail: encodeEventBridgeDetail(event, Math.floor(nowMs / 1000), trace),
    Time: new Date(event.occurredAtMs),
  };
}

/**
 * The size of an entry as AWS counts it, in bytes: 14 for the time, and the UTF-8 lengths of source,
 * detail type and detail.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html#eb-putevent-size
 */
export function entryBytes(entry: EventBridgeEntry): number {
  return (
    14 +
    Buffer.byteLength(entry.Source) +
    Buffer.byteLength(entry.DetailType) +
    Buffer.byteLength(entry.Detail)
  );
}

/**
 * The limits of a PutEvents call: 10 entries, and all of them together under 1 MB (256 KB until
 * 2026, and still so in some partitions; ten payment events stay far below either).
 * https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
 */
export const putEventsLimits: BatchLimits = { maxEntries: 10, maxBytes: 1_000_000 };
