import { grpcLoad } from '../lib/grpc-load.ts';
import { startService } from '../lib/service.ts';

/** Creates per second over few and over many connections, one pair per round, and what failed. */
export interface ConnectionsResult {
  readonly rounds: readonly { readonly few: number; readonly many: number }[];
  /** Calls that failed, in the eyes of h2load and by the service's own count, and connections refused. */
  readonly failed: number;
}

/** Measures 10 and 1,000 connections in turns at one service; nothing else differs between them. */
export async function measureConnections(streams: number, roundCount: number): Promise<ConnectionsResult> {
  const service = await startService();
  const rounds: { few: number; many: number }[] = [];
  let failed = 0;

  async function measure(connections: number): Promise<number> {
    const load = { port: service.apiPort, connections, streams, seconds: 4, warmUpSeconds: 3 };
    const result = await grpcLoad(load);
    failed += result.failed;
    await service.settled();
    return result.perSecond;
  }

  for (let round = 0; round < roundCount; round += 1) {
    rounds.push({ few: await measure(10), many: await measure(1_000) });
  }
  failed += await service.metric('api_connections_refused_total');
  await service.stop();
  return { rounds, failed };
}
