import { join } from 'node:path';
import { type LoadResult, runH2load } from '../lib/h2load.ts';
import { createPath, grpcHeaders, jsonHeaders, type writeRequestBodies } from '../lib/request-bodies.ts';
import { startServer } from '../lib/server-process.ts';
import type { Contender } from './contenders.ts';

/** As many creates as go, over gRPC or as JSON, and creates over gRPC at a rate. */
export const parts = ['grpc', 'json', 'latency'] as const;
export type Part = (typeof parts)[number];

/** What one contender did in one round. */
export interface Round extends LoadResult {
  readonly cpuMicrosecondsPerRequest: number;
  readonly peakRssMib: number;
}

/** What is the same for all rounds. */
export interface RoundSettings {
  readonly bodies: ReturnType<typeof writeRequestBodies>;
  readonly seconds: number;
}

/** Longer than the default delay of two seconds: payments of the warm-up settle while it is measured. */
export const warmUpSeconds = 3;

/**
 * Measures a new process of the contender.
 *
 * @param perSecond calls a second in all; as many as go unless given.
 */
export async function runRound(
  { command, protocol }: Contender,
  { bodies, seconds }: RoundSettings,
  perSecond?: number,
): Promise<Round> {
  const server = await startServer({ ...command, logFile: join(bodies.folder, 'server.log') });
  try {
    let cpuAtStart = 0;
    const result = await runH2load({
      url: `http://127.0.0.1:${server.port}${createPath}`,
      headers: protocol === 'gRPC' ? grpcHeaders : jsonHeaders,
      bodyFile: protocol === 'gRPC' ? bodies.grpc : bodies.json,
      // 50 calls in flight either way; HTTP/1.1 has one per connection.
      connections: protocol === 'gRPC' ? 5 : 50,
      streamsPerConnection: protocol === 'gRPC' ? 10 : 1,
      http1: protocol === 'JSON',
      warmUpSeconds,
      seconds,
      ...(perSecond !== undefined && { perSecond }),
      onMeasuring: () => {
        cpuAtStart = server.cpuMicroseconds();
      },
    });
    const cpuMicrosecondsPerRequest = (server.cpuMicroseconds() - cpuAtStart) / result.requests;
    return { ...result, cpuMicrosecondsPerRequest, peakRssMib: server.peakRssMib() };
  } finally {
    await server.stop();
  }
}
