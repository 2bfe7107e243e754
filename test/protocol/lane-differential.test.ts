import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { AppOverrides } from '../../src/app/basics.ts';
import { frame } from '../support/clients/grpc-web-curl-client.ts';
import { servicePath } from '../support/clients/payment-client.ts';
import { encodeRequest } from '../support/clients/proto-codec.ts';
import { openRawConnection } from '../support/clients/raw-connection.ts';
import { sendRaw } from '../support/clients/raw-http.ts';
import { wires } from '../support/clients/wires.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { launchService, type RunningService } from '../support/start-service.ts';
import { validCreate } from './case-context.ts';
import { comparable, sendToBoth } from './lane-pair.ts';
import { outcomeOf } from './lane-row.ts';
import { rawRequests } from './lane-raw-requests.ts';
import { contentTypeRows, existingPayments, readMaxBytes, rows } from './lane-requests.ts';

/** The service twice, with all that could tell the two apart made the same. */
async function launchPair(env: Readonly<Record<string, string>> = {}): Promise<{
  lane: RunningService;
  stock: RunningService;
}> {
  const launch = async (unaryLane: boolean) => {
    let ids = 0;
    const overrides: AppOverrides = {
      clock: createFakeClock(),
      random: () => 0.25,
      newId: (prefix) => `${prefix}-${(ids += 1)}`,
      unaryLane,
    };
    return await launchService(
      { READ_MAX_BYTES: String(readMaxBytes), SHUTDOWN_GRACE_MS: '0', CORS_ORIGINS: 'none', ...env },
      overrides,
    );
  };
  return { lane: await launch(true), stock: await launch(false) };
}

async function stopPair({ lane, stock }: { lane: RunningService; stock: RunningService }): Promise<void> {
  await Promise.all([lane.app.stop(), stock.app.stop()]);
}

/** A call over Connect that must succeed. */
async function succeed(service: RunningService, rpc: string, request: unknown): Promise<void> {
  const { status, body } = await sendRaw(service.apiUrl, '1.1', {
    path: `${servicePath}/${rpc}`,
    headers: { 'content-type': 'application/json' },
    body: Buffer.from(JSON.stringify(request)),
  });
  expect(status, body.toString()).toBe(200);
}

async function makeExistingPayments(service: RunningService): Promise<void> {
  await succeed(service, 'CreatePaymentIntent', validCreate());
  await succeed(service, 'CreatePaymentIntent', validCreate());
  await succeed(service, 'CreatePaymentIntent', validCreate({ scenario: 'PAYMENT_SCENARIO_FAIL' }));
  await succeed(service, 'ProcessPayment', { payment_intent_id: existingPayments.completed });
  await succeed(service, 'ProcessPayment', { payment_intent_id: existingPayments.failed });
}

/** How many calls were counted, by method and code. */
async function callCounts(service: RunningService): Promise<readonly string[]> {
  const text = await (await fetch(`${service.opsUrl}/metrics`)).text();
  return text.split('\n').filter((line) => /^grpc_server_(started|handled)_total/.test(line));
}

/** What was logged, but for times. */
function logLines(service: RunningService): readonly unknown[] {
  return service
    .logs('Call refused')
    .map((line) =>
      Object.fromEntries(Object.entries(line).filter(([key]) => !/^(ts|latency_ms)$/.test(key))),
    );
}

/** The head's lines come in an order that means nothing. */
function sortHeaders(received: string): readonly (readonly string[])[] {
  return received.split(/\r\n\r\n/).map((part) => part.split('\r\n').toSorted());
}

