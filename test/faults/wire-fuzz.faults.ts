import { describe, expect, test } from 'vitest';
import { missingRedis, requireRedisInCi, startRedisServer } from '../support/redis-server.ts';
import { startServiceProcess } from '../system/service-process.ts';
import { readHeld } from './held-by-service.ts';
import { startOtherCallers } from './other-callers.ts';
import { fuzz } from './wire-fuzz.ts';

requireRedisInCi();

/** Repeats a run's random choices. */
const seed = Number(process.env['FAULT_SEED'] ?? Date.now() % 2 ** 32);
/** With each state. */
const connections = Number(process.env['FAULT_CONNECTIONS'] ?? 2_600);
const warmUpConnections = 300;
const megabyte = 1_048_576;

const states = missingRedis === undefined ? (['memory', 'Redis'] as const) : (['memory'] as const);

describe.each(states)('with state in %s', (state) => {
  test(
    `${connections} connections of random requests: others are answered, nothing is kept (seed ${seed})`,
    { timeout: 180_000 },
    async () => {
      console.info(`FAULT_SEED=${seed}`);
      const redis = state === 'Redis' ? await startRedisServer() : undefined;
      const service = startServiceProcess({
        NODE_OPTIONS: `--import=${new URL('collect-on-signal.ts', import.meta.url).href}`,
        CORS_ORIGINS: '*',
        ...(redis === undefined ? {} : { REDIS_URL: redis.url }),
      });
      const { apiPort, apiUrl, opsUrl } = await service.ready;
      let made = 0;
      const attack = (from: number, count: number) =>
        fuzz({
          apiPort,
          opsPort: Number(new URL(opsUrl).port),
          seed: seed + from,
          connections: count,
          concurrent: 40,
          onConnection: () => (made += 1),
        });
      const died = service.ended.then(({ code }) => {
        throw new Error(`ended with ${code} after ${made} connections: ${service.stderr().slice(-2_000)}`);
      });
      died.catch(() => undefined); // It is killed at the end.

      const others = startOtherCallers({ apiPort, apiUrl });
      await Promise.race([died, Promise.all([others.answered(30), attack(0, warmUpConnections)])]);
      const before = await readHeld(service);
      await Promise.race([died, Promise.all([others.answered(30), attack(warmUpConnections, connections)])]);
      await Promise.race([died, others.answered(30)]);
      await others.stop();

      await expect
        .poll(() => readHeld(service), { timeout: 15_000 })
        .toMatchObject({ http1: 0, undecided: 0, http2: 0 });
      // Those of the others are closed as well by now.
      expect((await readHeld(service)).openFiles).toBeLessThanOrEqual(before.openFiles);
      // Payments that were made in between are kept on purpose, and take less than a megabyte.
      const roomBytes = 8 * megabyte;
      await expect
        .poll(async () => (await readHeld(service)).heapBytes - before.heapBytes, { timeout: 15_000 })
        .toBeLessThan(roomBytes);
      expect((await readHeld(service)).rssBytes - before.rssBytes).toBeLessThan(64 * megabyte + roomBytes);
    },
  );
});
