import { Code } from '@connectrpc/connect';
import { percentile } from './statistics.ts';

const histogramBars = 10;
const widestBar = 40;

/**
 * A summary in the manner of ghz.
 *
 * @param latenciesMs one per call, in milliseconds; at least one.
 * @param statuses how often each `grpc-status` came; or, for calls without one, what broke them.
 * @param totalMs from the first call to the last answer.
 */
export function summarize(
  latenciesMs: readonly number[],
  statuses: ReadonlyMap<string, number>,
  totalMs: number,
): string {
  const sorted = Float64Array.from(latenciesMs).toSorted();
  const [fastest, slowest] = [sorted[0] ?? Number.NaN, sorted.at(-1) ?? Number.NaN];
  const average = sorted.reduce((sum, value) => sum + value, 0) / sorted.length;
  return [
    'Summary:',
    `  Count:        ${sorted.length}`,
    `  Total:        ${(totalMs / 1000).toFixed(2)} s`,
    `  Slowest:      ${slowest.toFixed(2)} ms`,
    `  Fastest:      ${fastest.toFixed(2)} ms`,
    `  Average:      ${average.toFixed(2)} ms`,
    `  Requests/sec: ${(sorted.length / (totalMs / 1000)).toFixed(2)}`,
    '',
    'Response time histogram:',
    ...histogram(sorted, fastest, slowest),
    '',
    'Latency distribution:',
    ...[10, 25, 50, 75, 90, 95, 99].map(
      (percent) => `  ${percent} % in ${percentile(sorted, percent).toFixed(2)} ms`,
    ),
    '',
    'Status code distribution:',
    ...[...statuses].map(([status, count]) => `  [${statusName(status)}]  ${count} responses`),
  ].join('\n');
}

function histogram(sorted: Float64Array, fastest: number, slowest: number): readonly string[] {
  const step = (slowest - fastest) / histogramBars;
  const counts = Array.from({ length: histogramBars }, () => 0);
  for (const value of sorted) {
    const bar = Math.min(histogramBars - 1, Math.floor((value - fastest) / step) || 0);
    counts[bar] = (counts[bar] ?? 0) + 1;
  }
  const most = Math.max(...counts);
  return counts.map((count, index) => {
    const upTo = (fastest + step * (index + 1)).toFixed(2).padStart(9);
    return `  ${upTo} ms [${String(count).padStart(7)}] |${'∎'.repeat(Math.round((count / most) * widestBar))}`;
  });
}

/** `0` is OK, which is no error and therefore not in Connect's table. */
function statusName(status: string): string {
  return status === '0' ? 'OK' : (Code[Number(status)] ?? status);
}
