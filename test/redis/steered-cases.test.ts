import { describe, expect, test } from 'vitest';
import { missingRedis, requireRedisInCi, startRedisServer } from '../support/redis-server.ts';
import { startService } from '../support/start-service.ts';
import { createJsonSteeringClient } from '../support/clients/steering-client.ts';
import { runSteeredCases } from '../support/steered-cases.ts';
import { steeringOf } from '../support/steering.ts';

requireRedisInCi();

describe.skipIf(missingRedis !== undefined)('two replicas that are steered', () => {
  test('200 test cases at the same time have each their own, whichever replica is asked', async () => {
    const redis = await startRedisServer();
    const env = {
      REDIS_URL: redis.url,
      QUEUE_SHARDS: '2',
      SHUTDOWN_GRACE_MS: '0',
      DEFAULT_DELAY_MS: '86400000',
    };
    const [a, b] = [await startService(env), await startService(env)];
    await runSteeredCases([a.apiUrl, b.apiUrl], 200);
    expect([...a.logs('Call failed'), ...b.logs('Call failed')]).toEqual([]);
  });

  test('either tells which sessions there are and what a rule would do, without using it up', async () => {
    const redis = await startRedisServer();
    const env = { REDIS_URL: redis.url, SHUTDOWN_GRACE_MS: '0', DEFAULT_DELAY_MS: '86400000' };
    const [a, b] = [await startService(env), await startService(env)];
    const [here, there] = [a, b].map(({ apiUrl }) => steeringOf(createJsonSteeringClient(apiUrl)));
    await here?.rule({ rule_id: 'once', simulation: { failure_code: 'lost_card' }, times: 1 }, 'one');
    await here?.create({}, 'named');
    const verdict = async () => {
      const { verdicts } = (await there?.done('ExplainCall', {}, 'one')) ?? {};
      return (verdicts as { applies?: boolean; reason?: string }[])[0];
    };
    expect([await verdict(), await verdict()]).toMatchObject([{ applies: true }, { applies: true }]);
    expect(await here?.outcome({}, 'one')).toBe('FAILED: lost_card');
    expect(await verdict()).toMatchObject({ reason: 'has applied 1 time of 1' });
    const listed = async () => {
      const { sessions } = (await there?.done('ListSessions', {})) ?? {};
      return (sessions as { session: { session_id?: string }; counters?: { payments?: number } }[])
        .map(({ session, counters }) => `${session.session_id ?? ''}: ${counters?.payments ?? 0}`)
        .toSorted((one, other) => (one < other ? -1 : 1));
    };
    await expect.poll(listed).toEqual([': 0', 'named: 1', 'one: 1']);
  });
});
