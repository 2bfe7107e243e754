import { createHmac } from 'node:crypto';
import * as fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { expect, test } from 'vitest';
import {
  secretToKey,
  secretToSigningKey,
  signatureHeadersFor,
  signBody,
  signStandard,
} from '../../src/webhook-format/signature.ts';

/** JSON, because the library parses what it has verified. */
const bodies = fc.json({ stringUnit: 'binary' });
/** They go to the library as bytes: of text it takes the low byte of each character. */
const secrets = fc.string({ minLength: 1, unit: 'grapheme' }).filter((s) => !s.startsWith('whsec_'));
const ids = fc.uuid().map((uuid) => `evt-${uuid}`);

/** Now: the library refuses timestamps more than five minutes away. */
const nowSeconds = () => Math.floor(Date.now() / 1000);

test('both signatures agree with an HMAC by hand and with the Standard Webhooks library', () => {
  fc.assert(
    fc.property(secrets, ids, bodies, (secret, id, body) => {
      const seconds = nowSeconds();
      const headers = signatureHeadersFor([secretToSigningKey(secret)], id, seconds, body);
      expect(headers).toEqual({
        'x-webhook-signature': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
        'webhook-id': id,
        'webhook-timestamp': String(seconds),
        'webhook-signature': `v1,${createHmac('sha256', secret)
          .update(`${id}.${seconds}.${body}`)
          .digest('base64')}`,
      });
      const verifier = new Webhook(Buffer.from(secret), { format: 'raw' });
      expect(verifier.verify(body, headers)).toEqual(JSON.parse(body));
    }),
  );
});

test('a whsec_ secret stands for the bytes behind it, as the library reads it', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 24, maxLength: 64 }), ids, bodies, (bytes, id, body) => {
      const secret = `whsec_${Buffer.from(bytes).toString('base64')}`;
      expect(secretToKey(secret)).toEqual(Buffer.from(bytes));
      const headers = signatureHeadersFor([secretToSigningKey(secret)], id, nowSeconds(), body);
      expect(new Webhook(secret).verify(body, headers)).toEqual(JSON.parse(body));
    }),
  );
});

test('with several keys the first signs the simple header and each key can verify the standard one', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(secrets, { minLength: 2, maxLength: 4 }),
      ids,
      bodies,
      ([first = '', ...older], id, body) => {
        const headers = signatureHeadersFor(
          [secretToKey(first), ...older.map(secretToKey)],
          id,
          nowSeconds(),
          body,
        );
        expect(headers['x-webhook-signature']).toBe(signBody(Buffer.from(first), body));
        expect(headers['webhook-signature']?.split(' ')).toHaveLength(1 + older.length);
        for (const secret of [first, ...older]) {
          expect(new Webhook(Buffer.from(secret), { format: 'raw' }).verify(body, headers)).toEqual(
            JSON.parse(body),
          );
        }
      },
    ),
  );
});

test('another key, body, id or time does not verify', () => {
  const body = '{"amount":1}';
  const headers = signatureHeadersFor([secretToKey('right')], 'evt-1', nowSeconds(), body);
  const right = new Webhook('right', { format: 'raw' });
  expect(right.verify(body, headers)).toEqual({ amount: 1 });
  expect(() => new Webhook('wrong', { format: 'raw' }).verify(body, headers)).toThrow('signature');
  expect(() => right.verify('{"amount":2}', headers)).toThrow('signature');
  expect(() => right.verify(body, { ...headers, 'webhook-id': 'evt-2' })).toThrow('signature');
  const later = String(nowSeconds() + 60);
  expect(() => right.verify(body, { ...headers, 'webhook-timestamp': later })).toThrow('signature');
});

test('text and its UTF-8 bytes have the same signatures', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (body) => {
      const key = secretToKey('secret');
      expect(signBody(key, body)).toBe(signBody(key, Buffer.from(body)));
      expect(signStandard(key, 'evt-1', '1', body)).toBe(signStandard(key, 'evt-1', '1', Buffer.from(body)));
    }),
  );
});
