import * as fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { describe, expect, test } from 'vitest';
import { encodeWebhookBody } from '../../src/delivery/payload.ts';
import { secretToKey, signatureHeadersFor, signBody } from '../../src/webhook-format/signature.ts';
import {
  verifyWebhook,
  type VerifyWebhookOptions,
  WebhookVerificationError,
  type WebhookVerificationErrorCode,
} from '../../src/index.ts';
import { sampleEvent } from '../support/sample-payment.ts';

const nowMs = 1_795_359_818_000;
const nowSeconds = nowMs / 1000;

const texts = fc.string({ maxLength: 40, unit: 'grapheme' });
const events = fc
  .record({
    eventId: fc.uuid().map((uuid) => `evt-${uuid}`),
    id: texts,
    reservationId: texts,
    userId: texts,
    status: fc.constantFrom('COMPLETED' as const, 'FAILED' as const),
    money: fc.record({
      amount: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
      currency: fc.constantFrom('KRW', 'USD'),
    }),
  })
  .map((change) => sampleEvent(change));
const secrets = fc.oneof(
  fc
    .string({ minLength: 1, unit: 'grapheme' })
    .map((text) => text.trim())
    .filter((text) => text !== '' && !text.startsWith('whsec_') && !text.includes(',')),
  fc
    .uint8Array({ minLength: 24, maxLength: 64 })
    .map((bytes) => `whsec_${Buffer.from(bytes).toString('base64')}`),
);

const event = sampleEvent();
const body = encodeWebhookBody(event, nowSeconds);
const secret = 'a secret';
const headers = signatureHeadersFor([secretToKey(secret)], 'evt-1', nowSeconds, body);
const onlySimple = { 'x-webhook-signature': headers['x-webhook-signature'] };
const good: VerifyWebhookOptions = { body, headers, secret, nowMs };

function codeOf(options: Partial<VerifyWebhookOptions>): WebhookVerificationErrorCode | 'accepted' {
  try {
    verifyWebhook({ ...good, ...options });
    return 'accepted';
  } catch (error) {
    if (error instanceof WebhookVerificationError) {
      return error.code;
    }
    throw error;
  }
}

/** The headers of a body signed now, with the trio alone. */
function signed(text: string): Record<string, string> {
  return signatureHeadersFor([secretToKey(secret)], 'evt-1', nowSeconds, text);
}

describe('beside the Standard Webhooks library', () => {
  test('both accept what the service signs, and read the same', () => {
    fc.assert(
      fc.property(secrets, events, (oneSecret, oneEvent) => {
        const seconds = Math.floor(Date.now() / 1000);
        const text = encodeWebhookBody(oneEvent, seconds);
        const signature = signatureHeadersFor([secretToKey(oneSecret)], oneEvent.id, seconds, text);
        const library = new Webhook(secretToKey(oneSecret), { format: 'raw' }).verify(text, signature);
        for (const given of [text, Buffer.from(text)]) {
          expect(verifyWebhook({ body: given, headers: signature, secret: oneSecret })).toEqual(library);
        }
      }),
    );
  });

  test('it accepts what the library signs', () => {
    fc.assert(
      fc.property(secrets, events, (oneSecret, oneEvent) => {
        const at = new Date();
        const text = encodeWebhookBody(oneEvent, 0);
        const library = new Webhook(secretToKey(oneSecret), { format: 'raw' });
        const signature = {
          'webhook-id': oneEvent.id,
          'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
          'webhook-signature': library.sign(oneEvent.id, at, text),
        };
        expect(verifyWebhook({ body: text, headers: signature, secret: oneSecret })).toEqual(
          JSON.parse(text),
        );
      }),
    );
  });

  test('both refuse whatever was changed by one byte', () => {
    const parts = fc.constantFrom('body', 'webhook-id', 'webhook-timestamp', 'webhook-signature');
    fc.assert(
      fc.property(
        secrets,
        events,
        parts,
        fc.nat(),
        fc.integer({ min: 1, max: 9 }),
        (key, one, part, at, by) => {
          const seconds = Math.floor(Date.now() / 1000);
          const text = encodeWebhookBody(one, seconds);
          const webhook = {
            body: text,
            ...signatureHeadersFor([secretToKey(key)], one.id, seconds, text),
          } as Record<string, string>;
          webhook[part] = changed(webhook[part] ?? '', at, by);
          const { body: sentBody = '', ...sent } = webhook;
          const library = new Webhook(secretToKey(key), { format: 'raw' });
          expect(() => library.verify(sentBody, sent)).toThrow();
          expect(() => verifyWebhook({ body: sentBody, headers: sent, secret: key })).toThrow(
            WebhookVerificationError,
          );
        },
      ),
    );
  });
});

