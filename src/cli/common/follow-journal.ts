import type { MessageInitShape } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { setTimeout as pause } from 'node:timers/promises';
import type { JournalEntry, WatchFilterSchema } from '../../../gen/simulator/v1/simulator_pb.js';
import { errorMessage } from '../../base/error-text.ts';
import { explain, type Service } from './service.ts';

/** Whom to tell what. */
export interface JournalReader {
  /** Everything that happens from now on is told. */
  opened(): void;
  entry(entry: JournalEntry): void;
  /** So many are not told; below 0: all that the service before had. */
  skipped(count: number): void;
  /** The connection is lost, and tried again. */
  broken(reason: string): void;
}

/** What to watch. */
export interface JournalView {
  readonly filter: MessageInitShape<typeof WatchFilterSchema>;
  /** `oldest`, or empty: from now on. */
  readonly from: string;
  readonly signal?: AbortSignal;
}

/** Before a connection is tried again, in milliseconds. */
const againMs = 1_000;

/**
 * Tells what happens until the signal; goes on where it was when the connection is lost or the service starts again.
 *
 * @throws Error when the first connection fails, or the service refuses.
 */
export async function followJournal(
  { simulator, url }: Pick<Service, 'simulator' | 'url'>,
  { filter, from, signal }: JournalView,
  reader: JournalReader,
): Promise<void> {
  let cursor = from;
  let wasOpen = false;
  for (;;) {
    try {
      for await (const { entries, cursor: next, skipped } of simulator.watch(
        { cursor, filter },
        // A stream has no end.
        { timeoutMs: 0, ...(signal !== undefined && { signal }) },
      )) {
        if (!wasOpen) {
          wasOpen = true;
          reader.opened();
        }
        cursor = next;
        if (skipped !== 0n) {
          reader.skipped(Number(skipped));
        }
        entries.forEach((entry) => reader.entry(entry));
      }
    } catch (error) {
      if (signal?.aborted === true) {
        return;
      }
      const reason = explain(url, error);
      if (!wasOpen || !isPassing(error)) {
        throw reason;
      }
      reader.broken(errorMessage(reason));
    }
    await pause(againMs, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
    if (signal?.aborted === true) {
      return;
    }
  }
}

/** Whether trying again may help: the service is gone, stops, or found the reader too slow. */
function isPassing(error: unknown): boolean {
  return (
    !(error instanceof ConnectError) ||
    [Code.Unavailable, Code.Aborted, Code.Unknown, Code.Internal].includes(error.code)
  );
}
