import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HttpVersion } from '../support/clients/curl.ts';
import { servicePath } from '../support/clients/payment-client.ts';
import { encodeRequest } from '../support/clients/proto-codec.ts';
import type { RawRequest } from '../support/clients/raw-http.ts';
import { type Wire, wires } from '../support/clients/wires.ts';
import { comparable, sendToBoth } from './lane-pair.ts';
import { type BehaviourName, behaviours } from './lane-test-handlers.ts';
import { type DeedName, deeds } from './lane-test-interceptors.ts';
import { type LaneTestServer, startLaneTestServer } from './lane-test-server.ts';

let lane: LaneTestServer;
let stock: LaneTestServer;

beforeAll(async () => {
  [lane, stock] = await Promise.all([startLaneTestServer(true), startLaneTestServer(false)]);
});

afterAll(() => Promise.all([lane.close(), stock.close()]));

type Headers = Readonly<Record<string, string>>;

function requestTo(wire: Wire, handler: BehaviourName, headers: Headers = {}, userId = ''): RawRequest {
  const message = { reservation_id: handler, user_id: userId };
  return {
    path: `${servicePath}/CreatePaymentIntent`,
    headers: {
      'content-type': wire.contentType,
      [hostHeader(wire.httpVersion)]: 'payments.test',
      ...headers,
    },
    body: wire.envelope(
      wire.contentType === 'application/json'
        ? Buffer.from(JSON.stringify(message))
        : encodeRequest('CreatePaymentIntent', message),
    ),
  };
}

/** The servers' ports differ, so the callers name a host of their own. */
function hostHeader(httpVersion: HttpVersion): string {
  return httpVersion === '2' ? ':authority' : 'host';
}

/** Both answer the same, and each in its own way. */
async function expectSame(wire: Wire, request: RawRequest, note = ''): Promise<void> {
  const urls = { laneUrl: lane.url, stockUrl: stock.url };
  const both = await sendToBoth(urls, wire.httpVersion, request);
  expect(comparable(both.lane), note).toEqual(comparable(both.stock));
  expect(lane.calls().stock).toBe(0);
  expect(stock.calls()).toEqual({ lane: 0, stock: lane.calls().lane });
}

const deedNames = Object.keys(deeds) as DeedName[];
const acceptGzip = { 'accept-encoding': 'gzip', 'grpc-accept-encoding': 'gzip' };

describe.each(wires)('$name', (wire) => {
  test.each(Object.keys(behaviours) as BehaviourName[])('handler: %s', async (handler) => {
    await expectSame(wire, requestTo(wire, handler, {}, '5'));
    await expectSame(wire, requestTo(wire, handler, acceptGzip, '5'));
  });

  test.each(Array.from({ length: 16 }, (_, i) => i + 1))('error of code %i', async (code) => {
    await expectSame(wire, requestTo(wire, 'error of any code', {}, String(code)));
  });

  test.each([0, 965, 966, 1_018, 1_019, 200_000])(
    'an answer of %i letters (1 KiB counts) to who accepts gzip, and to who does not',
    async (letters) => {
      for (const handler of ['as long as asked', 'metadata and as long as asked'] as const) {
        await expectSame(wire, requestTo(wire, handler, {}, String(letters)));
        await expectSame(wire, requestTo(wire, handler, acceptGzip, String(letters)));
      }
    },
  );

  test.each<[string, Headers]>([
    ['no deadline', {}],
    ['a deadline', { [wire.timeoutHeader]: wire.protocol === 'Connect' ? '1800000' : '30M' }],
    ['a deadline that has passed', { [wire.timeoutHeader]: wire.protocol === 'Connect' ? '0' : '0S' }],
    ['custom metadata', { 'x-custom': 'a, b', 'x-custom-bin': 'AAEC/w', 'x-empty': '', cookie: 'a=1; b=2' }],
  ])('a handler sees %s', async (_name, headers) => {
    await expectSame(wire, requestTo(wire, 'describe', headers));
  });

  test.each(deedNames)('an interceptor %s', async (deed) => {
    for (const handler of ['plain', 'describe', 'error after metadata'] as const) {
      await expectSame(wire, requestTo(wire, handler, { 'x-middle': deed }));
    }
  });

  test.each([20_000, 60_000, 70_000])('a request of %i letters, in several pieces', async (letters) => {
    await expectSame(wire, requestTo(wire, 'describe', {}, 'x'.repeat(letters)));
  });

  test('a method that nobody implements', async () => {
    const request = {
      ...requestTo(wire, 'plain'),
      path: `${servicePath}/ProcessPayment`,
      body: wire.envelope(Buffer.from(wire.contentType === 'application/json' ? '{}' : '')),
    };
    await expectSame(wire, request);
  });
});

describe.each(
  wires.filter(({ httpVersion, contentType }) => httpVersion === '2' && contentType !== 'application/proto'),
)('two interceptors: $name', (wire) => {
  test.each(deedNames)('an outer one %s', async (outer) => {
    for (const inner of deedNames) {
      await expectSame(wire, requestTo(wire, 'metadata', { 'x-outer': outer, 'x-inner': inner }), inner);
    }
  });
});

test('the calls came to the handlers', () => {
  expect(lane.calls().lane).toBeGreaterThan(1_000);
});
