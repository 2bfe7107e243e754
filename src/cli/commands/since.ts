import { UsageError } from '../common/cli-error.ts';
import { readDurationMs } from '../../base/duration-text.ts';

/**
 * Reads `--since`: a time such as `2026-01-01T09:00:00Z`, or how long ago, such as `30m`.
 *
 * @returns milliseconds since the epoch.
 * @throws UsageError
 */
export function readSince(text: string, nowMs: number): number {
  const agoMs = readDurationMs(text);
  const sinceMs = agoMs === undefined ? Date.parse(text) : nowMs - agoMs;
  if (Number.isNaN(sinceMs)) {
    throw new UsageError(
      `--since must be a time such as 2026-01-01T09:00:00Z, or how long ago, such as 30m, 2h or 1d`,
    );
  }
  return sinceMs;
}
