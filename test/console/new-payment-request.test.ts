import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { type DescMessage, toJson } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { failureCodes } from '../../console/src/pages/new-payment/failure-codes.ts';
import { choicesOf, fieldPaths, type FormValues, kindOf } from '../../console/src/pages/new-payment/fields.ts';
import { fromQuery, toQuery } from '../../console/src/pages/new-payment/prefill.ts';
import { presets } from '../../console/src/pages/new-payment/presets.ts';
import { receiverOf, webhookUrlOf } from '../../console/src/pages/new-payment/receiver.ts';
import { buildRequest, curlOf, faultAskedBy, messageOf } from '../../console/src/pages/new-payment/request.ts';
import { CreatePaymentIntentRequestSchema } from '../../gen/payment/v1/payment_pb.js';

/* What the console's form of a new payment sends, and shows as curl. */

/** Every field of a message and of those in it, by path. */
function pathsOf(message: DescMessage, before = ''): readonly string[] {
  return message.fields.flatMap((field) =>
    field.fieldKind === 'message'
      ? pathsOf(field.message, `${before}${field.name}.`)
      : [`${before}${field.name}`],
  );
}

const usual: FormValues = {
  user_id: 'user-1',
  reservation_id: 'reservation-1',
  'amount.amount': '120000',
  'amount.currency': 'KRW',
};

/** Any text that somebody may put into the field, as long as it can be sent. */
function anyValueOf(path: (typeof fieldPaths)[number]): fc.Arbitrary<string> {
  const kind = kindOf(path);
  switch (kind) {
    case 'int32':
      return fc.integer().map(String);
    case 'int64':
      return fc.bigInt(-(2n ** 63n) + 1n, 2n ** 63n - 1n).map(String);
    case 'flag':
      return fc.constant('true');
    case 'tags':
      return fc.constantFrom('a=1', 'a=1\nb = 2=3\n');
    case 'text':
      return fc.string({ minLength: 1, unit: 'binary' });
    default:
      return fc.constantFrom(...choicesOf(path, kind).map(({ name }) => name));
  }
}

const anyValues: fc.Arbitrary<FormValues> = fc.record(
  Object.fromEntries(fieldPaths.map((path) => [path, anyValueOf(path)])),
  { requiredKeys: [] },
);

test('the form has every field of the contract, and no other', () => {
  expect(fieldPaths.toSorted()).toEqual(pathsOf(CreatePaymentIntentRequestSchema).toSorted());
});

test('the failure codes are those of the magic users', () => {
  const rules = readFileSync(new URL('../../rules/magic-users.yaml', import.meta.url), 'utf8');
  const codes = [...rules.matchAll(/\bfailure_code: (\w+)/g)].map(([, code]) => code);
  expect(failureCodes).toEqual(codes);
});

describe('the request', () => {
  test('has what is filled in, and nothing else', () => {
    expect(buildRequest({ ...usual, idempotency_key: '', 'simulation.api.code': '' })).toEqual({
      json: {
        user_id: 'user-1',
        reservation_id: 'reservation-1',
        amount: { amount: 120_000, currency: 'KRW' },
      },
      unsendable: new Map(),
    });
    expect(buildRequest({}).json).toEqual({});
  });

  test('tells 0 from nothing, as the contract does', () => {
    const { json } = buildRequest({ 'simulation.delay_ms': '0', 'simulation.refund.delay_ms': '0' });
    expect(json).toEqual({ simulation: { delay_ms: 0, refund: { delay_ms: 0 } } });
    expect(messageOf(json).simulation?.delayMs).toBe(0);
    expect(messageOf(buildRequest(usual).json).simulation).toBeUndefined();
  });

  test('has every option', () => {
    const { json } = buildRequest({
      ...usual,
      'metadata.tags': 'show=a=b\n\n seat = 7 ',
      'simulation.failure_code': 'lost_card',
      'simulation.api.code': 'UNAVAILABLE',
      'simulation.api.when': 'SIMULATED_ERROR_TIME_AFTER',
      'simulation.delivery.drop': 'true',
      'simulation.refund.outcome': 'SIMULATED_OUTCOME_DECLINE',
    });
    expect(json).toMatchObject({
      metadata: { tags: { show: 'a=b', seat: '7' } },
      simulation: {
        failure_code: 'lost_card',
        api: { code: 'UNAVAILABLE', when: 'SIMULATED_ERROR_TIME_AFTER' },
        delivery: { drop: true },
        refund: { outcome: 'SIMULATED_OUTCOME_DECLINE' },
      },
    });
  });

  test.each([
    ['simulation.delay_ms', '1.5', 'no-whole-number'],
    ['simulation.delay_ms', '2147483648', 'no-whole-number'],
    ['simulation.delivery.copies', 'two', 'no-whole-number'],
    ['amount.amount', '1e3', 'no-whole-number'],
    ['amount.amount', '9223372036854775808', 'no-whole-number'],
    ['metadata.tags', 'a=1\nno tag', 'no-tags'],
  ] as const)('of %s cannot be %j: %s', (path, text, problem) => {
    const { json, unsendable } = buildRequest({ ...usual, [path]: text });
    expect(unsendable).toEqual(new Map([[path, problem]]));
    // It is shown all the same.
    expect(JSON.stringify(json)).toContain(JSON.stringify(text));
  });

  test('what the service could refuse is sent, for it to say what is wrong', () => {
    const { json, unsendable } = buildRequest({ 'amount.amount': '-5', 'simulation.delay_ms': '-1' });
    expect(unsendable.size).toBe(0);
    expect(messageOf(json).amount?.amount).toBe(-5n);
  });

  test('is a message of the contract whatever is filled in, and all of it', () => {
    fc.assert(
      fc.property(anyValues, (values) => {
        const { json, unsendable } = buildRequest(values);
        expect(unsendable.size).toBe(0);
        const again = toJson(CreatePaymentIntentRequestSchema, messageOf(json), { useProtoFieldName: true });
        for (const path of fieldPaths.filter((one) => values[one] === undefined)) {
          expect(valueAt(json, path)).toBeUndefined();
        }
        expect(toJson(CreatePaymentIntentRequestSchema, messageOf(again))).toEqual(
          toJson(CreatePaymentIntentRequestSchema, messageOf(json)),
        );
      }),
    );
  });
});

