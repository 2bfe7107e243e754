import { expect, test } from 'vitest';
import { startServiceProcess } from '../system/service-process.ts';
import { readHeld } from './held-by-service.ts';
import { startOtherCallers } from './other-callers.ts';
import { fuzz } from './wire-fuzz.ts';

/** Repeats a run's random choices. */
const seed = Number(process.env['FAULT_SEED'] ?? Date.now() % 2 ** 32);
const connections = Number(process.env['FAULT_CONNECTIONS'] ?? 20_000);
const warmUpConnections = 1_000;
const megabyte = 1_048_576;

test(
  `${connections} connections of frames that make no sense: others are answered, nothing throws, nothing is kept (seed ${seed})`,
  { timeout: 240_000 },
  async () => {
    console.info(`FAULT_SEED=${seed}`);
    const service = startServiceProcess({
      NODE_OPTIONS: `--import=${new URL('collect-on-signal.ts', import.meta.url).href}`,
    });
    const { apiPort, apiUrl, opsUrl } = await service.ready;
    const opsPort = Number(new URL(opsUrl).port);
    let made = 0;
    const attack = (from: number, count: number) =>
      fuzz({
        apiPort,
        opsPort,
        seed: seed + from,
        connections: count,
        concurrent: 100,
        onlyWild: true,
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
    expect((await readHeld(service)).openFiles).toBeLessThanOrEqual(before.openFiles);
    await expect
      .poll(async () => (await readHeld(service)).heapBytes - before.heapBytes, { timeout: 15_000 })
      .toBeLessThan(8 * megabyte);
    expect((await readHeld(service)).rssBytes - before.rssBytes).toBeLessThan(64 * megabyte);
    expect(service.logs().filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([]);
    expect(service.stderr()).toBe('');
  },
);
