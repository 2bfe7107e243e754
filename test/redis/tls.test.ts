import { describe, expect, test } from 'vitest';
import { createCertificate, hasOpenssl } from '../support/certificate.ts';
import { type ClusterReplica, startCluster } from '../support/cluster.ts';
import { missingRedis, requireRedisInCi, startRedisServer } from '../support/redis-server.ts';
import { intentMessage } from '../system/connect-json.ts';
import { freePort } from '../support/free-port.ts';

requireRedisInCi();

const isCi = process.env['CI'] === 'true';
const inTime = { timeout: 20_000 };

if (!hasOpenssl) {
  console.warn('The test with Redis over TLS is skipped: no openssl on the PATH');
}

describe.skipIf(missingRedis !== undefined || (!hasOpenssl && !isCi))('Redis over TLS', () => {
  test('with a password and a certificate authority of its own; not ready where that is not known', async () => {
    const { cert, key } = createCertificate('DNS:localhost', 'IP:127.0.0.1');
    const port = await freePort();
    const files = ['--tls-cert-file', cert, '--tls-key-file', key, '--tls-ca-cert-file', cert];
    const password = 'a%b:c/d@e';
    await startRedisServer({
      appendOnly: 'everysec',
      password,
      args: ['--tls-port', String(port), ...files, '--tls-auth-clients', 'no'],
    });
    const env = {
      EVENTBRIDGE: 'off',
      REDIS_URL: `rediss://:${encodeURIComponent(password)}@localhost:${port}`,
    };

    const cluster = await startCluster(2, { env: { ...env, NODE_EXTRA_CA_CERTS: cert } });
    const [a, b] = cluster.replicas as [ClusterReplica, ClusterReplica];
    const created = await a.call('CreatePaymentIntent', intentMessage({ simulation: { delay_ms: 0 } }));
    expect(created.httpStatus).toBe(200);
    const { payment_intent_id: id } = created.body;
    const status = async () => {
      const { body } = await b.call('GetPaymentStatus', { payment_intent_id: id });
      return (body['payment'] as Record<string, unknown> | undefined)?.['status'];
    };
    await expect.poll(status, inTime).toBe('PAYMENT_STATUS_COMPLETED');
    expect(cluster.warnings).toEqual([]);

    const stranger = await startCluster(1, { env });
    expect(await stranger.replicas[0]?.ops('/readyz')).toBe(503);
    expect(stranger.warnings.join()).toContain('self-signed certificate');
    expect(stranger.warnings.join()).not.toContain('a%');
  });
});
