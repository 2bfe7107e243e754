import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import type { RandomSource } from '../../src/base/random.ts';
import { createSeededRandom } from '../support/seeded-random.ts';
import { type ServiceProcess, startServiceProcess } from '../system/service-process.ts';
import { fuzzedFrames } from './fuzz-frames.ts';
import { between, pick } from './fuzz-random.ts';
import { startOtherCallers } from './other-callers.ts';

/** Repeats a run's random choices. */
const seed = Number(process.env['FAULT_SEED'] ?? Date.now() % 2 ** 32);
const connections = Number(process.env['FAULT_CONNECTIONS'] ?? 20_000);
const warmUpConnections = 2_000;
const concurrent = 50;
/** How long a connection is left that the service has no reason to close, in milliseconds. */
const patienceMs = 20;
const megabyte = 1_048_576;

interface Held {
  readonly http2Connections: number;
  readonly heapBytes: number;
}

/** What the service holds, as it tells itself, after a garbage collection. */
async function readHeld({ ready, pid }: ServiceProcess): Promise<Held> {
  process.kill(pid, 'SIGUSR2');
  const { opsUrl } = await ready;
  const text = await (await fetch(`${opsUrl}/metrics`, { headers: { connection: 'close' } })).text();
  const sum = (pattern: RegExp) =>
    [...text.matchAll(pattern)].reduce((total, [, value]) => total + Number(value), 0);
  return {
    http2Connections: sum(/^api_connections\{protocol="http2"\} (\d+)$/gm),
    heapBytes: sum(/^nodejs_heap_size_used_bytes (\d+)$/gm) + sum(/^nodejs_external_memory_bytes (\d+)$/gm),
  };
}

async function fuzzConnection(port: number, random: RandomSource): Promise<void> {
  const bytes = fuzzedFrames(random);
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  const closed = once(socket, 'close');
  // A reset is one way for the service to close.
  socket.on('error', () => undefined);
  if (random() < 0.9) {
    socket.resume();
  }
  const cut = random() < 0.3 ? between(random, 0, bytes.length) : bytes.length;
  socket.write(bytes.subarray(0, cut));
  if (cut < bytes.length) {
    // As another read of the service, mostly.
    await new Promise(setImmediate);
    socket.write(bytes.subarray(cut));
  }
  const leave = pick(random, ['end', 'end', 'end', 'destroySoon', 'resetAndDestroy', 'wait'] as const);
  if (leave !== 'wait') {
    socket[leave]();
  }
  const timer = setTimeout(() => socket.destroy(), patienceMs);
  await closed.catch(() => undefined);
  clearTimeout(timer);
}

/** Makes so many connections, `concurrent` at a time; the nth of a seed sends the same bytes each time. */
async function fuzz(port: number, from: number, count: number): Promise<void> {
  let next = from;
  async function work(): Promise<void> {
    while (next < from + count) {
      next += 1;
      await fuzzConnection(port, createSeededRandom(seed + next * 7_919));
    }
  }
  await Promise.all(Array.from({ length: concurrent }, work));
}

test(
  `${connections} connections of mutated HTTP/2: others are answered, nothing is kept (seed ${seed})`,
  { timeout: 300_000 },
  async () => {
    console.info(`FAULT_SEED=${seed}`);
    const service = startServiceProcess({
      NODE_OPTIONS: `--import=${new URL('collect-on-signal.ts', import.meta.url).href}`,
      // What testers may look at is held on purpose, and bounded.
      JOURNAL_MAX_BYTES: String(megabyte),
    });
    const { apiPort, apiUrl } = await service.ready;
    // An exception that nobody catches, and a rejection that nobody handles, end the process.
    const died = service.ended.then(({ code }) => {
      throw new Error(`ended with ${code}: ${service.stderr().slice(-2_000)}`);
    });
    died.catch(() => undefined); // It is killed at the end.

    const others = startOtherCallers({ apiPort, apiUrl });
    await Promise.race([died, Promise.all([others.answered(30), fuzz(apiPort, 0, warmUpConnections)])]);
    const before = await readHeld(service);
    await Promise.race([
      died,
      Promise.all([others.answered(100), fuzz(apiPort, warmUpConnections, connections)]),
    ]);
    await Promise.race([died, others.answered(30)]);
    await others.stop();

    await expect.poll(() => readHeld(service), { timeout: 20_000 }).toMatchObject({ http2Connections: 0 });
    // Payments that were made in between are kept on purpose, and take less than a megabyte.
    await expect
      .poll(async () => (await readHeld(service)).heapBytes - before.heapBytes, { timeout: 20_000 })
      .toBeLessThan(4 * megabyte);
    const faults = service.logs().filter(({ level }) => level === 'error' || level === 'fatal');
    expect(faults).toEqual([]);
  },
);
