import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { profileCredentials } from '../../src/aws/profile-credentials.ts';

test('keys that were renewed in the file are the ones that are used, and are soon read again', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'payment-sim-aws-'));
  const file = join(folder, 'credentials');
  onTestFinished(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true });
  });
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', file);
  vi.stubEnv('AWS_CONFIG_FILE', join(folder, 'config'));
  const write = (key: string) =>
    writeFileSync(
      file,
      `[shop]\naws_access_key_id = ${key}\naws_secret_access_key = secret\naws_session_token = t\n`,
    );
  const credentials = profileCredentials('shop');
  write('OLD');
  const first = await credentials();
  expect(first).toMatchObject({ accessKeyId: 'OLD', sessionToken: 't' });
  // The SDK asks again five minutes before that.
  expect(first.expiration.getTime() - Date.now()).toBeLessThan(300_000 + 15_000);
  write('NEW');
  expect(await credentials()).toMatchObject({ accessKeyId: 'NEW' });
});