function valueAt(json: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>((inner, name) => (inner as Record<string, unknown> | undefined)?.[name], json);
}

describe('as curl', () => {
  /** What a shell gives to curl. */
  function argumentsOf(command: string): readonly string[] {
    const text = execFileSync('sh', ['-c', `curl() { printf '%s\\0' "$@"; }\n${command}`], {
      encoding: 'utf8',
    });
    return text.split('\0').slice(0, -1);
  }

  test('it is the very request, in JSON', () => {
    const { json } = buildRequest({ ...usual, 'simulation.failure_code': 'lost_card' });
    const given = argumentsOf(curlOf('http://localhost:8030', json, 'mine'));
    expect(given.slice(0, -1)).toEqual([
      '-s',
      'http://localhost:8030/payment.v1.PaymentService/CreatePaymentIntent',
      '-H',
      'content-type: application/json',
      '-H',
      'payment-sim-session: mine',
      '-d',
    ]);
    expect(JSON.parse(given.at(-1) ?? '')).toEqual(json);
  });

  test.each(["it's", "'", "''; touch /tmp/hurt; '", '$(id) `id` $HOME \\ " !x', '한글 \n\t ü', "\\'"])(
    'a shell does nothing with %j',
    (text) => {
      const { json } = buildRequest({ ...usual, user_id: text, 'simulation.api.message': text });
      const given = argumentsOf(curlOf('http://localhost:8030', json, text.replaceAll(/[^ -~]/g, '')));
      expect(given).toHaveLength(8);
      expect(JSON.parse(given.at(-1) ?? '')).toEqual(json);
    },
  );
});

describe('an address', () => {
  test('fills in the form, by short names, paths, and names of enums in full and in short', () => {
    const query =
      'user=kim&amount=5&currency=USD&failure_code=lost_card&api.code=UNAVAILABLE&api.when=AFTER' +
      '&simulation.delivery.signature=SIMULATED_SIGNATURE_STALE&delivery.drop=true&session=x&unknown=1' +
      '&outcome=NEVER&refund.outcome=HOLD&delivery.hold_until_next_event=yes&toString=1';
    expect(fromQuery(new URLSearchParams(query))).toEqual({
      user_id: 'kim',
      'amount.amount': '5',
      'amount.currency': 'USD',
      'simulation.failure_code': 'lost_card',
      'simulation.api.code': 'UNAVAILABLE',
      'simulation.api.when': 'SIMULATED_ERROR_TIME_AFTER',
      'simulation.delivery.signature': 'SIMULATED_SIGNATURE_STALE',
      'simulation.delivery.drop': 'true',
    });
  });

  test('of a form fills in the same, but for the reservation', () => {
    fc.assert(
      fc.property(anyValues, (values) => {
        const { reservation_id: _reservation, ...others } = values;
        expect(fromQuery(Object.entries(toQuery(values)))).toEqual(others);
      }),
    );
  });
});

describe('the receiver', () => {
  const inbox = 'http://localhost:8030/inbox';

  test.each([
    ['', { kind: 'inbox', answer: '' }, inbox],
    [inbox, { kind: 'inbox', answer: '' }, inbox],
    [`${inbox}?answer=503`, { kind: 'inbox', answer: '503' }, `${inbox}?answer=503`],
    [`${inbox}?answer=418`, { kind: 'own' }, `${inbox}?answer=418`],
    [`${inbox}/mine`, { kind: 'own' }, `${inbox}/mine`],
    ['http://localhost:9000/hook', { kind: 'own' }, 'http://localhost:9000/hook'],
  ] as const)('of %j is found again', (url, receiver, webhookUrl) => {
    const found = receiverOf(url, inbox);
    expect(found).toMatchObject(receiver);
    expect(webhookUrlOf(found, inbox)).toBe(webhookUrl);
  });

  test('is what the service has while the inbox is not known', () => {
    expect(webhookUrlOf(receiverOf('', ''), '')).toBe('');
  });
});

describe('a fault that is asked for', () => {
  test('is a code, or no answer at all', () => {
    expect(faultAskedBy({ 'simulation.api.delay_ms': '5' })).toBeUndefined();
    expect(faultAskedBy({ 'simulation.api.code': 'UNAVAILABLE' })).toEqual({
      code: 14,
      name: 'UNAVAILABLE',
      isAfter: false,
    });
    expect(
      faultAskedBy({
        'simulation.api.drop_connection': 'true',
        'simulation.api.when': 'SIMULATED_ERROR_TIME_AFTER',
      }),
    ).toEqual({ code: undefined, name: 'drop_connection', isAfter: true });
  });
});

test.each(Object.entries(presets))('the example %s is a request', (_name, values) => {
  const { json, unsendable } = buildRequest({ ...usual, ...values });
  expect(unsendable.size).toBe(0);
  expect(() => messageOf(json)).not.toThrow();
});
