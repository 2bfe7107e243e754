import { connect, type Socket } from 'node:net';
import type { RandomSource } from '../../src/base/random.ts';
import { createSeededRandom } from '../support/seeded-random.ts';
import { http1Bytes } from './fuzz-http1.ts';
import { http2Bytes, wildHttp2Bytes } from './fuzz-http2.ts';
import { between, pick } from './fuzz-random.ts';

interface FuzzOptions {
  readonly apiPort: number;
  readonly opsPort: number;
  readonly seed: number;
  /** How many connections are made, `concurrent` at a time. */
  readonly connections: number;
  readonly concurrent: number;
  /** Frames of HTTP/2 and nothing else, most of which make no sense. */
  readonly onlyWild?: boolean;
  /** Told before each connection; ends the fuzz by throwing. */
  readonly onConnection?: (count: number) => void;
}

/** How long the last of a connection's bytes may be left without an end, in milliseconds. */
const patienceMs = 30;

/**
 * Sends random requests, partial, pipelined, interleaved, aborted and half-closed, over HTTP/1.1 and
 * HTTP/2 to every kind of path. The nth connection of a seed sends the same bytes in the same pieces
 * each time; when they arrive depends on the machine.
 */
export async function fuzz(options: FuzzOptions): Promise<void> {
  let next = 0;
  async function work(): Promise<void> {
    while (next < options.connections) {
      const count = (next += 1);
      options.onConnection?.(count);
      await fuzzConnection(options, createSeededRandom(options.seed + count * 7_919));
    }
  }
  await Promise.all(Array.from({ length: options.concurrent }, work));
}

async function fuzzConnection(options: FuzzOptions, random: RandomSource): Promise<void> {
  const { apiPort, opsPort, onlyWild } = options;
  const targets =
    onlyWild === true ? (['wild'] as const) : (['api', 'api', 'api', 'h2', 'h2', 'h2', 'ops'] as const);
  const target = pick(random, targets);
  const bytes = bytesFor(target, random);
  const socket = connect({ port: target === 'ops' ? opsPort : apiPort, host: '127.0.0.1', noDelay: true });
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => resolve());
  });
  // A reset is one way for the server to close.
  socket.on('error', () => undefined);
  if (random() < 0.9) {
    socket.resume();
  }
  await new Promise<void>((resolve) => {
    socket.once('connect', resolve).once('close', () => resolve());
  });
  for (const piece of pieces(random, bytes)) {
    if (!socket.writable) {
      break;
    }
    socket.write(piece);
    if (random() < 0.5) {
      await pause(random() < 0.5 ? 0 : between(random, 1, 4));
    }
  }
  await leave(random, socket, closed);
}

function bytesFor(target: 'wild' | 'h2' | 'api' | 'ops', random: RandomSource): Buffer {
  if (target === 'wild') {
    return wildHttp2Bytes(random);
  }
  return target === 'h2' ? http2Bytes(random) : http1Bytes(random, target);
}

function pieces(random: RandomSource, bytes: Buffer): readonly Buffer[] {
  const cuts = Array.from({ length: pick(random, [0, 0, 1, 3]) }, () => between(random, 0, bytes.length));
  const edges = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
  return edges.slice(1).map((edge, index) => bytes.subarray(edges[index], edge));
}

/** Ends the connection in one of the ways there are, and resolves when it is closed. */
async function leave(random: RandomSource, socket: Socket, closed: Promise<void>): Promise<void> {
  const way = pick(random, ['end', 'end', 'destroy', 'resetAndDestroy', 'wait'] as const);
  if (random() < 0.5) {
    await pause(between(random, 0, 10));
  }
  if (way !== 'wait') {
    socket[way]();
  }
  // What the server does not close in time was a legal request, or the half of one.
  const timer = setTimeout(() => socket.destroy(), patienceMs);
  await closed;
  clearTimeout(timer);
}

async function pause(delayMs: number): Promise<void> {
  await new Promise<void>((resolve) => {
    setTimeout(resolve, delayMs);
  });
}
