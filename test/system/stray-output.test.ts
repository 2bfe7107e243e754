import { Redis } from 'ioredis';
import { describe, expect, onTestFinished, test } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { missingRedis, requireRedisInCi, startRedisServer } from '../support/redis-server.ts';
import { type ServiceProcess, startServiceProcess } from './service-process.ts';

requireRedisInCi();

test('what Node warns of is a line of the log', async () => {
  // Warned of with the first connection over TLS, which nobody need answer.
  const url = `rediss://127.0.0.1:${await freePort()}`;
  const service = startServiceProcess({ REDIS_URL: url, NODE_TLS_REJECT_UNAUTHORIZED: '0' });
  const line = await service.line('Node warns');
  expect(line).toMatchObject({
    level: 'warn',
    text: expect.stringMatching(/^Warning: Setting the NODE_TLS_REJECT_UNAUTHORIZED/) as string,
  });
  await stop(service);
});

describe.skipIf(missingRedis !== undefined)('with a Redis', () => {
  test('what libraries print is a line of the log, once', async () => {
    const redis = await startRedisServer();
    const admin = new Redis(redis.url);
    onTestFinished(() => admin.disconnect());
    await admin.call('ACL', 'SETUSER', 'sim', 'on', '>pw', '~*', '&*', '+@all', '-info');
    // ioredis prints with each connection that it may not call INFO.
    const service = startServiceProcess({ REDIS_URL: redis.url.replace('redis://', 'redis://sim:pw@') });
    expect(await service.ended).toMatchObject({ code: 1 });
    expect(service.logs('A library printed this')).toMatchObject([
      { level: 'warn', text: expect.stringContaining('INFO command fails') as string },
    ]);
    expect(service.stderr()).toMatch(/Redis refuses INFO \(NOPERM .*\): permit it to the user of REDIS_URL/);
    expect(service.stderr()).not.toContain('Skipping');
  });

  test('what BullMQ prints of a Redis that evicts keys is not told twice', async () => {
    const redis = await startRedisServer({ args: ['--maxmemory-policy', 'allkeys-lru'] });
    const service = startServiceProcess({ REDIS_URL: redis.url });
    await service.ready;
    await stop(service);
    const told = service.logs().filter((line) => JSON.stringify(line).includes('allkeys-lru'));
    expect(told).toMatchObject([{ maxmemory_policy: 'allkeys-lru' }]);
  });
});

/** Ends it; nothing may have been printed. */
async function stop(service: ServiceProcess): Promise<void> {
  service.signal('SIGTERM');
  await service.ended;
  expect(service.stderr()).toBe('');
}
