import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { verifyWebhook, WebhookVerificationError } from '../../src/index.ts';
import { signatureVectors, type SignatureVectors } from '../fixtures/write-signature-vectors.ts';

const text = readFileSync(new URL('../fixtures/signature-vectors.json', import.meta.url), 'utf8');
const { vectors } = JSON.parse(text) as SignatureVectors;

test('the file is what its script writes', () => {
  expect(JSON.parse(text)).toEqual(signatureVectors);
});

test.each(vectors)('$name: $reason', (vector) => {
  let reason: string | null = null;
  try {
    verifyWebhook({
      body: Buffer.from(vector.body_base64, 'base64'),
      headers: vector.headers,
      secret: vector.secrets,
      toleranceSeconds: vector.tolerance_seconds,
      nowMs: vector.now * 1000,
    });
  } catch (error) {
    reason = error instanceof WebhookVerificationError ? error.code : String(error);
  }
  expect(reason).toBe(vector.reason);
  expect(vector.valid).toBe(reason === null);
});
