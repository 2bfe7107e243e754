import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { webhookRequest } from '../../src/delivery/webhook/attempt.ts';
import type { SignatureFault } from '../../src/payment/payment.ts';
import { secretToSigningKey } from '../../src/webhook-format/signature.ts';
import type { SignatureVector } from '../fixtures/write-signature-vectors.ts';
import { sampleEvent } from '../support/sample-payment.ts';

const secret = 'payment-sim-dev-secret';
const receiver = fileURLToPath(new URL('../../docs/clients/java/WebhookReceiver.java', import.meta.url));
const fixtures = fileURLToPath(new URL('../fixtures/signature-vectors.json', import.meta.url));
const isMissing = spawnSync('java', ['-version']).status !== 0;

/** Why each is refused, in the words of the receiver; empty is genuine. */
const reasons: readonly (readonly [SignatureFault | undefined, string])[] = [
  [undefined, ''],
  ['WRONG_SECRET', 'SignatureMismatch'],
  ['MISSING', 'MissingHeader'],
  ['STALE', 'TimestampOutOfTolerance'],
  ['TAMPERED', 'SignatureMismatch'],
];

interface Row {
  readonly name: string;
  readonly secrets: readonly string[];
  readonly now: number;
  readonly tolerance: number;
  readonly bodyBase64: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly reason: string;
}

/** A line of the file that the receiver checks itself against. */
function lineOf({ name, secrets, now, tolerance, bodyBase64, headers, reason }: Row): string {
  const encoded = secrets.map((each) => Buffer.from(each).toString('base64')).join(',');
  const signed = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((each) => headers[each] ?? '');
  return [name, encoded, now, tolerance, bodyBase64, ...signed, reason].join('\t');
}

function forgedRow([signature, reason]: (typeof reasons)[number]): Row {
  const now = 1_795_359_818;
  const delivery = { kind: 'arranged', channel: 'webhook', signature, isHeldBack: false } as const;
  const { headers, body } = webhookRequest([secretToSigningKey(secret)], { ...sampleEvent(), delivery }, now);
  const bodyBase64 = Buffer.from(body).toString('base64');
  return {
    name: signature ?? 'genuine',
    secrets: [secret],
    now,
    tolerance: 300,
    bodyBase64,
    headers,
    reason,
  };
}

function vectorRow(vector: SignatureVector): Row {
  const {
    name,
    secrets,
    now,
    tolerance_seconds: tolerance,
    body_base64: bodyBase64,
    headers,
    reason,
  } = vector;
  return { name, secrets, now, tolerance, bodyBase64, headers, reason: reason ?? '' };
}

function check(rows: readonly Row[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'payment-sim-forged-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'vectors.tsv');
  writeFileSync(file, `${rows.map(lineOf).join('\n')}\n`);
  return execFileSync('java', [receiver, file], { encoding: 'utf8' });
}

test('there is a JDK, always in CI', () => {
  expect(isMissing && process.env['CI'] !== undefined).toBe(false);
});

test.skipIf(isMissing)(
  'the receiver in Java refuses every webhook that is wrong on purpose',
  { timeout: 120_000 },
  () => {
    expect(check(reasons.map(forgedRow))).toBe(`${reasons.length} vectors right\n`);
  },
);

test.skipIf(isMissing)('and takes and refuses as every receiver does', { timeout: 120_000 }, () => {
  const { vectors } = JSON.parse(readFileSync(fixtures, 'utf8')) as {
    readonly vectors: readonly SignatureVector[];
  };
  // Without those that have X-Webhook-Signature alone.
  const rows = vectors
    .filter(({ headers }) => Object.keys(headers).join(',') !== 'x-webhook-signature')
    .map(vectorRow);
  expect(check(rows)).toBe(`${rows.length} vectors right\n`);
});
