import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { RequestListener } from 'node:http';
import { systemClock } from '../../src/base/clock.ts';
import { createSeededRandom } from '../support/seeded-random.ts';
import { deliveredLine, openPool, startSenderOn } from '../delivery/start-webhook-sender.ts';
import { createInMemoryNetwork } from './in-memory-network.ts';

const healthyCount = 500;
const deadCount = 5;
const healthyPerSecond = 200;
const deadPerSecond = 500;
/** Long enough for attempts to the dead to time out, and for their circuits to open, probe and open again. */
const runMs = 8_000;
const timeoutMs = 2_000;

/** From 20 to 70 ms, each healthy origin its own. */
const answerMs = (nth: number) => 20 + ((nth * 7) % 51);

beforeEach(() => {
  // Not setImmediate and nextTick, which the streams between sender and receivers live by.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

async function advance(ms: number): Promise<void> {
  for (let i = 0; i < ms; i += 1) {
    vi.advanceTimersByTime(1);
    for (let turn = 0; turn < 4; turn += 1) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

function receivers(): ReadonlyMap<string, RequestListener> {
  const healthy = Array.from({ length: healthyCount }, (_, nth): [string, RequestListener] => [
    `healthy-${nth}.test`,
    (request, response) => request.resume().on('end', () => setTimeout(() => response.end(), answerMs(nth))),
  ]);
  const dead = Array.from({ length: deadCount }, (_, nth): [string, RequestListener] => [
    `dead-${nth}.test`,
    (request) => request.resume(),
  ]);
  return new Map([...healthy, ...dead]);
}

/** Runs the load and returns the milliseconds from settlement to delivery, in ascending order. */
async function healthyLatencies(withDead: boolean) {
  const random = createSeededRandom(1);
  const { connect } = createInMemoryNetwork(receivers());
  const { send, logs, circuits } = startSenderOn(systemClock, {
    connections: openPool({ maxPerOrigin: 100, maxTotal: 1_000, reservedForNew: 200, connect }),
    timeoutMs,
  });
  const sentAtMs = new Map<unknown, number>();
  for (let ms = 0; ms < runMs; ms += 1) {
    if (ms % (1_000 / healthyPerSecond) === 0) {
      sentAtMs.set(`evt-${ms}`, Date.now());
      send(`http://healthy-${Math.floor(healthyCount * random())}.test/`, String(ms));
    }
    if (withDead && ms % (1_000 / deadPerSecond) === 0) {
      send(`http://dead-${(ms / 2) % deadCount}.test/`, `dead-${ms}`);
    }
    await advance(1);
  }
  await advance(1_000);
  const latencies = logs(deliveredLine).map(
    (line) => Date.parse(String(line['ts'])) - (sentAtMs.get(line['event_id']) ?? Number.NaN),
  );
  return {
    latencies: latencies.toSorted((a, b) => a - b),
    circuitsOpened: logs('Webhook circuit opened').length,
    openCircuits: circuits.openCount(),
  };
}

function p99(sorted: readonly number[]): number {
  return sorted[Math.ceil(sorted.length * 0.99) - 1] ?? Number.NaN;
}

test('500 healthy origins: p99 is within 1.2 times of what it is without 5 dead ones', async () => {
  const without = await healthyLatencies(false);
  const withDead = await healthyLatencies(true);
  expect(without.latencies).toHaveLength((healthyPerSecond * runMs) / 1_000);
  expect(withDead.latencies).toHaveLength(without.latencies.length);
  expect(p99(without.latencies)).toBeGreaterThanOrEqual(69);
  expect(p99(withDead.latencies)).toBeLessThanOrEqual(1.2 * p99(without.latencies));
  // The dead were there: each opened its circuit, and again when it was probed.
  expect(withDead.circuitsOpened).toBeGreaterThan(deadCount);
  expect(withDead.openCircuits).toBe(deadCount);
  console.log(
    p99(without.latencies),
    p99(withDead.latencies),
    withDead.circuitsOpened,
    withDead.latencies.at(-1),
    without.latencies.at(-1),
  );
});
