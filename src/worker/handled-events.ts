import type { MachineClock } from '../base/clock.ts';

/** The bounds of the memory. */
export interface HandledEventsOptions {
  readonly clock: MachineClock;
  /** How long an event is remembered, in milliseconds. */
  readonly ttlMs: number;
  /** Beyond so many the oldest are forgotten first. */
  readonly maxEvents: number;
}

/** `duplicate`: somebody else has handled it, or did while we waited. */
export type OnceResult = 'handled' | 'failed' | 'duplicate';

/**
 * Remembers which events were handled, in this process and for a while. The queue delivers at least
 * once, so copies come; a copy that arrives at another worker or after the memory has faded is
 * harmless because the update of a reservation may be repeated. This spares the calls.
 */
export interface HandledEvents {
  /**
   * Calls `handle` unless the event was handled before. While one copy is being handled the others
   * wait for its result: they are duplicates if it succeeds and have failed with it if it fails.
   *
   * @param handle resolves with whether it succeeded; only then is the event remembered.
   */
  once(eventId: string, handle: () => Promise<boolean>): Promise<OnceResult>;
  size(): number;
}

/** See `HandledEvents`. */
export function createHandledEvents(options: HandledEventsOptions): HandledEvents {
  const { clock, ttlMs, maxEvents } = options;
  /** When to forget each event; in the order of that time, since all live equally long. */
  const forgetAtMs = new Map<string, number>();
  const running = new Map<string, Promise<boolean>>();

  function remember(eventId: string): void {
    forgetAtMs.set(eventId, clock.now() + ttlMs);
    for (const [oldest, atMs] of forgetAtMs) {
      if (forgetAtMs.size <= maxEvents && atMs > clock.now()) {
        break;
      }
      forgetAtMs.delete(oldest);
    }
  }

  return {
    async once(eventId, handle) {
      if ((forgetAtMs.get(eventId) ?? 0) > clock.now()) {
        return 'duplicate';
      }
      const other = running.get(eventId);
      if (other !== undefined) {
        return (await other) ? 'duplicate' : 'failed';
      }
      forgetAtMs.delete(eventId);
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
    size: () => forgetAtMs.size,
  };
}
