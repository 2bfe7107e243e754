import type { MessageInitShape } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { JournalEntry, WatchFilterSchema } from '../../../gen/simulator/v1/simulator_pb.js';
import { canSteer, findOutWhetherToSteer, inScope, simulator } from './api.ts';
import { scope } from './router.ts';

/** Whether the service answers. `anew`: it was started again since the page was opened, and has forgotten. */
export const connection = signal<'connecting' | 'live' | 'lost' | 'anew'>('connecting');

/** Grows when what is shown may have changed without anybody having told: everything is to be asked again. */
export const generation = signal(0);

/** What came at once. */
export interface WatchedBatch {
  readonly entries: readonly JournalEntry[];
  /** How many more there were than anybody could read. */
  readonly leftOut: number;
  /** Whether it is the first of a stream: what happened before, and after a list was asked for, is in none. */
  readonly isOpening: boolean;
}

/** What to watch. */
interface Watching {
  readonly filter: MessageInitShape<typeof WatchFilterSchema>;
  /** Whether to begin with all that is remembered. */
  readonly fromOldest?: boolean;
  /** More are counted, and not shown. */
  readonly maxPerSecond?: number;
}

/** How long it is said that the service was started anew, in milliseconds. */
const toldMs = 15_000;
/** How long after a cut it is tried again, in milliseconds. */
const retryMs = 1_000;

/**
 * Tells what happens in the session that is shown for as long as the component is there. A cut is mended by itself.
 * `key` tells what is watched apart: with another one it begins anew.
 */
export function useWatch(key: string, watching: Watching, take: (batch: WatchedBatch) => void): void {
  const latest = useRef(take);
  latest.current = take;
  const steer = canSteer.value;
  const session = scope.value;
  useEffect(() => {
    if (steer !== true) {
      return undefined;
    }
    const ending = new AbortController();
    void keepWatching(watching, (batch) => latest.current(batch), ending.signal);
    return () => ending.abort();
  }, [key, steer, session]);
}

async function keepWatching(
  { filter, fromOldest, maxPerSecond = 0 }: Watching,
  take: (batch: WatchedBatch) => void,
  ended: AbortSignal,
): Promise<void> {
  let cursor = fromOldest === true ? 'oldest' : '';
  while (!ended.aborted) {
    let isOpening = true;
    try {
      const options = { ...inScope(), signal: ended, timeoutMs: 0 };
      for await (const message of simulator.watch({ cursor, filter, maxPerSecond }, options)) {
        noteAnswer(message.skipped === -1n);
        ({ cursor } = message);
        const leftOut = Number(message.sampledOut + (message.skipped > 0n ? message.skipped : 0n));
        if (message.entries.length > 0 || leftOut > 0 || isOpening) {
          take({ entries: message.entries, leftOut, isOpening });
        }
        isOpening = false;
      }
    } catch (error) {
      if (ended.aborted) {
        return;
      }
      const { code } = ConnectError.from(error);
      if (code === Code.Aborted || code === Code.InvalidArgument) {
        // Too slow to read all, or the cursor is of another service: from now on, and the rest is asked again.
        cursor = '';
        generation.value += 1;
      } else {
        connection.value = 'lost';
      }
    }
    await pause(retryMs, ended);
  }
}

/** Something came: the service is there again if it was gone. */
function noteAnswer(isAnew: boolean): void {
  const before = connection.value;
  if (isAnew) {
    connection.value = 'anew';
    setTimeout(() => {
      if (connection.value === 'anew') {
        connection.value = 'live';
      }
    }, toldMs);
  } else if (before !== 'anew') {
    connection.value = 'live';
  }
  if (isAnew || before === 'lost') {
    generation.value += 1;
    void findOutWhetherToSteer().catch(() => undefined);
  }
}

function pause(ms: number, ended: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    ended.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
