import { once } from 'node:events';
import { type ClientHttp2Session, connect } from 'node:http2';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../../test/support/free-port.ts';
import { startNode } from '../lib/child.ts';
import { callOnce, createFrame, createPath, grpcCall } from '../lib/create-call.ts';
import { residentBytes } from '../lib/process-usage.ts';
import { startService } from '../lib/service.ts';

/** What a connection takes of the server's resident memory, in bytes; one value a round. */
export interface ConnectionMemory {
  /** After one call, with nothing in flight. */
  readonly idle: readonly number[];
  /** With half of a message of 2 MiB received. */
  readonly halfSent: readonly number[];
}

const idleConnections = 2_000;
/** As many as fit into what the service holds of bodies at once, which is 16 times the largest message. */
const sendingConnections = 50;
const halfBytes = 1_048_576;
const largestMessage = 4_194_304;

/** A server whose garbage can be collected when its memory is read. */
interface ProbedServer {
  readonly pid: number;
  readonly port: number;
  collectGarbage(): Promise<unknown>;
  stop(): Promise<void>;
}

/** Measures this service and a bare node:http2 server in turns, each new in every round. */
export async function measureConnectionMemory(
  roundCount: number,
): Promise<{ readonly service: ConnectionMemory; readonly bareHttp2: ConnectionMemory }> {
  const result = {
    service: { idle: [] as number[], halfSent: [] as number[] },
    bareHttp2: { idle: [] as number[], halfSent: [] as number[] },
  };
  for (let round = 0; round < roundCount; round += 1) {
    for (const [name, start] of [
      ['service', startProbedService],
      ['bareHttp2', startProbedBareHttp2],
    ] as const) {
      const server = await start();
      result[name].idle.push(await growth(server, idleConnections, openIdle));
      result[name].halfSent.push(await growth(server, sendingConnections, openHalfSent));
      await server.stop();
    }
  }
  return result;
}

/** How much one more connection takes; the first ones, which stay, are not counted. */
async function growth(
  server: ProbedServer,
  count: number,
  open: (port: number) => Promise<ClientHttp2Session>,
): Promise<number> {
  await openMany(server.port, Math.ceil(count / 10), open);
  await server.collectGarbage();
  const before = residentBytes(server.pid);
  await openMany(server.port, count, open);
  await server.collectGarbage();
  return (residentBytes(server.pid) - before) / count;
}

async function openMany(
  port: number,
  count: number,
  open: (port: number) => Promise<ClientHttp2Session>,
): Promise<void> {
  for (let opened = 0; opened < count; opened += 1) {
    const session = await open(port);
    // They end with the server.
    session.on('error', () => undefined);
  }
}

async function openIdle(port: number): Promise<ClientHttp2Session> {
  const session = connect(`http://127.0.0.1:${port}`);
  const status = await grpcCall(session, createFrame());
  if (status !== '0') {
    throw new Error(`grpc-status ${status}`);
  }
  return session;
}

/** Resolves when the server has let all of the half come, by its flow control. */
async function openHalfSent(port: number): Promise<ClientHttp2Session> {
  const session = connect(`http://127.0.0.1:${port}`);
  const stream = session.request({
    ':method': 'POST',
    ':path': createPath,
    'content-type': 'application/grpc',
    te: 'trailers',
  });
  // It ends with the server.
  stream.on('error', () => undefined);
  const half = Buffer.alloc(halfBytes, 'x');
  half.writeUInt8(0, 0);
  half.writeUInt32BE(2 * halfBytes, 1);
  await Promise.race([
    new Promise((resolve) => {
      stream.write(half, resolve);
    }),
    once(stream, 'response').then(() => {
      throw new Error('the server has answered half of a message');
    }),
  ]);
  return session;
}

async function startProbedService(): Promise<ProbedServer> {
  const service = await startService({ READ_MAX_BYTES: String(largestMessage) }, { probe: true });
  return {
    pid: service.pid,
    port: service.apiPort,
    collectGarbage: () => service.heapUsed(),
    stop: () => service.stop(),
  };
}

async function startProbedBareHttp2(): Promise<ProbedServer> {
  const port = await freePort();
  const child = startNode('bench/contenders/bare-http2.ts', {
    env: { PORT: String(port) },
    nodeArguments: ['--expose-gc', '--import', './bench/lib/heap-probe.ts'],
  });
  while (
    !(await callOnce(port).then(
      () => true,
      () => false,
    ))
  ) {
    await delay(20);
  }
  return { pid: child.pid, port, collectGarbage: () => child.ask('heapUsed'), stop: () => child.stop() };
}
