import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createPath } from '../lib/create-call.ts';
import { grpcLoad } from '../lib/grpc-load.ts';
import { type ServerProcess, startServer } from '../lib/server-process.ts';
import { scratch, startService } from '../lib/service.ts';

/** Calls per second of one server in one round. */
export interface Throughputs {
  /** Over 10 connections. */
  readonly few: number;
  /** Over 10 connections with as many calls in flight, in all, as over the 1,000. */
  readonly fewBusy: number;
  /** Over 1,000 connections. */
  readonly many: number;
}

/** What was measured, and what failed. */
export interface ConnectionsResult {
  readonly service: readonly Throughputs[];
  /** What the platform itself loses. */
  readonly bareHttp2: readonly Throughputs[];
  /** What nghttp2's own server in C loses on this machine, with this load generator; empty when it is missing. */
  readonly nghttpd: readonly Throughputs[];
  /** Calls that failed, in the eyes of h2load and by the service's own count, and connections refused. */
  readonly failed: number;
}

const few = 10;
const many = 1_000;

/** Measures few and many connections in turns, at one service and at two servers that do hardly anything. */
export async function measureConnections(streams: number, roundCount: number): Promise<ConnectionsResult> {
  const service = await startService();
  const bare = await startServer({
    args: ['bench/contenders/bare-http2.ts'],
    logFile: join(scratch, 'bare-http2.log'),
  });
  const nghttpd = await startNghttpd((streams * many) / few);
  const result = {
    service: [] as Throughputs[],
    bareHttp2: [] as Throughputs[],
    nghttpd: [] as Throughputs[],
    failed: 0,
  };

  async function measure(port: number, connections: number, perConnection: number): Promise<number> {
    const load = { port, connections, streams: perConnection, seconds: 4, warmUpSeconds: 2 };
    const { failed, perSecond } = await grpcLoad(load);
    result.failed += failed;
    await service.settled();
    return perSecond;
  }

  async function measureAt(port: number): Promise<Throughputs> {
    return {
      few: await measure(port, few, streams),
      fewBusy: await measure(port, few, (streams * many) / few),
      many: await measure(port, many, streams),
    };
  }

  for (let round = 0; round < roundCount; round += 1) {
    result.service.push(await measureAt(service.apiPort));
    result.bareHttp2.push(await measureAt(bare.port));
    if (nghttpd !== undefined) {
      result.nghttpd.push(await measureAt(nghttpd.port));
    }
  }
  result.failed += await service.metric('api_connections_refused_total');
  await Promise.all([service.stop(), bare.stop(), nghttpd?.stop()]);
  return result;
}

/** nghttpd, which answers each call with a file as long as the service's answer. */
async function startNghttpd(maxStreams: number): Promise<ServerProcess | undefined> {
  if (spawnSync('nghttpd', ['--version']).error !== undefined) {
    console.log('nghttpd is not measured: apt-get install nghttp2-server');
    return undefined;
  }
  const folder = join(scratch, 'nghttpd');
  const file = join(folder, createPath);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, Buffer.alloc(49));
  return await startServer({
    program: 'nghttpd',
    args: ['--no-tls', `--max-concurrent-streams=${maxStreams}`, `--htdocs=${folder}`],
    portIsArgument: true,
    logFile: join(scratch, 'nghttpd.log'),
  });
}
