import { gzipSync } from 'node:zlib';
import type { DescEnum } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  PaymentMethodSchema,
  PaymentScenarioSchema,
  PaymentStatusSchema,
  SimulatedOutcomeSchema,
} from '../../gen/payment/v1/payment_pb.js';
import { frame } from '../support/clients/grpc-web-curl-client.ts';
import { servicePath } from '../support/clients/payment-client.ts';
import { type RawResponse, sendRaw } from '../support/clients/raw-http.ts';
import { readConnectError, wires } from '../support/clients/wires.ts';
import { launchService, type RunningService } from '../support/start-service.ts';

/** A way for a JSON text to the service. */
interface Way {
  readonly name: string;
  readonly httpVersion: '1.1' | '2';
  readonly headers: Readonly<Record<string, string>>;
  encode(json: Buffer): Buffer;
  /** Undefined for a success. */
  readError(response: RawResponse): string | undefined;
}

function connectWay(httpVersion: '1.1' | '2', headers: Readonly<Record<string, string>> = {}): Way {
  const isZipped = headers['content-encoding'] === 'gzip';
  return {
    name: `Connect over HTTP/${httpVersion} ${JSON.stringify(headers)}`,
    httpVersion,
    headers: { 'content-type': 'application/json', ...headers },
    encode: (json) => (isZipped ? gzipSync(json) : json),
    readError: (response) => (response.status === 200 ? undefined : textOf(readConnectError(response))),
  };
}

function framedWay(contentType: string, wireName: string): Way {
  const wire = wires.find(({ name }) => name === wireName);
  if (wire === undefined) {
    throw new Error(`there is no wire ${wireName}`);
  }
  return {
    name: contentType,
    httpVersion: wire.httpVersion,
    headers: { 'content-type': contentType },
    encode: (json) => frame(json),
    readError(response) {
      const status = wire.readStatus(response);
      return status.code === 'OK' ? undefined : textOf(status);
    },
  };
}

function textOf({ code, message }: { readonly code: string; readonly message: string }): string {
  // Connect's stock gRPC handlers escape more than readers undo.
  return `${code} ${message.includes('%') ? decodeURIComponent(message) : message}`;
}

const ways: readonly Way[] = [
  connectWay('1.1'),
  connectWay('2'),
  connectWay('1.1', { 'content-encoding': 'gzip', 'accept-encoding': 'identity' }),
  connectWay('2', { 'content-type': 'application/json; charset=utf-8' }),
  connectWay('2', { origin: 'https://shop.example' }),
  framedWay('application/grpc+json', 'gRPC over h2c'),
  framedWay('application/grpc-web+json', 'gRPC-Web over HTTP/1.1'),
];

let services: readonly RunningService[];

beforeAll(async () => {
  const env = { EVENTBRIDGE: 'off', SHUTDOWN_GRACE_MS: '0' };
  services = await Promise.all([true, false].map((unaryLane) => launchService(env, { unaryLane })));
});

afterAll(() => Promise.all(services.map(({ app }) => app.stop())));

/** What every way answers with and without the lane, which must be one and the same. */
async function errorOf(json: string, method = 'CreatePaymentIntent'): Promise<string | undefined> {
  const errors = await Promise.all(
    services.flatMap(({ apiUrl }) =>
      ways.map(async (way) => {
        const { name, httpVersion, headers } = way;
        const request = { path: `${servicePath}/${method}`, headers, body: way.encode(Buffer.from(json)) };
        return [name, way.readError(await sendRaw(apiUrl, httpVersion, request))] as const;
      }),
    ),
  );
  const [first] = errors;
  expect(errors).toEqual(errors.map(([name]) => [name, first?.[1]]));
  return first?.[1];
}

function create(fields: string): string {
  return `{"reservation_id":"r-1","user_id":"u-1",${fields}}`;
}

/** What is good but for `fields`. */
const good = (fields: string) => create(`"amount":{"amount":"1","currency":"KRW"},${fields}`);
const withAmount = (amount: string) => create(`"amount":{"amount":${amount},"currency":"KRW"}`);
const withDelay = (delay: string) =>
  create(`"amount":{"amount":"1","currency":"KRW"},"simulation":{"delay_ms":${delay}}`);

const amountText =
  'must be a whole number from 1 to 9007199254740991 in the currency\'s smallest unit ("1050" is 10.50 USD and 1,050 KRW)';

