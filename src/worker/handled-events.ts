/** The bounds of the memory. */
interface HandledEventsOptions {
  /** Milliseconds from any fixed point in time; never goes back. */
  readonly monotonicMs: () => number;
  /** How long an event is remembered, in milliseconds. */
  readonly ttlMs: number;
  /** Beyond so many the oldest are forgotten first. */
  readonly maxEvents: number;
}

/** `duplicate`: the event was handled before, or by another call that this one waited for. */
type OnceResult = 'handled' | 'failed' | 'duplicate';

/**
 * Remembers in this process which events were handled lately. SQS delivers at least once, so copies
 * come. This saves calls to the reservation API and is not needed for correctness: a copy that another
 * worker receives, or that comes after its entry has expired, repeats an update that is idempotent.
 */
export interface HandledEvents {
  /**
   * Calls `handle` unless the event was handled before. While one copy is being handled the others
   * wait for its result: they are duplicates if it succeeds and have failed with it if it fails.
   *
   * @param handle resolves with whether it succeeded; only then is the event remembered.
   * @throws what `handle` throws, in every call that waits for it.
   */
  once(eventId: string, handle: () => Promise<boolean>): Promise<OnceResult>;
  /** How many events are remembered, expired ones that were not removed yet included. */
  size(): number;
}

/** See `HandledEvents`. */
export function createHandledEvents(options: HandledEventsOptions): HandledEvents {
  const { monotonicMs, ttlMs, maxEvents } = options;
  /** When each event expires. All have the same TTL, so insertion order is the order of expiry. */
  const expiresAtMs = new Map<string, number>();
  const running = new Map<string, Promise<boolean>>();

  function remember(eventId: string): void {
    const nowMs = monotonicMs();
    expiresAtMs.set(eventId, nowMs + ttlMs);
    for (const [oldest, atMs] of expiresAtMs) {
      if (expiresAtMs.size <= maxEvents && atMs > nowMs) {
        break;
      }
      expiresAtMs.delete(oldest);
    }
  }

  return {
    async once(eventId, handle) {
      const atMs = expiresAtMs.get(eventId);
      if (atMs !== undefined && atMs > monotonicMs()) {
        return 'duplicate';
      }
      const other = running.get(eventId);
      if (other !== undefined) {
        return (await other) ? 'duplicate' : 'failed';
      }
      // Deleted first, or `set` would leave the event at its old place in the order.
      expiresAtMs.delete(eventId);
      const mine = handle();
      running.set(eventId, mine);
      try {
        const succeeded = await mine;
        if (succeeded) {
          remember(eventId);
        }
        return succeeded ? 'handled' : 'failed';
      } finally {
        running.delete(eventId);
      }
    },
    size: () => expiresAtMs.size,
  };
}
