import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PaymentScenario } from '../../gen/payment/v1/payment_pb.js';
import { PaymentError } from '../../src/payment/errors.ts';
import {
  type CreateIntentInput,
  validateCreateIntent,
  validateLookup,
} from '../../src/payment/validation.ts';
import { createWebhookUrlCheck } from '../../src/payment/webhook-url.ts';

const good: CreateIntentInput = {
  reservationId: 'reservation-1',
  userId: 'user-1',
  money: { amount: 120_000n, currency: 'KRW' },
  scenario: undefined,
  webhookUrl: '',
  idempotencyKey: '',
  simulation: undefined,
};
const allowAll = createWebhookUrlCheck(() => undefined);

/** The fields named, in order; empty when nothing is wrong. */
function badFields(run: () => unknown): readonly string[] {
  try {
    run();
    return [];
  } catch (error) {
    if (!(error instanceof PaymentError) || error.reason.kind !== 'invalid-request') {
      throw error;
    }
    for (const { field, description } of error.reason.violations) {
      expect(description).not.toBe('');
      expect(error.message).toContain(`${field}: ${description}`);
    }
    return error.reason.violations.map((violation) => violation.field);
  }
}

function badFieldsOf(change: Partial<CreateIntentInput>): readonly string[] {
  return badFields(() => validateCreateIntent({ ...good, ...change }, allowAll));
}

test('a good request passes, with what is empty left undefined', () => {
  expect(validateCreateIntent(good, allowAll)).toEqual({
    reservationId: 'reservation-1',
    userId: 'user-1',
    money: { amount: 120_000, currency: 'KRW' },
    scenario: undefined,
    webhookUrl: undefined,
    idempotencyKey: undefined,
    behavior: undefined,
  });
});

test('a full request passes as it is', () => {
  const full: CreateIntentInput = {
    ...good,
    scenario: 'FAIL',
    webhookUrl: 'https://example.com:8443/hooks?a=b',
    idempotencyKey: 'key-1',
    simulation: { delayMs: 0 },
  };
  const { simulation, ...others } = full;
  expect(validateCreateIntent(full, allowAll)).toEqual({
    ...others,
    behavior: { ...simulation },
    money: { amount: 120_000, currency: 'KRW' },
  });
});

/** An id made of this, with visible characters around it. */
const within = (text: string) => `a${text}b`;

/** What no id and no key may be. */
const badTexts = [
  ' ',
  '   ',
  ' a',
  'a ',
  '\ta',
  'a\u00a0',
  '\u3000a',
  '.',
  '..',
  ...['\u0000', '\n', '\u007f', '\u0085', '\u00ad', '\u061c', '\u115f', '\u200b', '\u200d', '\u200e'].map(
    within,
  ),
  ...['\u2028', '\u202e', '\u2066', '\u2800', '\u3164', '\ufe0f', '\ufeff', '\uffff', '\u{e0041}'].map(
    within,
  ),
  ...['\ud83d', '\udc00'].map(within),
  'x'.repeat(129),
  '😀'.repeat(129),
];

const goodTexts = [
  'x',
  'seat 7',
  '...',
  '.a',
  'a.b',
  'user@example.com',
  'auth0|5f7c',
  '좌석-7',
  'é',
  '座席　7',
  '%2e%2e',
  '?#&="\'<>{}[]^`~',
  'x'.repeat(128),
  '결'.repeat(128),
  '😀'.repeat(128),
];

