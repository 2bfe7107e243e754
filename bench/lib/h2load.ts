import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** One load: so many connections, each with so many calls in flight, for a time. */
export interface Load {
  readonly url: string;
  readonly headers: readonly string[];
  /** Path of a file with the request's body. */
  readonly bodyFile: string;
  readonly connections: number;
  readonly streamsPerConnection: number;
  /** HTTP/1.1 instead of h2c. */
  readonly http1: boolean;
  readonly warmUpSeconds: number;
  readonly seconds: number;
  /** Calls per second over all connections; as many as go unless given. */
  readonly perSecond?: number;
  /** Called when the warm-up is over and the measured time begins. */
  readonly onMeasuring?: () => void;
}

/** What h2load measured after the warm-up. */
export interface LoadResult {
  readonly requestsPerSecond: number;
  readonly requests: number;
  /** Answers other than 2xx, and requests without an answer. */
  readonly failures: number;
  /** Milliseconds, from the request log. */
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
}

/** Runs `h2load` once. */
export async function runH2load(load: Load): Promise<LoadResult> {
  const folder = await mkdtemp(join(tmpdir(), 'h2load-'));
  const logFile = join(folder, 'requests.tsv');
  try {
    const output = await spawnH2load(load, logFile);
    const latenciesMs = (await readFile(logFile, 'utf8'))
      .split('\n')
      .map((line) => line.split('\t'))
      // Status 0: begun in the warm-up.
      .filter(([, status]) => status === '200')
      .map(([, , microseconds]) => Number(microseconds) / 1000)
      .toSorted((a, b) => a - b);
    const failed = /(\d+) failed, (\d+) errored, (\d+) timeout/.exec(output);
    const refused = /(\d+) 3xx, (\d+) 4xx, (\d+) 5xx/.exec(output);
    return {
      requests: latenciesMs.length,
      requestsPerSecond: latenciesMs.length / load.seconds,
      failures: [...(failed?.slice(1) ?? []), ...(refused?.slice(1) ?? [])].reduce(
        (sum, n) => sum + Number(n),
        0,
      ),
      p50Ms: percentile(latenciesMs, 0.5),
      p95Ms: percentile(latenciesMs, 0.95),
      p99Ms: percentile(latenciesMs, 0.99),
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}

function spawnH2load(load: Load, logFile: string): Promise<string> {
  const args = [
    `--clients=${load.connections}`,
    `--max-concurrent-streams=${load.streamsPerConnection}`,
    `--duration=${load.seconds}`,
    `--warm-up-time=${load.warmUpSeconds}`,
    `--data=${load.bodyFile}`,
    `--log-file=${logFile}`,
    ...(load.perSecond === undefined ? [] : [`--rps=${(load.perSecond / load.connections).toFixed(1)}`]),
    ...(load.http1 ? ['--h1'] : []),
    ...load.headers.flatMap((header) => ['-H', header]),
    load.url,
  ];
  return new Promise((resolve, reject) => {
    const child = spawn('h2load', args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    createInterface({ input: child.stdout }).on('line', (line) => {
      output += `${line}\n`;
      if (line.startsWith('Main benchmark duration is started')) {
        load.onMeasuring?.();
      }
    });
    child.once('error', (error: NodeJS.ErrnoException) => {
      const hint =
        error.code === 'ENOENT' ? 'h2load is missing: apt-get install nghttp2-client' : error.message;
      reject(new Error(hint));
    });
    child.once('close', (code) =>
      code === 0 ? resolve(output) : reject(new Error(`h2load ended with ${code}`)),
    );
  });
}

/** The value below which a share of the sorted values lies; NaN when there are none. */
export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** The middle of the values; NaN when there are none. */
export function median(values: readonly number[]): number {
  return percentile(
    values.toSorted((a, b) => a - b),
    0.5,
  );
}
