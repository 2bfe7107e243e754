import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { missingRedis, requireRedisInCi } from '../support/redis-server.ts';
import { createConnectCaller, createPayment, getPayment } from '../system/connect-json.ts';
import { startDev } from './dev-process.ts';

requireRedisInCi();

/** Redis hangs up on HTTP, which is no refusal. */
async function isRefused(url: string): Promise<boolean> {
  try {
    await fetch(url);
    return false;
  } catch (error) {
    const { cause } = error as { cause?: { code?: string } };
    return cause?.code === 'ECONNREFUSED';
  }
}

describe.skipIf(missingRedis !== undefined || process.platform !== 'linux')(
  'npm run dev -- --replicas 3',
  () => {
    test('runs three behind one port, starts one again that ends, and leaves nothing behind', async () => {
      const { child, shown } = startDev({ DEFAULT_DELAY_MS: '50' }, ['--replicas', '3']);
      const apiUrl = await shown(/service +(\S+), 3 replicas/);
      const opsUrls = (await shown(/3 replicas, health and metrics (.*)/)).split(' ');
      const webhookUrl = await shown(/webhooks +(\S+)/);
      const redisUrl = await shown(/redis +redis:(\S+)/);
      await shown(/Ctrl-C stops everything/);
      expect(opsUrls).toHaveLength(3);

      // On so many connections at the same time that each of the three has some.
      const call = createConnectCaller(apiUrl, 30);
      const paymentId = await createPayment(call, { webhook_url: webhookUrl });
      const answers = await Promise.all(Array.from({ length: 30 }, () => getPayment(call, paymentId)));
      expect(answers.filter((answer) => answer === 'not_found')).toEqual([]);
      await shown(new RegExp(`service [123] .*${paymentId.slice(0, 12)} +COMPLETED`));
      await shown(new RegExp(`webhooks .*${paymentId.slice(0, 12)} +Webhook received, signature verified`));

      const pid = Number(await shown(/service 2 .*Replica runs.*replica_pid=(\d+)/));
      process.kill(pid, 'SIGKILL');
      await shown(/service 2 .*Replica ended; it starts again.*signal=SIGKILL/);
      await shown(new RegExp(`service 2 .*Replica runs.*replica_pid=(?!${pid}\\b)`));
      expect(await Promise.all(opsUrls.map(isRefused))).toEqual([false, false, false]);

      child.kill('SIGINT');
      expect(await once(child, 'close')).toEqual([0, null]);
      const left = [apiUrl, ...opsUrls, `http:${redisUrl}`];
      expect(await Promise.all(left.map(isRefused))).toEqual(left.map(() => true));
    });

    test('nothing is left behind by SIGKILL either', async () => {
      const { child, shown } = startDev({}, ['--replicas', '2']);
      const apiUrl = await shown(/service +(\S+), 2 replicas/);
      const redisUrl = `http:${await shown(/redis +redis:(\S+)/)}`;
      child.kill('SIGKILL');
      await once(child, 'close');
      await expect.poll(() => Promise.all([apiUrl, redisUrl].map(isRefused))).toEqual([true, true]);
    });
  },
);

test.each(['0', 'many', '10'])('--replicas %s is refused', async (replicas) => {
  const { child, errors } = startDev({}, ['--replicas', replicas]);
  expect(await once(child, 'close')).toEqual([2, null]);
  expect(errors()).toContain(`'${replicas}' is invalid. It must be a whole number from 1 to 9.`);
});

test('without a redis-server the message says how to get one', async () => {
  const { child, errors } = startDev({ PATH: '/nowhere' }, ['--replicas', '2']);
  expect(await once(child, 'close')).toEqual([1, null]);
  expect(errors()).toMatch(/^payment-sim dev cannot run: .*apt-get install redis-server/);
  expect(errors()).not.toContain('    at ');
});
