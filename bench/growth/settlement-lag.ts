import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { grpcLoad } from '../lib/grpc-load.ts';
import { startService } from '../lib/service.ts';
import { percentile } from '../lib/statistics.ts';

/** How late settlements are; in milliseconds. */
export interface LagResult {
  /** Creates per second that were reached. */
  readonly perSecond: number;
  readonly settlements: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

const delayMs = 2_000;
const warmUpSeconds = 3;
/** The log holds lines back for 100 ms. */
const logWaitMs = 500;

/**
 * Creates 5,000 payments per second. The lag is exact, taken from the log: what a payment took from
 * its creation to its settlement, less the delay it was to have. The warm-up's payments do not count.
 */
export async function measureSettlementLag(seconds: number): Promise<LagResult> {
  const service = await startService({ DEFAULT_DELAY_MS: String(delayMs) });
  const fromMs = Date.now() + warmUpSeconds * 1_000 + delayMs;
  const connections = 50;
  const { perSecond } = await grpcLoad({
    port: service.apiPort,
    connections,
    streams: 10,
    rate: 5_000 / connections,
    seconds,
    warmUpSeconds,
  });
  await service.settled();
  await delay(logWaitMs);
  const lags = Float64Array.from(await readLags(service.logPath, fromMs, delayMs)).toSorted();
  await service.stop();
  return {
    perSecond,
    settlements: lags.length,
    p50: percentile(lags, 50),
    p99: percentile(lags, 99),
    max: percentile(lags, 100),
  };
}

/** How late the settlements were that a log has from a time on; `plannedMs` is what each was to take. In milliseconds. */
export async function readLags(
  logPath: string,
  fromMs: number,
  plannedMs: number,
): Promise<readonly number[]> {
  const lags: number[] = [];
  for await (const line of createInterface({ input: createReadStream(logPath) })) {
    const entry = JSON.parse(line) as { ts: string; msg: string; latency_ms?: number };
    if (entry.msg === 'Payment processed successfully' && Date.parse(entry.ts) >= fromMs) {
      lags.push((entry.latency_ms ?? Number.NaN) - plannedMs);
    }
  }
  return lags;
}
