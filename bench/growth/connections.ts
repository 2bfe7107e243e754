import { join } from 'node:path';
import { grpcLoad } from '../lib/grpc-load.ts';
import { startServer } from '../lib/server-process.ts';
import { scratch, startService } from '../lib/service.ts';

/** Creates per second over few and over many connections. */
export interface FewAndMany {
  readonly few: number;
  readonly many: number;
}

/** What was measured, one pair per round, and what failed. */
export interface ConnectionsResult {
  readonly rounds: readonly FewAndMany[];
  /** The same at a bare `node:http2` server: what the platform itself loses. */
  readonly bareRounds: readonly FewAndMany[];
  /** Calls that failed, in the eyes of h2load and by the service's own count, and connections refused. */
  readonly failed: number;
}

/** Measures 10 and 1,000 connections in turns at one service; nothing else differs between them. */
export async function measureConnections(streams: number, roundCount: number): Promise<ConnectionsResult> {
  const service = await startService();
  const bare = await startServer({
    args: ['bench/contenders/bare-http2.ts'],
    logFile: join(scratch, 'bare-http2.log'),
  });
  const rounds: FewAndMany[] = [];
  const bareRounds: FewAndMany[] = [];
  let failed = 0;

  async function measure(port: number, connections: number): Promise<number> {
    const result = await grpcLoad({ port, connections, streams, seconds: 4, warmUpSeconds: 3 });
    failed += result.failed;
    await service.settled();
    return result.perSecond;
  }

  for (let round = 0; round < roundCount; round += 1) {
    rounds.push({ few: await measure(service.apiPort, 10), many: await measure(service.apiPort, 1_000) });
    bareRounds.push({ few: await measure(bare.port, 10), many: await measure(bare.port, 1_000) });
  }
  failed += await service.metric('api_connections_refused_total');
  await service.stop();
  await bare.stop();
  return { rounds, bareRounds, failed };
}
