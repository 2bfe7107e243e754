import { spawn } from 'node:child_process';
import { createConnection } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { RedisMissingError, startRedisServer as launch } from '../../dev/redis-server.ts';
import { missingRedis, requireRedisInCi, startRedisServer } from '../support/redis-server.ts';

requireRedisInCi();

/** What the server answers to some commands in its inline form, one connection each time. */
async function ask(port: number, ...commands: string[]): Promise<string> {
  const socket = createConnection(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  socket.write([...commands, 'QUIT', ''].join('\r\n'));
  let answer = '';
  for await (const chunk of socket) {
    answer += String(chunk);
  }
  return answer.replaceAll('\r\n', ' ').trim();
}

const isRunning = (port: number) =>
  ask(port, 'PING').then(
    () => true,
    () => false,
  );

test('without a redis-server the message says how to get one', async () => {
  const path = process.env['PATH'];
  onTestFinished(() => void (process.env['PATH'] = path));
  process.env['PATH'] = '/nowhere';
  await expect(launch()).rejects.toThrow(RedisMissingError);
  await expect(launch()).rejects.toThrow('apt-get install redis-server');
});

describe.skipIf(missingRedis !== undefined)('a redis-server of our own', () => {
  test('what was acknowledged is there after SIGKILL and a restart on the same port', async () => {
    const redis = await startRedisServer({ appendOnly: 'always' });
    expect(await ask(redis.port, 'SET a 1')).toBe('+OK +OK');
    await redis.kill();
    await expect(ask(redis.port, 'GET a')).rejects.toThrow('ECONNREFUSED');
    await redis.restart();
    expect(await ask(redis.port, 'GET a')).toBe('$1 1 +OK');
  });

  test('a paused one answers when it goes on', async () => {
    const redis = await startRedisServer({ password: 'open-sesame' });
    expect(redis.url).toBe(`redis://:open-sesame@127.0.0.1:${redis.port}`);
    redis.pause();
    const answer = ask(redis.port, 'AUTH open-sesame');
    const first = await Promise.race([answer, new Promise((resolve) => setTimeout(resolve, 200, 'silence'))]);
    expect(first).toBe('silence');
    redis.resume();
    expect(await answer).toBe('+OK +OK');
  });

  test('it stops, also when it is paused, and takes further arguments', async () => {
    const redis = await startRedisServer({ args: ['--maxmemory', '12345678'] });
    expect(await ask(redis.port, 'CONFIG GET maxmemory')).toContain('12345678');
    expect(redis.pid()).toBeGreaterThan(0);
    redis.pause();
    await redis.stop();
    await redis.stop();
    expect(await isRunning(redis.port)).toBe(false);
    expect(redis.pid()).toBeUndefined();
  });

  test('it ends with the process that started it, killed or not', async () => {
    const script = `
      const { startRedisServer } = await import('./dev/redis-server.ts');
      const redis = await startRedisServer();
      console.log(redis.port);
      setInterval(() => {}, 1000);
    `;
    const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void parent.kill('SIGKILL'));
    const port = await new Promise<number>((resolve) => {
      parent.stdout.once('data', (chunk: Buffer) => resolve(Number(chunk)));
    });
    expect(await isRunning(port)).toBe(true);
    parent.kill('SIGKILL');
    await expect.poll(() => isRunning(port), { timeout: 20_000 }).toBe(false);
  });
});