describe('ids', () => {
  const fields = [
    ['reservation_id', (value: string) => badFieldsOf({ reservationId: value })],
    ['user_id', (value: string) => badFieldsOf({ userId: value })],
    ['payment_intent_id', (value: string) => badFields(() => validateLookup({ paymentId: value }))],
    ['user_id', (value: string) => badFields(() => validateLookup({ paymentId: 'p', userId: value }))],
  ] as const;

  test.each(fields)('%s', (field, badFieldsWith) => {
    for (const bad of [...badTexts, 'a/b', '/', 'a\\b', '../x']) {
      expect(badFieldsWith(bad), JSON.stringify(bad)).toEqual([field]);
    }
    for (const text of goodTexts) {
      expect(badFieldsWith(text), text).toEqual([]);
    }
  });

  test('reservation_id and user_id are required', () => {
    expect(badFieldsOf({ reservationId: '', userId: '' })).toEqual(['reservation_id', 'user_id']);
  });

  test('idempotency_key is optional, and may have slashes as base64 does', () => {
    const fieldsOf = [
      (value: string) => badFieldsOf({ idempotencyKey: value }),
      (value: string) => badFields(() => validateLookup({ paymentId: 'p', idempotencyKey: value })),
    ];
    for (const badFieldsWith of fieldsOf) {
      for (const bad of badTexts.filter((text) => !/^\.+$/.test(text))) {
        expect(badFieldsWith(bad), JSON.stringify(bad)).toEqual(['idempotency_key']);
      }
      for (const text of ['', ...goodTexts, 'q83vEjRWeJA/+w==', 'a\\b']) {
        expect(badFieldsWith(text), text).toEqual([]);
      }
    }
  });

  test('every text that passes is one path segment of a URL, and one line of text, as it stands', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1 }), (id) => {
        if (badFieldsOf({ reservationId: id }).length === 0) {
          const { pathname } = new URL(`http://a/x/${encodeURIComponent(id)}`);
          expect(decodeURIComponent(pathname.slice('/x/'.length))).toBe(id);
          expect(id).toBe(id.trim());
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

function told(reservationId: string): string | undefined {
  try {
    validateCreateIntent({ ...good, reservationId }, allowAll);
    return undefined;
  } catch (error) {
    return String(error);
  }
}

test('a refusal says what is wrong', () => {
  expect(told('..')).toContain('reservation_id: must not be "." or ".."');
  expect(told('a/b')).toContain('reservation_id: must be without slashes');
  expect(told(' a')).toContain('reservation_id: must not begin or end with a blank: nothing is trimmed');
  expect(told('a\u202eb')).toContain(
    'reservation_id: must be without control and invisible characters, and has U+202E',
  );
  expect(told('😀'.repeat(130))).toContain('reservation_id: must be at most 128 characters long, not 130');
});

describe('amount', () => {
  const maxAmount = BigInt(Number.MAX_SAFE_INTEGER);

  test('is required, and then names itself once', () => {
    expect(badFieldsOf({ money: undefined })).toEqual(['amount']);
  });

  test.each([1n, 2n, maxAmount - 1n, maxAmount])('%d is good', (amount) => {
    expect(badFieldsOf({ money: { amount, currency: 'KRW' } })).toEqual([]);
  });

  test.each([0n, -1n, maxAmount + 1n, 2n ** 63n - 1n, -(2n ** 63n)])('%d is not', (amount) => {
    expect(badFieldsOf({ money: { amount, currency: 'KRW' } })).toEqual(['amount.amount']);
  });

  test('every int64 is judged by its bounds, and survives exactly when good', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (amount) => {
        const isGood = amount >= 1n && amount <= maxAmount;
        const input = { ...good, money: { amount, currency: 'USD' } };
        expect(badFields(() => validateCreateIntent(input, allowAll))).toEqual(
          isGood ? [] : ['amount.amount'],
        );
        if (isGood) {
          expect(BigInt(validateCreateIntent(input, allowAll).money.amount)).toBe(amount);
        }
      }),
    );
  });

  test.each(['', 'krw', 'WON', 'KRWX'])('currency "%s" is refused', (currency) => {
    expect(badFieldsOf({ money: { amount: 1n, currency } })).toEqual(['amount.currency']);
  });
});