describe('numbers are decimal digits', () => {
  const bad = [
    '"0x10"',
    '"0b11"',
    '"0o7"',
    '"+5"',
    '" 100 "',
    '"1e3"',
    '""',
    '"1_000"',
    '"１０"',
    '"5n"',
    '"1.0"',
  ];

  test.each([...bad, '10.50', '1.0000000000000000001', '1e-1', 'true', '[1]', '{}'])(
    'an amount of %s is refused by name',
    async (amount) => {
      expect(await errorOf(withAmount(amount))).toContain(
        `INVALID_ARGUMENT amount.amount: ${amountText}, not`,
      );
    },
  );

  test.each([...bad, '0.5', '2147483648', '"2147483648"', 'false'])(
    'a delay of %s is refused by name',
    async (delay) => {
      expect(await errorOf(withDelay(delay))).toContain(
        'INVALID_ARGUMENT simulation.delay_ms: must be a whole number from 0 to 86400000, not',
      );
    },
  );

  test('also where the name is written with escapes, in camel case or with blanks around it', async () => {
    expect(await errorOf(create(String.raw`"amount":{"amoun\u0074":"0x10","currency":"KRW"}`))).toContain(
      'amount.amount',
    );
    const spaced = create('"amount":{"amount" :\n\t"0x10","currency":"KRW"}');
    expect(await errorOf(spaced)).toContain('amount.amount');
    const camel = create('"amount":{"amount":"1","currency":"KRW"},"simulation":{"delayMs":"0x10"}');
    expect(await errorOf(camel)).toContain('simulation.delay_ms');
  });

  test.each(['1', '"1"', '"007"', '1.0', '1e2', '10.50e1', '9007199254740991', '"9007199254740991"', '12 '])(
    'an amount of %s is good',
    async (amount) => {
      expect(await errorOf(withAmount(amount))).toBeUndefined();
    },
  );

  test.each(['0', '"0"', '-0', '"-0"', '1.00', 'null'])('a delay of %s is good', async (delay) => {
    expect(await errorOf(withDelay(delay))).toBeUndefined();
  });

  test('a minus is read, and refused for what it means', async () => {
    expect(await errorOf(withAmount('"-5"'))).toBe(`INVALID_ARGUMENT amount.amount: ${amountText}`);
    expect(await errorOf(withDelay('-1'))).toBe(
      'INVALID_ARGUMENT simulation.delay_ms: must be a whole number from 0 to 86400000',
    );
  });
});

/** All that the contract has. */
const scenarios = enumToText(PaymentScenarioSchema);

function enumToText({ values }: DescEnum, isNamed: (number: number) => boolean = () => true): string {
  const texts = values
    .filter(({ number }) => isNamed(number))
    .map(({ name, number }) => `${name} (${number}${number === 0 ? ', the default' : ''})`);
  return `one of ${texts.join(', ')}`;
}

const withScenario = (scenario: string) =>
  create(`"amount":{"amount":"1","currency":"KRW"},"scenario":${scenario}`);

