/**
 * What a contract suite needs to run on one implementation of a port, whatever its idea of time:
 * memory is tested with a clock that is moved, a store outside the process by waiting.
 */
export interface PortHarness<T> {
  readonly port: T;
  /** Milliseconds since the epoch, as the implementation sees them. */
  readonly now: () => number;
  /** Lets at least this much time pass, and whatever is due with it happen. */
  readonly passTime: (ms: number) => Promise<void>;
  /** Whether what this process leaves behind will be taken up by another. */
  readonly outlivesProcess: boolean;
}

/** How implementations of a port may differ. */
export interface PortTraits {
  /** Whether it knows how many there may be; otherwise that is up to the store behind it. */
  readonly isBounded: boolean;
}
