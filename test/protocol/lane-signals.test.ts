import { Code, ConnectError } from '@connectrpc/connect';
import { once } from 'node:events';
import { request as http1Request } from 'node:http';
import { type ClientHttp2Stream, connect, constants } from 'node:http2';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { servicePath } from '../support/clients/payment-client.ts';
import { encodeRequest } from '../support/clients/proto-codec.ts';
import { type RawRequest, sendRaw } from '../support/clients/raw-http.ts';
import { type Wire, wires } from '../support/clients/wires.ts';
import { comparable, sendToBoth } from './lane-pair.ts';
import { type LaneTestServer, keeper, startLaneTestServer, waiter } from './lane-test-server.ts';

let lane: LaneTestServer;
let stock: LaneTestServer;

beforeAll(async () => {
  [lane, stock] = await Promise.all([startLaneTestServer(true), startLaneTestServer(false)]);
});

afterAll(async () => {
  expect(lane.calls().stock).toBe(0);
  expect(stock.calls()).toEqual({ lane: 0, stock: lane.calls().lane });
  await Promise.all([lane.close(), stock.close()]);
});

function callTo(handler: string, wire: Wire, timeout?: string): RawRequest {
  const message = { reservation_id: handler };
  return {
    path: `${servicePath}/CreatePaymentIntent`,
    headers: {
      'content-type': wire.contentType,
      ...(timeout === undefined ? {} : { [wire.timeoutHeader]: timeout }),
    },
    body: wire.envelope(
      wire.contentType === 'application/json'
        ? Buffer.from(JSON.stringify(message))
        : encodeRequest('CreatePaymentIntent', message),
    ),
  };
}

/** The code with which the signal fires. */
async function codeOf(signal: AbortSignal): Promise<Code> {
  if (!signal.aborted) {
    await once(signal, 'abort');
  }
  return ConnectError.from(signal.reason).code;
}

function begin(url: string, { path, headers, body }: RawRequest): ClientHttp2Stream {
  const session = connect(url);
  const stream = session.request({
    ...headers,
    [constants.HTTP2_HEADER_METHOD]: 'POST',
    [constants.HTTP2_HEADER_PATH]: path,
  });
  stream.on('error', () => undefined);
  // Not destroyed: the reset has to leave first.
  stream.on('close', () => session.close());
  stream.end(body);
  return stream;
}

describe.each(wires)('$name', (wire) => {
  test('a deadline', async () => {
    const signals = Promise.all([lane.nextSignal(), stock.nextSignal()]);
    // Long enough for the first call of a server to come to its handler.
    const timeout = wire.protocol === 'Connect' ? '300' : '300m';
    const urls = { laneUrl: lane.url, stockUrl: stock.url };
    const both = await sendToBoth(urls, wire.httpVersion, callTo(waiter, wire, timeout));
    expect(comparable(both.lane)).toEqual(comparable(both.stock));
    expect(wire.readStatus(both.stock)).toEqual({
      code: 'DEADLINE_EXCEEDED',
      message: 'the operation timed out',
    });
    for (const signal of await signals) {
      expect(await codeOf(signal)).toBe(Code.DeadlineExceeded);
    }
  });
});

describe.each(wires.filter(({ httpVersion }) => httpVersion === '2'))('$name', (wire) => {
  test.each([undefined, wire.protocol === 'Connect' ? '600000' : '10M'])(
    'the caller resets the stream, deadline %s',
    async (timeout) => {
      for (const server of [lane, stock]) {
        const called = server.nextSignal();
        const stream = begin(server.url, callTo(waiter, wire, timeout));
        const signal = await called;
        expect(signal.aborted).toBe(false);
        stream.close(constants.NGHTTP2_CANCEL);
        expect(await codeOf(signal)).toBe(Code.Canceled);
      }
    },
  );
});

/** The codes that there are, and one that there is not. */
const resetCodes = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 99];

describe.each(wires.filter(({ protocol }) => protocol === 'gRPC'))('$name', (wire) => {
  test.each(resetCodes)('the caller resets the stream with code %i', async (code) => {
    const codes: Code[] = [];
    for (const server of [lane, stock]) {
      const called = server.nextSignal();
      const stream = begin(server.url, callTo(waiter, wire));
      const signal = await called;
      stream.close(code);
      codes.push(await codeOf(signal));
    }
    expect(codes[0]).toBe(codes[1]);
  });
});

describe.each(wires.filter(({ httpVersion }) => httpVersion === '1.1'))('$name', (wire) => {
  test('the caller resets the connection', async () => {
    for (const server of [lane, stock]) {
      const called = server.nextSignal();
      const { path, headers, body } = callTo(waiter, wire);
      const outgoing = http1Request(`${server.url}${path}`, { method: 'POST', headers, agent: false });
      outgoing.on('error', () => undefined);
      outgoing.end(body);
      const signal = await called;
      expect(signal.aborted).toBe(false);
      outgoing.socket?.resetAndDestroy();
      expect(await codeOf(signal)).toBe(Code.Canceled);
    }
  });
});

test.each(wires)('$name: a signal that was kept fires when the call is over', async (wire) => {
  for (const server of [lane, stock]) {
    const called = server.nextSignal();
    await sendRaw(server.url, wire.httpVersion, callTo(keeper, wire));
    const { aborted, reason } = await called;
    expect(aborted).toBe(true);
    expect((reason as Error).name).toBe('AbortError');
  }
});
