import { encodeEventBridgeDetail, eventBridgeDetailType, type PaymentEvent } from '../payload.ts';

/** One entry of a PutEvents call. */
export interface EventBridgeEntry {
  readonly Source: string;
  readonly DetailType: string;
  readonly EventBusName: string;
  /** JSON. */
  readonly Detail: string;
  readonly Time: Date;
}

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
 * @param settledAtMs when the payment settled, in milliseconds since the epoch.
 * @param nowMs when the entry is made.
 */
export function toEventBridgeEntry(
  event: PaymentEvent,
  settledAtMs: number,
  nowMs: number,
  address: EntryAddress,
): EventBridgeEntry {
  return {
    Source: address.source,
    DetailType: eventBridgeDetailType,
    EventBusName: address.busName,
    Detail: encodeEventBridgeDetail(event, Math.floor(nowMs / 1000)),
    Time: new Date(settledAtMs),
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
