import { expect, test } from 'vitest';
import { startService } from '../support/start-service.ts';

/* What the service sends of the console; what a browser makes of it is in console.test.ts. */

const quickStop = { SHUTDOWN_GRACE_MS: '0' };

async function addressesOf(page: string): Promise<readonly string[]> {
  return [...page.matchAll(/(?:href|src)="(\/[^"]*)"/g)].map(([, path = '']) => path);
}

test('the page and all that it names come from the service, and may ask for nothing else', async () => {
  const { apiUrl } = await startService(quickStop);
  const answer = await fetch(apiUrl);
  const page = await answer.text();
  expect([answer.status, answer.headers.get('content-type'), answer.headers.get('cache-control')]).toEqual([
    200,
    'text/html; charset=utf-8',
    'no-cache',
  ]);
  const policy = answer.headers.get('content-security-policy')?.split('; ') ?? [];
  expect(policy).toEqual(
    expect.arrayContaining([
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "connect-src 'self'",
      "frame-ancestors 'none'",
    ]),
  );
  expect(page).not.toMatch(/https?:\/\//);
  const paths = await addressesOf(page);
  expect(paths).toHaveLength(3);
  for (const path of paths) {
    const asset = await fetch(`${apiUrl}${path}`);
    expect([asset.status, asset.headers.get('x-content-type-options')]).toEqual([200, 'nosniff']);
    expect(asset.headers.get('cache-control')).toContain('immutable');
    expect((await asset.text()).length).toBeGreaterThan(1_000);
  }
});

test('its script is small, and says whose work is in it', async () => {
  const { apiUrl } = await startService(quickStop);
  const paths = await addressesOf(await (await fetch(apiUrl)).text());
  const script = paths.find((path) => path.endsWith('.js')) ?? '';
  const { headers } = await fetch(`${apiUrl}${script}`, { headers: { 'accept-encoding': 'gzip' } });
  expect(headers.get('content-encoding')).toBe('gzip');
  expect(Number(headers.get('content-length'))).toBeLessThan(150_000);
  const plain = await fetch(`${apiUrl}${script}`, { headers: { 'accept-encoding': 'identity' } });
  expect(plain.headers.get('content-encoding')).toBeNull();
  const licences = await (await fetch(`${apiUrl}${paths.find((path) => path.endsWith('.txt'))}`)).text();
  for (const name of ['preact', '@connectrpc/connect-web', '@bufbuild/protobuf']) {
    expect(licences).toMatch(new RegExp(`^${name} \\d`, 'm'));
  }
});

test('HEAD has no body, what is not there is 404, and calls are answered as ever', async () => {
  const { apiUrl } = await startService(quickStop);
  const head = await fetch(apiUrl, { method: 'HEAD' });
  expect([head.status, await head.text()]).toEqual([200, '']);
  for (const path of ['/assets/', '/assets/..%2findex.html', '/assets/x']) {
    const missing = await fetch(`${apiUrl}${path}`);
    expect([path, missing.status]).toEqual([path, 404]);
  }
  expect((await fetch(apiUrl, { method: 'POST' })).status).not.toBe(200);
  expect((await fetch(`${apiUrl}/healthz`)).status).toBe(200);
});

test.each([
  [{ ENVIRONMENT: 'staging' }, false],
  [{ ENVIRONMENT: 'production', WEBHOOK_SECRET: 'mine' }, false],
  [{ ENVIRONMENT: 'staging', CONSOLE: 'on' }, true],
  [{ CONSOLE: 'off' }, false],
  [{}, true],
])('with %o it is there: %s', async (env, isThere) => {
  const { apiUrl } = await startService({ ...quickStop, EVENTBRIDGE: 'off', ...env });
  const statuses = await Promise.all(
    ['/', '/metrics'].map(async (path) => (await fetch(`${apiUrl}${path}`)).status),
  );
  expect(statuses.map((status) => status === 200)).toEqual([isThere, isThere]);
});

test('8031 lists what it has: links for a browser, JSON for others', async () => {
  const { opsUrl } = await startService(quickStop);
  const page = await fetch(opsUrl, { headers: { accept: 'text/html' } });
  expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
  const links = await addressesOf(await page.text());
  expect(links).toEqual(['/health', '/readyz', '/livez', '/metrics']);
  for (const link of links) {
    expect((await fetch(`${opsUrl}${link}`)).status).toBe(200);
  }
  const { endpoints } = (await (await fetch(opsUrl)).json()) as { endpoints: object };
  expect(Object.keys(endpoints)).toEqual(links);
});