test('an unknown scenario is refused, known ones and none pass', () => {
  expect(badFieldsOf({ scenario: 'unknown' })).toEqual(['scenario']);
  for (const scenario of [undefined, 'APPROVE', 'FAIL', 'DELAY', 'RANDOM'] as const) {
    expect(badFieldsOf({ scenario })).toEqual([]);
  }
});

test('the refusal of an unknown scenario names every number of the contract', () => {
  for (const number of Object.values(PaymentScenario).filter((value) => typeof value === 'number')) {
    expect(() => validateCreateIntent({ ...good, scenario: 'unknown' }, allowAll)).toThrow(
      new RegExp(`\\(${number}\\b`),
    );
  }
});

test('a delay is from 0 to one day', () => {
  for (const delayMs of [0, 1, 86_400_000]) {
    expect(badFieldsOf({ simulation: { delayMs } })).toEqual([]);
  }
  for (const delayMs of [-1, 86_400_001, 2 ** 31 - 1, -(2 ** 31)]) {
    expect(badFieldsOf({ simulation: { delayMs } })).toEqual(['simulation.delay_ms']);
  }
});

const longUrl = (length: number) => 'http://example.com/'.padEnd(length, 'x');

describe('webhook_url', () => {
  test.each([
    'http://localhost:3000/webhooks',
    'https://example.com',
    'http://[::1]:8080/',
    'http://10.0.0.1/a?b=c',
    'HTTPS://EXAMPLE.COM/',
    'https://결제.example/웹훅',
    longUrl(2_048),
  ])('%s passes', (webhookUrl) => {
    expect(badFieldsOf({ webhookUrl })).toEqual([]);
  });

  test.each([
    'example.com/webhooks',
    '/webhooks',
    '//example.com/',
    'ftp://example.com/',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'data:text/plain,x',
    'ws://example.com/',
    'http://',
    'http://exa mple.com/',
    'http://example.com:65536/',
    'http://user@example.com/',
    'http://:secret@example.com/',
    'https://user:secret@example.com/',
    'http://@example.com/',
    'http:example.com',
    'http:/example.com',
    'http:///example.com',
    'http:\\\\example.com/',
    'http://\\example.com/',
    'http://example.com\\@127.0.0.1/',
    'http://example.com/a\\b',
    ' http://example.com/',
    'http://example.com/ ',
    'http://example.com/a b',
    'ht\ntp://example.com/',
    'http://exam\tple.com/',
    'http://example.com/\r\nHost: other',
    'http://example.com/\u0000',
    'http://example.com/\u0085',
    ...['\u00ad', '\u200b', '\u202e', '\u2060', '\ufeff', '\u{e0041}', '\ud83d'].flatMap((character) => [
      `http://exam${character}ple.com/`,
      `http://example.com/a${character}b`,
      `http://example.com/?a=${character}`,
    ]),
    'http://example.com/\u3000a',
    'http://example.com/\u00a0',
    `http://example.com/${'웹'.repeat(300)}`,
    longUrl(2_049),
  ])('%s is refused', (webhookUrl) => {
    expect(badFieldsOf({ webhookUrl })).toEqual(['webhook_url']);
  });

  test.each([
    ['https://example.com', 'https://example.com'],
    ['HTTPS://EXAMPLE.COM/', 'https://example.com/'],
    ['https://결제.example/웹훅', 'https://xn--p89a133c.example/%EC%9B%B9%ED%9B%85'],
    ['http://0x7f.1:80/a/../b', 'http://127.0.0.1/b'],
    ['https://example.com:8443/hooks?a=b#c', 'https://example.com:8443/hooks?a=b'],
    ['https://example.com#c', 'https://example.com'],
  ])('%s is stored as the address that is called', (webhookUrl, address) => {
    expect(validateCreateIntent({ ...good, webhookUrl }, allowAll).webhookUrl).toBe(address);
  });

  test('a refusal does not repeat the credentials', () => {
    const webhookUrl = 'http://user:hunter2@example.com/';
    const refusal = expect(() => validateCreateIntent({ ...good, webhookUrl }, allowAll));
    refusal.toThrow(PaymentError);
    refusal.not.toThrow(/hunter2/);
  });

  test('the further check has the last word, and is asked only about addresses that are good so far', () => {
    const asked: string[] = [];
    const refuseAll = createWebhookUrlCheck((url) => {
      asked.push(url.href);
      return 'must not be called';
    });
    const check = (webhookUrl: string) =>
      badFields(() => validateCreateIntent({ ...good, webhookUrl }, refuseAll));
    expect(check('')).toEqual([]);
    expect(check('ftp://example.com/')).toEqual(['webhook_url']);
    expect(asked).toEqual([]);
    expect(check('http://example.com/x')).toEqual(['webhook_url']);
    expect(asked).toEqual(['http://example.com/x']);
  });
});

