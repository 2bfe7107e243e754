import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import {
  type RedisServer,
  type RedisServerOptions,
  startRedisServer as launchRedisServer,
} from '../../dev/redis-server.ts';

export { launchRedisServer, type RedisServer, type RedisServerOptions };

/** Why there is no Redis to test with, or undefined. */
export const missingRedis = isOnPath('redis-server')
  ? undefined
  : `no redis-server on the PATH: install Debian's redis-server`;

/** Starts a `redis-server` of its own, which stops when the test is finished. */
export async function startRedisServer(options: RedisServerOptions = {}): Promise<RedisServer> {
  const server = await launchRedisServer(options);
  onTestFinished(() => server.stop());
  return server;
}

/**
 * Called once by each file whose tests need Redis and are in `describe.skipIf(missingRedis !== undefined)`:
 * says so when they are skipped, and fails in CI, where nothing may be.
 */
export function requireRedisInCi(): void {
  if (missingRedis !== undefined) {
    console.warn(`The tests with Redis are skipped: ${missingRedis}`);
  }
  test.skipIf(missingRedis !== undefined && process.env['CI'] !== 'true')(
    'there is a Redis, always in CI',
    () => {
      expect(missingRedis).toBeUndefined();
    },
  );
}

function isOnPath(command: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
