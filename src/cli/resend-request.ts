import { UsageError } from '../base/command-line.ts';

/** What the service is asked to send again. */
export interface ServiceResend {
  readonly url: string;
  /** Since a time, in milliseconds since the epoch; of a payment; or an event. */
  readonly which:
    | { readonly case: 'givenUpSince'; readonly sinceMs: number }
    | { readonly case: 'paymentIntentId' | 'eventId'; readonly value: string };
  readonly isDryRun: boolean;
}

const units: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * Reads `--since`: a time such as `2026-01-01T09:00:00Z`, or how long ago, such as `30m`.
 *
 * @returns milliseconds since the epoch.
 * @throws UsageError
 */
export function readSince(text: string, nowMs: number): number {
  const [, count, unit = ''] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  const sinceMs = count === undefined ? Date.parse(text) : nowMs - Number(count) * (units[unit] ?? 0);
  if (Number.isNaN(sinceMs)) {
    throw new UsageError(
      `--since must be a time such as 2026-01-01T09:00:00Z, or how long ago, such as 30m, 2h or 1d`,
    );
  }
  return sinceMs;
}
