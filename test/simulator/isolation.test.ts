import { expect, test } from 'vitest';
import { startService } from '../support/start-service.ts';
import { runSteeredCases } from '../support/steered-cases.ts';

test('200 test cases at the same time have each their own rules, payments and keys', async () => {
  const service = await startService({ DEFAULT_DELAY_MS: '86400000', SHUTDOWN_GRACE_MS: '0' });
  await runSteeredCases([service.apiUrl], 200);
  expect(service.logs('Call failed')).toEqual([]);
});