describe('what cannot be decoded is told by field, and says what is right', () => {
  test.each([
    ['"aprove"', 'APPROVE'],
    ['"PAYMENT_SCENARIO_DELAI"', 'DELAY'],
    ['"payment_scenario_delay"', 'DELAY'],
  ])('a scenario of %s', async (scenario, meant) => {
    expect(await errorOf(withScenario(scenario))).toBe(
      `INVALID_ARGUMENT scenario: must be ${scenarios} (did you mean PAYMENT_SCENARIO_${meant}?), not ${scenario}`,
    );
  });

  test('a scenario that is like none, and a number that is none', async () => {
    expect(await errorOf(withScenario('"explode"'))).toBe(
      `INVALID_ARGUMENT scenario: must be ${scenarios}, not "explode"`,
    );
    expect(await errorOf(withScenario('1.5'))).toBe(
      `INVALID_ARGUMENT scenario: must be ${scenarios}, not 1.5`,
    );
    expect(await errorOf(withScenario('99'))).toBe(`INVALID_ARGUMENT scenario: must be ${scenarios}`);
  });

  test('an amount that is a number, and one that is missing, show the shape', async () => {
    const shape = '{"amount": "1000", "currency": "KRW"}';
    expect(await errorOf(create('"amount":1000'))).toBe(
      `INVALID_ARGUMENT amount: must be an object: ${shape}, not 1000`,
    );
    expect(await errorOf(create('"amount":"1000"'))).toContain(`amount: must be an object: ${shape}`);
    expect(await errorOf(create('"amount":null'))).toBe(`INVALID_ARGUMENT amount: is required: ${shape}`);
  });

  test('unknown fields name the nearest one', async () => {
    expect(await errorOf(create('"senario":2'))).toBe(
      'INVALID_ARGUMENT senario: is no field of CreatePaymentIntentRequest; did you mean scenario?',
    );
    expect(await errorOf(create('"amount":{"amount":"1","curency":"KRW"}'))).toBe(
      'INVALID_ARGUMENT amount.curency: is no field of Money; did you mean currency?',
    );
    expect(await errorOf('{"paymentIntendId":"pay-1"}', 'GetPaymentStatus')).toBe(
      'INVALID_ARGUMENT paymentIntendId: is no field of GetPaymentStatusRequest; did you mean payment_intent_id?',
    );
    expect(await errorOf('{"x":1}', 'ProcessPayment')).toBe(
      'INVALID_ARGUMENT x: is no field of ProcessPaymentRequest, which has payment_intent_id, idempotency_key',
    );
  });

  test('text that is none, and every mistake at once', async () => {
    expect(await errorOf('{"user_id":5,"reservation_id":["r"],"amount":{"amount":"x"},"y":{}}')).toBe(
      `INVALID_ARGUMENT user_id: must be text in quotation marks, not 5; reservation_id: must be text in quotation marks, not a list; amount.amount: ${amountText}, not "x"; y: is no field of CreatePaymentIntentRequest, which has reservation_id, amount, user_id, method, scenario, webhook_url, idempotency_key, metadata, simulation`,
    );
  });

  const methods = enumToText(PaymentMethodSchema);
  // UNSPECIFIED is never sent, and means nothing in a request.
  const statuses = enumToText(PaymentStatusSchema, (number) => number > 0);
  const outcomes = enumToText(SimulatedOutcomeSchema);
  // What is held, or expires, is no refund.
  const refundOutcomes = enumToText(SimulatedOutcomeSchema, (number) => number < 3);

  test('a method, a status and an outcome that are none', async () => {
    expect(await errorOf(create('"method":"CREDIT_CART"'))).toBe(
      `INVALID_ARGUMENT method: must be ${methods} (did you mean PAYMENT_METHOD_CREDIT_CARD?), not "CREDIT_CART"`,
    );
    expect(await errorOf(good('"method":99'))).toBe(`INVALID_ARGUMENT method: must be ${methods}`);
    expect(await errorOf('{"status":"REFUNDET"}', 'ListPayments')).toBe(
      `INVALID_ARGUMENT status: must be ${statuses} (did you mean PAYMENT_STATUS_REFUNDED?), not "REFUNDET"`,
    );
    expect(await errorOf('{"payment_intent_id":"p","target_status":"EXPIRD"}', 'SimulateWebhook')).toBe(
      `INVALID_ARGUMENT target_status: must be ${statuses} (did you mean PAYMENT_STATUS_EXPIRED?), not "EXPIRD"`,
    );
    expect(await errorOf(good('"simulation":{"outcome":"HELD"}'))).toBe(
      `INVALID_ARGUMENT simulation.outcome: must be ${outcomes} (did you mean SIMULATED_OUTCOME_HOLD?), not "HELD"`,
    );
    const refund = '"simulation":{"refund":{"outcome":"DECLINED"}}';
    expect(await errorOf(good(refund))).toBe(
      `INVALID_ARGUMENT simulation.refund.outcome: must be ${refundOutcomes} (did you mean SIMULATED_OUTCOME_DECLINE?), not "DECLINED"`,
    );
  });

  test('metadata, refunds and pages that are no messages show the shape', async () => {
    expect(await errorOf(good('"metadata":"app"'))).toBe(
      'INVALID_ARGUMENT metadata: must be an object: {"session_id": "cart-7", "tags": {"shop": "seoul"}}, not "app"',
    );
    expect(await errorOf(good('"metadata":{"sesion_id":"a"}'))).toBe(
      'INVALID_ARGUMENT metadata.sesion_id: is no field of PaymentMetadata; did you mean session_id?',
    );
    expect(await errorOf(good('"metadata":{"tags":["a"]}'))).toBe(
      'INVALID_ARGUMENT metadata.tags: must be an object: {"shop": "seoul"}, not a list',
    );
    expect(await errorOf(good('"metadata":{"tags":{"a":1,"b \\u202e":null,"c":"good","d":{}}}'))).toBe(
      [
        'INVALID_ARGUMENT metadata.tags["a"]: must be text in quotation marks, not 1',
        String.raw`metadata.tags["b \u202e"]: must be text in quotation marks, not null`,
        'metadata.tags["d"]: must be text in quotation marks, not an object',
      ].join('; '),
    );
    expect(await errorOf(good('"simulation":{"refund":true}'))).toBe(
      'INVALID_ARGUMENT simulation.refund: must be an object: {"delay_ms": 500}, not true',
    );
    expect(await errorOf(good('"simulation":{"refund":{"delay_ms":"0x10"}}'))).toContain(
      'INVALID_ARGUMENT simulation.refund.delay_ms: must be a whole number from 0 to 86400000, not',
    );
    expect(await errorOf('{"pagination":20}', 'ListPayments')).toBe(
      'INVALID_ARGUMENT pagination: must be an object: {"page_size": 20}, not 20',
    );
    expect(await errorOf('{"payment_intent_id":"p","refund_amount":1000}', 'CancelPayment')).toBe(
      'INVALID_ARGUMENT refund_amount: must be an object: {"amount": "1000", "currency": "KRW"}, not 1000',
    );
    expect(
      await errorOf('{"payment_intent_id":"p","refund_amount":{"amount":"1e3"}}', 'CancelPayment'),
    ).toContain(`INVALID_ARGUMENT refund_amount.amount: ${amountText}, not "1e3"`);
    expect(await errorOf('{"payment_intent_id":"p","delay_seconds":"1s"}', 'SimulateWebhook')).toBe(
      'INVALID_ARGUMENT delay_seconds: must be a whole number from 0 to 86400, not "1s"',
    );
    expect(await errorOf('{"payment_intent_id":"p","force":true}', 'SimulateWebhook')).toBe(
      'INVALID_ARGUMENT force: is no field of SimulateWebhookRequest, which has payment_intent_id, target_status, delay_seconds, force_trigger',
    );
  });

  test('what is repeated of the request is short and can be seen', async () => {
    const long = await errorOf(create(`"${'\u202e한'.repeat(5_000)}":1,"scenario":"${'x'.repeat(9_000)}"`));
    expect(long?.length).toBeLessThan(1_000);
    expect(long).toContain(String.raw`\u202e한`);
  });

  test('what is no JSON is refused by all alike', async () => {
    for (const json of ['', '{', '[]', 'null', '{"user_id":"a","user_id":"b"}', '['.repeat(30_000)]) {
      expect(await errorOf(json)).toContain('INVALID_ARGUMENT');
    }
  });
});

