import { readFileSync } from 'node:fs';
import { createServer as createTlsServer } from 'node:tls';
import { connect, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { loadConfig } from '../../src/app/config.ts';
import { startAwsStandIn } from '../support/aws-stand-in.ts';
import { createCertificate, hasOpenssl } from '../support/certificate.ts';
import { startForwardProxy } from '../support/forward-proxy.ts';
import { startService } from '../support/start-service.ts';
import { createConnectCaller, createPayment } from '../system/connect-json.ts';

const quick = {
  DEFAULT_DELAY_MS: '0',
  EVENTBRIDGE_BATCH_WAIT_MS: '5',
  EVENTBRIDGE_RETRY_BASE_MS: '5',
  EVENTBRIDGE_RETRY_MAX_MS: '20',
  AWS_ACCESS_KEY_ID: 'key',
  AWS_SECRET_ACCESS_KEY: 'secret',
  SHUTDOWN_GRACE_MS: '200',
};

function portOf(url: string): number {
  return Number(new URL(url).port);
}

test('events go through the proxy that is set for their scheme', async () => {
  const aws = await startAwsStandIn();
  const proxy = await startForwardProxy({ onTestFinished }, portOf(aws.url));
  const env = { AWS_ENDPOINT_URL: 'http://events.aws.test', http_proxy: proxy.url, NO_PROXY: 'example.com' };
  const service = await startService({ ...quick, ...env });
  await createPayment(createConnectCaller(service.apiUrl));
  await aws.until(({ accepted }) => accepted.length === 1);
  expect(proxy.asked).toContain('POST events.aws.test');
});

test.each([
  ['that NO_PROXY names', '.test'],
  ['on this machine', ''],
])('what is %s is called directly', async (_, noProxy) => {
  const aws = await startAwsStandIn();
  const proxy = await startForwardProxy({ onTestFinished }, portOf(aws.url));
  const endpoint = noProxy === '' ? aws.url : 'http://127.0.0.1.test:1';
  const env = { AWS_ENDPOINT_URL: endpoint, HTTP_PROXY: proxy.url, NO_PROXY: noProxy };
  const service = await startService({ ...quick, ...env, LOG_LEVEL: 'info' });
  await createPayment(createConnectCaller(service.apiUrl));
  if (noProxy === '') {
    await aws.until(({ accepted }) => accepted.length === 1);
  } else {
    await expect.poll(() => service.logs('EventBridge cannot be relied on').length).toBeGreaterThan(0);
  }
  expect(proxy.asked).toEqual([]);
});

/** The stand-in by TLS, as AWS is called. */
async function startTls(cert: string, key: string, toPort: number): Promise<number> {
  const server = createTlsServer({ cert: readFileSync(cert), key: readFileSync(key) }, (near) => {
    const far = connect(toPort, '127.0.0.1');
    near.on('error', () => far.destroy());
    far.on('error', () => near.destroy());
    near.pipe(far).pipe(near);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

test.skipIf(!hasOpenssl && process.env['CI'] !== 'true')(
  'a certificate that AWS_CA_BUNDLE vouches for is trusted, through a tunnel as well (needs openssl)',
  async () => {
    const aws = await startAwsStandIn();
    const { cert, key } = createCertificate('DNS:events.aws.test');
    const tlsPort = await startTls(cert, key, portOf(aws.url));
    const proxy = await startForwardProxy({ onTestFinished }, tlsPort);
    const env = {
      ...quick,
      AWS_ENDPOINT_URL: 'https://events.aws.test',
      HTTPS_PROXY: proxy.url,
      LOG_LEVEL: 'info',
    };

    const doubting = await startService({ ...env, EVENTBRIDGE: 'on' });
    await expect
      .poll(() => doubting.logs('EventBridge cannot be relied on')[0]?.['error'])
      .toContain('self-signed certificate');

    const trusting = await startService({ ...env, AWS_CA_BUNDLE: cert });
    await createPayment(createConnectCaller(trusting.apiUrl));
    await aws.until(({ accepted }) => accepted.length === 1);
    expect(proxy.asked[0]).toBe('CONNECT events.aws.test:443');
  },
);

test('mistakes in the variables are told by name, without the password of a proxy', () => {
  const env = { HTTPS_PROXY: 'ftp://user:hush@proxy', http_proxy: 'http://', AWS_CA_BUNDLE: '/nowhere.pem' };
  expect(() => loadConfig(env)).toThrow(/HTTPS_PROXY is no address of a proxy/);
  expect(() => loadConfig(env)).toThrow(/http_proxy is no address of a proxy/);
  expect(() => loadConfig(env)).toThrow(/AWS_CA_BUNDLE cannot be read: .*nowhere/);
  expect(() => loadConfig(env)).not.toThrow(/hush/);
  const { pathname } = new URL(import.meta.url);
  expect(() => loadConfig({ AWS_CA_BUNDLE: pathname })).toThrow(/has none/);
});
