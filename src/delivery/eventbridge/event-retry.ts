import type { PaymentEvent } from '../payload.ts';

/** An event on its way to EventBridge that waits outside of the process; plain data. */
export interface EventRetry {
  readonly event: PaymentEvent;
  /** Milliseconds since the epoch. */
  readonly settledAtMs: number;
  /** Attempts made so far. */
  readonly attempts: number;
  /** How often it waited without an attempt. */
  readonly waits: number;
  /** Milliseconds since the epoch; absent before the first attempt. */
  readonly firstAttemptAtMs?: number;
  readonly lastAttemptAtMs?: number;
  readonly lastError: string;
}
