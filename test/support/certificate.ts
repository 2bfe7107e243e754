import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** Whether certificates can be made here. */
export const hasOpenssl = spawnSync('openssl', ['version']).error === undefined;

/** A certificate that nobody knows, and its key: two files in PEM. */
export function createCertificate(...names: readonly string[]): {
  readonly cert: string;
  readonly key: string;
} {
  const directory = mkdtempSync(join(tmpdir(), 'payment-sim-tls-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const [cert, key] = [join(directory, 'cert.pem'), join(directory, 'key.pem')];
  const also = ['-addext', `subjectAltName=${names.join(',')}`];
  const made = ['-newkey', 'rsa:2048', '-nodes', '-days', '1', '-subj', '/CN=localhost', ...also];
  execFileSync('openssl', ['req', '-x509', ...made, '-keyout', key, '-out', cert], { stdio: 'ignore' });
  return { cert, key };
}