describe('the service answers the same with and without the lane', () => {
  let pair: { lane: RunningService; stock: RunningService };

  beforeAll(async () => {
    pair = await launchPair();
    await makeExistingPayments(pair.lane);
    await makeExistingPayments(pair.stock);
  });

  afterAll(() => stopPair(pair));

  test.each([...rows, ...contentTypeRows])(
    '$wire.name: $name',
    async ({ wire, httpVersion, request, outcome }) => {
      const urls = { laneUrl: pair.lane.apiUrl, stockUrl: pair.stock.apiUrl };
      const { lane, stock } = await sendToBoth(urls, httpVersion, request);
      expect(comparable(lane)).toEqual(comparable(stock));
      expect(outcomeOf(wire, stock)).toBe(outcome);
    },
  );

  test.each(rawRequests)('HTTP/1.1 byte for byte: $name', async ({ pieces, answers }) => {
    const received: string[] = [];
    for (const { apiPort } of [pair.lane, pair.stock]) {
      const connection = await openRawConnection(apiPort);
      for (const piece of pieces) {
        connection.send(piece);
        // So that the pieces come apart.
        await new Promise((resolve) => setImmediate(resolve));
      }
      await connection.closed();
      received.push(
        connection
          .received()
          .toString('latin1')
          .replace(/^date: .*\r\n/gim, ''),
      );
    }
    const [lane = '', stock = ''] = received;
    expect(sortHeaders(lane)).toEqual(sortHeaders(stock));
    expect(stock.match(/HTTP\/1\.1 \d+/g)).toEqual(answers.map((status) => `HTTP/1.1 ${status}`));
  });

  test('both have counted and logged the same calls', async () => {
    const counts = await callCounts(pair.stock);
    expect(counts.length).toBeGreaterThan(0);
    expect(await callCounts(pair.lane)).toEqual(counts);
    expect(logLines(pair.stock).length).toBeGreaterThan(0);
    expect(logLines(pair.lane)).toEqual(logLines(pair.stock));
  });
});

test('known difference: cross-origin headers only for requests with an origin', async () => {
  // Browsers name the origin in every call across origins, and nobody else reads these headers. The
  // lane leaves requests with an origin to Connect, so that it need not know of CORS.
  const pair = await launchPair({ CORS_ORIGINS: '*' });
  onTestFinished(() => stopPair(pair));
  const urls = { laneUrl: pair.lane.apiUrl, stockUrl: pair.stock.apiUrl };
  const request = rows.filter(({ name }) => name === 'create');
  expect(request.length).toBe(wires.length);
  for (const { httpVersion, request: plain } of request) {
    const { lane, stock } = await sendToBoth(urls, httpVersion, plain);
    const { headers, ...rest } = stock;
    const {
      'access-control-allow-origin': allowed,
      'access-control-expose-headers': exposed,
      ...others
    } = headers;
    expect([allowed, exposed]).toEqual(['*', expect.stringContaining('Grpc-Status')]);
    expect(comparable(lane)).toEqual(comparable({ ...rest, headers: others }));

    const crossOrigin = { ...plain, headers: { ...plain.headers, origin: 'https://shop.example' } };
    const both = await sendToBoth(urls, httpVersion, crossOrigin);
    expect(comparable(both.lane)).toEqual(comparable(both.stock));
    expect(both.lane.headers['access-control-allow-origin']).toBe('*');
  }
});

test.each(wires.filter(({ protocol }) => protocol !== 'Connect'))(
  'known difference: $name with envelope flags that mean nothing is refused by the lane alone',
  async (wire) => {
    // Connect takes any flags for those of a plain message; the gRPC specification knows 0 and 1 only.
    const pair = await launchPair();
    onTestFinished(() => stopPair(pair));
    const urls = { laneUrl: pair.lane.apiUrl, stockUrl: pair.stock.apiUrl };
    const message = encodeRequest('CreatePaymentIntent', validCreate());
    const { lane, stock } = await sendToBoth(urls, wire.httpVersion, {
      path: `${servicePath}/CreatePaymentIntent`,
      headers: { 'content-type': wire.contentType },
      body: frame(message, 0x7e),
    });
    expect(wire.readStatus(stock)).toEqual({ code: 'OK', message: '' });
    expect(wire.readStatus(lane)).toEqual({
      code: 'INVALID_ARGUMENT',
      message: 'protocol error: unknown envelope flags 126',
    });
  },
);