test('a GET is read the same way', async () => {
  for (const { apiUrl } of services) {
    const message = encodeURIComponent('{"payment_intent_id":7}');
    const answer = await fetch(
      `${apiUrl}${servicePath}/GetPaymentStatus?connect=v1&encoding=json&message=${message}`,
    );
    expect([answer.status, await answer.json()]).toMatchObject([
      400,
      {
        message: 'payment_intent_id: must be text in quotation marks, not 7',
        details: [{ debug: { field_violations: [{ field: 'payment_intent_id' }] } }],
      },
    ]);
  }
});

describe('the scenario may be named as DEFAULT_SCENARIO names it', () => {
  test.each(['"approve"', '"FAIL"', '"Delay"', '"random"'])('%s', async (scenario) => {
    expect(await errorOf(good(`"scenario":${scenario}`))).toBeUndefined();
    expect(await errorOf(good(`"metadata":{"scenario":"x"} , "scenario" : ${scenario}`))).toBeUndefined();
  });

  test('its own texts stay as they are, and the answer has the whole name', async () => {
    for (const { apiUrl } of services) {
      const post = async (method: string, json: string) => {
        const response = await fetch(`${apiUrl}${servicePath}/${method}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: json,
        });
        return (await response.json()) as Record<string, unknown>;
      };
      const fields = `"scenario":"fail","metadata":{"scenario":"fail","source":"{\\"scenario\\":\\"fail\\"}"}`;
      const { payment_intent_id: id } = await post('CreatePaymentIntent', good(fields));
      expect(await post('GetPaymentStatus', JSON.stringify({ payment_intent_id: id }))).toMatchObject({
        payment: {
          scenario: 'PAYMENT_SCENARIO_FAIL',
          metadata: { scenario: 'fail', source: '{"scenario":"fail"}' },
        },
      });
    }
  });

  test('anything else is told with what there is', async () => {
    expect(await errorOf(good('"scenario":"aprove"'))).toContain('did you mean PAYMENT_SCENARIO_APPROVE?');
    expect(await errorOf(good('"scenario":"unspecified"'))).toContain('INVALID_ARGUMENT');
  });
});