/** The text with one of its digits or letters replaced by another. */
function changed(text: string, at: number, by: number): string {
  const places = [...text.matchAll(/[0-9a-z]/g)].map((match) => match.index);
  const place = places[at % places.length] ?? 0;
  const old = text[place] ?? '';
  const alphabet = /[0-9]/.test(old) ? '0123456789' : 'abcdefghij';
  const from = Math.max(0, alphabet.indexOf(old));
  const replacement = alphabet[(from + by) % 10] ?? '';
  return `${text.slice(0, place)}${replacement === old ? '_' : replacement}${text.slice(place + 1)}`;
}

test('the event comes back typed', () => {
  const webhook = verifyWebhook(good);
  expect(webhook.status === 'PAYMENT_STATUS_COMPLETED' && webhook.amount).toBe(120_000);
});

describe('headers', () => {
  const upper = Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toUpperCase(), value]),
  );
  const asArrays = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]]));
  test.each([
    ['of node:http', headers],
    ['of node:http as arrays', asArrays],
    ['in upper case', upper],
    ['of fetch', new Headers(headers)],
    ['in a Map', new Map(Object.entries(upper))],
    ['as pairs', Object.entries(headers)],
    ['among others', { ...headers, 'set-cookie': ['a', 'b'], host: undefined }],
  ])('%s are read', (_kind, given) => {
    expect(verifyWebhook({ ...good, headers: given })).toEqual(JSON.parse(body));
  });

  test('the simple one alone is enough, with the time of the body', () => {
    expect(codeOf({ headers: onlySimple })).toBe('accepted');
    expect(codeOf({ headers: onlySimple, nowMs: nowMs + 301_000 })).toBe('TimestampOutOfTolerance');
    expect(codeOf({ headers: onlySimple, secret: 'another' })).toBe('SignatureMismatch');
  });

  test('beside the trio the simple one does not count, right or wrong', () => {
    expect(codeOf({ headers: { ...headers, 'x-webhook-signature': 'sha256=nonsense' } })).toBe('accepted');
    expect(codeOf({ headers: { ...headers, 'webhook-signature': 'v1,bm8=' } })).toBe('SignatureMismatch');
  });

  test.each([
    ['all', {}, 'MissingHeader'],
    ['the id', { ...headers, 'webhook-id': undefined }, 'MissingHeader'],
    ['an empty id', { ...headers, 'webhook-id': '' }, 'MissingHeader'],
    ['the timestamp', { ...headers, 'webhook-timestamp': undefined }, 'MissingHeader'],
    ['the signature', { ...headers, 'webhook-signature': undefined }, 'MissingHeader'],
    ['a whole time', { ...headers, 'webhook-timestamp': `${nowSeconds}.5` }, 'MalformedHeader'],
    ['a time in digits', { ...headers, 'webhook-timestamp': 'NaN' }, 'MalformedHeader'],
    ['a version', { ...headers, 'webhook-signature': 'c2ln' }, 'MalformedHeader'],
    ['a known version', { ...headers, 'webhook-signature': 'v1a,c2ln' }, 'MalformedHeader'],
    ['one id', { ...headers, 'webhook-id': ['evt-1', 'evt-1'] }, 'MalformedHeader'],
    ['one spelling', { ...headers, 'Webhook-Id': 'evt-2' }, 'MalformedHeader'],
    ['hex', { 'x-webhook-signature': 'sha256=xyz' }, 'MalformedHeader'],
    ['sha256', { 'x-webhook-signature': `sha1=${'0'.repeat(64)}` }, 'MalformedHeader'],
  ] as const)('that lack %s are refused', (_what, given, code) => {
    expect(codeOf({ headers: given })).toBe(code);
  });
});

