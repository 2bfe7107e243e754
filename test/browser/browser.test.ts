import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startService } from '../support/start-service.ts';
import { missingBrowser } from '../support/browser.ts';
import { type OpenPage, openPage } from './open-page.ts';

const quickStop = { SHUTDOWN_GRACE_MS: '0' };
const created = 'payment_intents_created_total{scenario="APPROVE"}';

if (missingBrowser !== undefined) {
  console.warn(`The browser tests are skipped: ${missingBrowser}`);
}

test.skipIf(missingBrowser !== undefined && process.env['CI'] !== 'true')(
  'there is a browser, always in CI',
  () => {
    expect(missingBrowser).toBeUndefined();
  },
);

describe.skipIf(missingBrowser !== undefined)('Chromium, from a page of another origin', () => {
  let page: OpenPage;

  beforeAll(async () => {
    page = await openPage();
  });

  afterAll(async () => {
    await page.close();
  });

  describe.each(['grpc-web', 'connect'])('over %s', (protocol) => {
    test.each(['any origin', 'its origin'])('a page pays where %s is allowed', async (allowed) => {
      const origins = allowed === 'any origin' ? '*' : `https://shop.example,${page.origin}`;
      const { apiUrl } = await startService({ ...quickStop, CORS_ORIGINS: origins });
      expect(await page.call('pay', protocol, apiUrl)).toEqual({
        statuses: ['PENDING', 'PENDING', 'COMPLETED', 'COMPLETED'],
        violations: ['user_id', 'amount'],
        refusedRequestId: 'refused-1',
        unknownMethod: 'Unimplemented',
      });
    });

    test.each(['https://shop.example', 'none'])('the browser refuses where only %s is', async (origins) => {
      const service = await startService({ ...quickStop, CORS_ORIGINS: origins });
      const refused = await page.call('tryToPay', protocol, service.apiUrl);
      expect(refused).toEqual({ code: 'Unknown', message: 'Failed to fetch' });
      // The preflight was refused, so the call itself was never made.
      expect(await service.metric(created)).toBe(0);
    });
  });
});
