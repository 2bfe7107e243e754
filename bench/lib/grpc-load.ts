import { execFile, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createFrame, createPath } from './create-call.ts';
import { scratch } from './service.ts';

/** How h2load shall call; either for a time or so many times. */
export interface GrpcLoad {
  readonly port: number;
  readonly connections: number;
  /** Calls in flight on each connection. */
  readonly streams: number;
  readonly seconds?: number;
  readonly warmUpSeconds?: number;
  readonly calls?: number;
  /** Calls per second on each connection; as many as go unless given. */
  readonly rate?: number;
  readonly webhookUrl?: string;
  /** Until a payment settles, in milliseconds; the service's default unless given. */
  readonly delayMs?: number;
}

/** What h2load saw. */
export interface GrpcLoadResult {
  readonly perSecond: number;
  readonly done: number;
  /** Calls without HTTP status 200, and connections that broke. */
  readonly failed: number;
}

/** @throws when h2load is missing, saying how to install it. */
export function requireH2load(): void {
  if (spawnSync('h2load', ['--version']).error !== undefined) {
    throw new Error('h2load is missing; on Debian and Ubuntu: apt-get install nghttp2-client');
  }
}

/** Calls CreatePaymentIntent over gRPC. h2load has no eye for `grpc-status`: see the service's metrics for that. */
export async function grpcLoad(load: GrpcLoad): Promise<GrpcLoadResult> {
  const bodyPath = join(scratch, 'create.grpc');
  writeFileSync(bodyPath, createFrame(load.webhookUrl, load.delayMs));
  const duration =
    load.seconds === undefined
      ? ['-n', String(load.calls)]
      : ['-D', String(load.seconds), `--warm-up-time=${load.warmUpSeconds ?? 0}`];
  const { stdout } = await promisify(execFile)(
    'h2load',
    [
      '-c',
      String(load.connections),
      '-m',
      String(load.streams),
      ...duration,
      ...(load.rate === undefined ? [] : [`--rps=${load.rate}`]),
      '-d',
      bodyPath,
      '-H',
      'content-type: application/grpc',
      '-H',
      'te: trailers',
      `http://127.0.0.1:${load.port}${createPath}`,
    ],
    { maxBuffer: 64 * 1024 * 1024 },
  );
  const number = (pattern: RegExp) => Number(pattern.exec(stdout)?.[1] ?? Number.NaN);
  return {
    perSecond: number(/, ([\d.]+) req\/s/),
    done: number(/(\d+) done/),
    failed: number(/(\d+) failed/) + number(/(\d+) errored/) + number(/(\d+) timeout/),
  };
}
