import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { webhookRequest } from '../../src/delivery/webhook/attempt.ts';
import type { SignatureFault } from '../../src/payment/payment.ts';
import { secretToSigningKey } from '../../src/webhook-format/signature.ts';
import type { SignatureVector } from '../fixtures/write-signature-vectors.ts';
import { missingGo } from '../support/clients/grpc-errors/grpc-error-clients.ts';
import { sampleEvent } from '../support/sample-payment.ts';

const secret = 'payment-sim-dev-secret';
const receiver = fileURLToPath(new URL('../../docs/clients/go/webhook-receiver/main.go', import.meta.url));

/** Why each is refused, in the words of the receiver; undefined is genuine. */
const reasons: readonly (readonly [SignatureFault | undefined, string | null])[] = [
  [undefined, null],
  ['WRONG_SECRET', 'SignatureMismatch'],
  ['MISSING', 'MissingHeader'],
  ['STALE', 'TimestampOutOfTolerance'],
  ['TAMPERED', 'SignatureMismatch'],
];

function vectorOf(signature: SignatureFault | undefined, reason: string | null): SignatureVector {
  const now = 1_795_359_818;
  const delivery = { kind: 'arranged', channel: 'webhook', signature, isHeldBack: false } as const;
  const { headers, body } = webhookRequest([secretToSigningKey(secret)], { ...sampleEvent(), delivery }, now);
  return {
    name: signature ?? 'genuine',
    secrets: [secret],
    now,
    tolerance_seconds: 300,
    body_base64: Buffer.from(body).toString('base64'),
    headers,
    valid: reason === null,
    reason,
  };
}

test.skipIf(missingGo !== undefined)(
  'the receiver in Go refuses every webhook that is wrong on purpose',
  { timeout: 300_000 },
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'payment-sim-forged-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'vectors.json');
    const vectors = reasons.map(([signature, reason]) => vectorOf(signature, reason));
    writeFileSync(file, JSON.stringify({ description: 'wrong on purpose', vectors }));
    const output = execFileSync('go', ['run', receiver, file], {
      env: { ...process.env, GO111MODULE: 'off' },
      encoding: 'utf8',
    });
    expect(output).toContain(`${vectors.length} vectors right, 0 `);
  },
);