/** Each field good or bad, with the path that its violation must have. */
const choices = fc.record({
  reservationId: fc.constantFrom('r', '', 'r'.repeat(129)),
  userId: fc.constantFrom('u', '', 'u'.repeat(200)),
  amount: fc.constantFrom(1n, 0n, 2n ** 60n),
  currency: fc.constantFrom('KRW', '', 'krw'),
  hasMoney: fc.boolean(),
  scenario: fc.constantFrom('APPROVE', undefined, 'unknown' as const),
  webhookUrl: fc.constantFrom('', 'http://a/', 'gopher://a/'),
  idempotencyKey: fc.constantFrom('', 'k', 'k'.repeat(129)),
  simulation: fc.constantFrom(undefined, { delayMs: 0 }, { delayMs: -1 }),
});

test('all mistakes are reported at once, each under its own path', () => {
  fc.assert(
    fc.property(choices, (choice) => {
      const { amount, currency, hasMoney, ...rest } = choice;
      const input = { ...rest, money: hasMoney ? { amount, currency } : undefined } as CreateIntentInput;
      const expected = [
        ...(choice.reservationId === 'r' ? [] : ['reservation_id']),
        ...(choice.userId === 'u' ? [] : ['user_id']),
        ...(hasMoney ? [] : ['amount']),
        ...(!hasMoney || amount === 1n ? [] : ['amount.amount']),
        ...(!hasMoney || currency === 'KRW' ? [] : ['amount.currency']),
        ...(choice.scenario === 'unknown' ? ['scenario'] : []),
        ...(choice.webhookUrl.startsWith('gopher') ? ['webhook_url'] : []),
        ...(choice.idempotencyKey.length > 128 ? ['idempotency_key'] : []),
        ...(choice.simulation?.delayMs === -1 ? ['simulation.delay_ms'] : []),
      ];
      const reported = badFields(() => validateCreateIntent(input, allowAll));
      expect(reported).toHaveLength(expected.length);
      expect(new Set(reported)).toEqual(new Set(expected));
    }),
    { numRuns: 500 },
  );
});

test('no webhook address makes the check fail in any way but its own', () => {
  fc.assert(
    fc.property(fc.oneof(fc.webUrl(), fc.string({ unit: 'binary' }), fc.domain()), (webhookUrl) => {
      expect(['', 'webhook_url']).toContain(badFieldsOf({ webhookUrl }).join());
    }),
  );
});

test('a lookup needs its payment id and bounds the other ids', () => {
  const long = 'x'.repeat(129);
  expect(badFields(() => validateLookup({ paymentId: 'pay-1' }))).toEqual([]);
  expect(badFields(() => validateLookup({ paymentId: 'pay-1', userId: '', idempotencyKey: '' }))).toEqual([]);
  expect(badFields(() => validateLookup({ paymentId: '' }))).toEqual(['payment_intent_id']);
  expect(badFields(() => validateLookup({ paymentId: long, userId: long, idempotencyKey: long }))).toEqual([
    'payment_intent_id',
    'user_id',
    'idempotency_key',
  ]);
});