describe('secrets', () => {
  const rotated = signatureHeadersFor([secretToKey('new'), secretToKey('old')], 'evt-1', nowSeconds, body);

  test.each([
    ['the new one', 'new', 'accepted', 'accepted'],
    ['the old one, which the simple header cannot serve', 'old', 'accepted', 'SignatureMismatch'],
    ['both', 'new,old', 'accepted', 'accepted'],
    ['both the other way round', ' old , new ', 'accepted', 'accepted'],
    ['both in an array', ['old', 'new'], 'accepted', 'accepted'],
    ['neither', 'newer,older', 'SignatureMismatch', 'SignatureMismatch'],
  ] as const)('while they are rotated, a receiver with %s', (_which, given, standard, simple) => {
    expect(codeOf({ headers: rotated, secret: given })).toBe(standard);
    const simpleAlone = { 'x-webhook-signature': rotated['x-webhook-signature'] };
    expect(codeOf({ headers: simpleAlone, secret: given })).toBe(simple);
  });

  test.each([[''], [' '], ['a,,b'], [[]], [['a', '']], ['whsec_'], ['whsec_no base64!']])(
    '%j cannot be used, and is not repeated',
    (given) => {
      expect(() => verifyWebhook({ ...good, secret: given })).toThrow(TypeError);
      expect(() => verifyWebhook({ ...good, secret: given })).not.toThrow('no base64!');
    },
  );
});

describe('time', () => {
  test.each([
    [300, 'accepted'],
    [-300, 'accepted'],
    [301, 'TimestampOutOfTolerance'],
    [-301, 'TimestampOutOfTolerance'],
  ] as const)('%i seconds later', (seconds, code) => {
    expect(codeOf({ nowMs: nowMs + seconds * 1000 })).toBe(code);
  });

  test('the tolerance can be set, also to none, but not to nonsense', () => {
    expect(codeOf({ toleranceSeconds: 10, nowMs: nowMs + 11_000 })).toBe('TimestampOutOfTolerance');
    expect(codeOf({ toleranceSeconds: 0 })).toBe('accepted');
    expect(codeOf({ toleranceSeconds: Infinity, nowMs: 0 })).toBe('accepted');
    for (const toleranceSeconds of [-1, Number.NaN]) {
      expect(() => codeOf({ toleranceSeconds })).toThrow(RangeError);
    }
  });

  test('a forged webhook is told as forged, however old it is', () => {
    expect(codeOf({ secret: 'another', nowMs: 0 })).toBe('SignatureMismatch');
  });
});

describe('bodies', () => {
  test.each([
    ['parsed', JSON.parse(body) as unknown],
    ['missing', undefined],
    ['null', null],
    ['an array of bytes', [...Buffer.from(body)]],
  ])('%s are refused with advice', (_kind, given) => {
    const options = { ...good, body: given } as VerifyWebhookOptions;
    expect(codeOf(options)).toBe('BodyNotRaw');
    expect(() => verifyWebhook(options)).toThrow('pass the raw body');
  });

  test('printed again with spaces are refused', () => {
    const printed = JSON.stringify(JSON.parse(body), null, 2);
    expect(codeOf({ body: printed })).toBe('SignatureMismatch');
    expect(codeOf({ body: '' })).toBe('SignatureMismatch');
  });

  test.each([
    'not json',
    'null',
    '[]',
    '{}',
    body.replace('"amount":120000', '"amount":"120000"'),
    body.replace('PAYMENT_STATUS_COMPLETED', 'COMPLETED'),
  ])('genuine but not an event: %s', (text) => {
    expect(codeOf({ body: text, headers: signed(text) })).toBe('MalformedBody');
  });

  test('genuine but not UTF-8', () => {
    const bytes = Buffer.from([0x22, 0xff, 0x22]);
    const simple = { 'x-webhook-signature': signBody(secretToKey(secret), bytes) };
    expect(codeOf({ body: bytes, headers: simple })).toBe('MalformedBody');
  });

  test('fields that are not known yet are kept', () => {
    const text = body.replace('{', '{"later":true,');
    expect(verifyWebhook({ ...good, body: text, headers: signed(text) })).toMatchObject({ later: true });
  });
});

test('no error repeats the secret or the signature that would have been right', () => {
  const right = headers['webhook-signature']?.slice(3) ?? '';
  for (const given of [
    { ...headers, 'webhook-id': 'evt-2' },
    { ...onlySimple, 'webhook-id': 'evt-1' },
  ]) {
    try {
      verifyWebhook({ ...good, body: `${body} `, headers: given });
      expect.unreachable();
    } catch (error) {
      const told = `${String(error)} ${JSON.stringify(error)} ${(error as Error).stack}`;
      expect(told).not.toContain(secret);
      expect(told).not.toContain(right);
    }
  }
});
