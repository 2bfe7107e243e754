import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { missingBrowser } from '../support/browser.ts';
import { launchService, type RunningService } from '../support/start-service.ts';
import type { ClientsPageFunctions } from './clients-page.ts';
import { type OpenPage, openPage } from './open-page.ts';

const created = 'payment_intents_created_total{scenario="APPROVE"}';

/* That there is a browser in CI is checked in browser.test.ts. */
describe.skipIf(missingBrowser !== undefined)('Chromium, from a page of another origin', () => {
  let page: OpenPage<ClientsPageFunctions>;
  let service: RunningService;

  beforeAll(async () => {
    page = await openPage<ClientsPageFunctions>('clients-page.ts');
    service = await launchService({ SHUTDOWN_GRACE_MS: '0', CORS_ORIGINS: page.origin });
  });

  afterAll(async () => {
    await Promise.all([page.close(), service.app.stop()]);
  });

  describe.each(['connect-web, Connect', 'connect-web, gRPC-Web', 'grpc-web, binary'] as const)(
    'with %s',
    (client) => {
      test.each([
        ['APPROVE', 'COMPLETED'],
        ['FAIL', 'FAILED'],
      ] as const)('a payment that is to %s is read until it is %s', async (scenario, status) => {
        expect(await page.call('settle', client, service.apiUrl, scenario)).toEqual(['PENDING', status]);
      });

      test('a refusal names its fields', async () => {
        expect(await page.call('refuse', client, service.apiUrl)).toEqual({
          code: 'INVALID_ARGUMENT',
          message: expect.stringMatching(/^user_id: is required; amount: is required/) as string,
          fields: ['user_id', 'amount'],
        });
      });

      test('a method that the service does not have is UNIMPLEMENTED', async () => {
        expect(await page.call('callUnknown', client, service.apiUrl)).toEqual({
          code: 'UNIMPLEMENTED',
          message: 'POST /payment.v1.PaymentService/Refund is not implemented here',
          fields: [],
        });
      });

      test('a deadline ends a call, whose header the browser may send', async () => {
        const { code, afterMs } = await page.call('callLate', client, service.apiUrl);
        expect(code).toBe('DEADLINE_EXCEEDED');
        // The answer itself would have come after 20 seconds.
        expect(afterMs).toBeLessThan(10_000);
      });
    },
  );

  // What the library does unless told otherwise, and the service does not: docs/protocols.md.
  test("with grpc-web's text format a call fails with what to use, and nothing is done", async () => {
    const before = await service.metric(created);
    expect(await page.call('pay', 'grpc-web, text', service.apiUrl)).toEqual({
      code: 'UNIMPLEMENTED',
      message: expect.stringMatching(/is not supported; send application\/grpc-web\+proto/) as string,
      fields: [],
    });
    expect(await service.metric(created)).toBe(before);
  });
});
