import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { checkSignature, type SignatureVerdict } from '../../console/src/core/signature.ts';
import { signatureHeadersFor, signingKeysOf } from '../../src/webhook-format/signature.ts';

/* What the console makes of the signature of a webhook. */

interface Vector {
  readonly name: string;
  readonly secrets: readonly string[];
  readonly now: number;
  readonly tolerance_seconds: number;
  readonly body_base64: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly reason: string | null;
}

const { vectors } = JSON.parse(
  readFileSync(new URL('../fixtures/signature-vectors.json', import.meta.url), 'utf8'),
) as { readonly vectors: readonly Vector[] };

const reasons: Readonly<Record<SignatureVerdict, string | null>> = {
  match: null,
  mismatch: 'SignatureMismatch',
  'too-old': 'TimestampOutOfTolerance',
  'too-early': 'TimestampOutOfTolerance',
  'missing-header': 'MissingHeader',
  'malformed-header': 'MalformedHeader',
  'no-time': 'MalformedBody',
  'bad-secret': 'unusable',
  'no-crypto': 'unusable',
};

test.each(vectors)('$name: the same as what receivers find', async (vector) => {
  const body = Buffer.from(vector.body_base64, 'base64').toString('utf8');
  const { headers, secrets, now } = vector;
  const { verdict } = await checkSignature({ headers, body }, secrets.join(', '), now * 1_000);
  expect(reasons[verdict]).toBe(vector.reason);
});

test('the vectors are there, and with the tolerance that is checked', () => {
  expect(vectors.length).toBeGreaterThan(20);
  expect(new Set(vectors.map((vector) => vector.tolerance_seconds))).toEqual(new Set([300]));
});

describe('what is shown', () => {
  const body = '{"event_id":"evt-1","timestamp":1000}';
  const headers = signatureHeadersFor(signingKeysOf(['new', 'old']), 'evt-1', 1_000, body);

  test('is what was signed, each signature given, and what it should be', async () => {
    const result = await checkSignature({ headers, body }, 'old', 1_007_999);
    expect(result).toMatchObject({ verdict: 'match', ageSeconds: 7 });
    const [standard, simple] = result.checks;
    expect(standard).toEqual({
      header: 'webhook-signature',
      signed: `evt-1.1000.${body}`,
      given: headers['webhook-signature']?.split(' '),
      computed: [headers['webhook-signature']?.split(' ')[1]],
      fits: true,
    });
    // It is made with the first secret alone, and does not decide.
    expect(simple).toMatchObject({ header: 'x-webhook-signature', signed: body, fits: false });
  });

  test('names of headers are found in upper case', async () => {
    const upper = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name.toUpperCase(), value]),
    );
    expect((await checkSignature({ headers: upper, body }, 'new', 1_000_000)).verdict).toBe('match');
  });

  test('old and from the future are told apart', async () => {
    expect(await checkSignature({ headers, body }, 'new', 1_301_000)).toMatchObject({
      verdict: 'too-old',
      ageSeconds: 301,
    });
    expect((await checkSignature({ headers, body }, 'new', 699_000)).verdict).toBe('too-early');
  });

  test('a body without a time that is signed by the simple header alone has none', async () => {
    const { 'x-webhook-signature': simple = '' } = signatureHeadersFor(signingKeysOf(['s']), 'e', 1, '[]');
    const signed = { headers: { 'x-webhook-signature': simple }, body: '[]' };
    expect((await checkSignature(signed, 's', 1_000)).verdict).toBe('no-time');
  });

  test.each(['', 'right,', 'whsec_', 'whsec_AAA', 'whsec_!!!!', 'whsec_AA ==', 'whsec_한'])(
    'the secret %j signs nothing',
    async (secret) => {
      expect((await checkSignature({ headers, body }, secret, 1_000_000)).verdict).toBe('bad-secret');
    },
  );
});

describe('on a page that came over plain HTTP from elsewhere', () => {
  afterEach(() => void vi.unstubAllGlobals());

  test('browsers have no WebCrypto', async () => {
    vi.stubGlobal('crypto', {});
    expect((await checkSignature({ headers: {}, body: '' }, 's', 0)).verdict).toBe('no-crypto');
  });
});
