import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type ClusterReplica, startCluster } from '../support/cluster.ts';
import { missingRedis, requireRedisInCi, startRedisServer } from '../support/redis-server.ts';
import { intentMessage } from '../system/connect-json.ts';
import { freePort } from '../support/free-port.ts';

requireRedisInCi();

const isCi = process.env['CI'] === 'true';
const hasOpenssl = spawnSync('openssl', ['version']).error === undefined;
const inTime = { timeout: 20_000 };

if (!hasOpenssl) {
  console.warn('The test with Redis over TLS is skipped: no openssl on the PATH');
}

/** A certificate for localhost that nobody knows, and its key. */
function createCertificate(): { readonly cert: string; readonly key: string } {
  const directory = mkdtempSync(join(tmpdir(), 'payment-sim-tls-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const [cert, key] = [join(directory, 'cert.pem'), join(directory, 'key.pem')];
  const names = 'subjectAltName=DNS:localhost,IP:127.0.0.1';
  const made = ['-newkey', 'rsa:2048', '-nodes', '-days', '1', '-subj', '/CN=localhost', '-addext', names];
  execFileSync('openssl', ['req', '-x509', ...made, '-keyout', key, '-out', cert], { stdio: 'ignore' });
  return { cert, key };
}

describe.skipIf(missingRedis !== undefined || (!hasOpenssl && !isCi))('Redis over TLS', () => {
  test('with a password and a certificate authority of its own; not ready where that is not known', async () => {
    const { cert, key } = createCertificate();
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
