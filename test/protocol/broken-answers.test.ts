import { afterAll, afterEach, expect, test, vi } from 'vitest';
import { servicePath } from '../support/clients/payment-client.ts';
import { encodeRequest } from '../support/clients/proto-codec.ts';
import { sendRaw } from '../support/clients/raw-http.ts';
import { wires } from '../support/clients/wires.ts';
import { breaker, startLaneTestServer } from './lane-test-server.ts';

const printed = vi.spyOn(console, 'error');

afterEach(() => expect(printed).not.toHaveBeenCalled());
afterAll(() => printed.mockRestore());

// HTTP/2 carries the header that HTTP/1.1 cannot.
test.each(wires.filter(({ httpVersion }) => httpVersion === '1.1'))(
  '$name: an answer that cannot be sent is no empty 200, and leaves its cause',
  async (wire) => {
    const message = { reservation_id: breaker };
    const request = {
      path: `${servicePath}/CreatePaymentIntent`,
      headers: { 'content-type': wire.contentType },
      body: wire.envelope(
        wire.contentType === 'application/json'
          ? Buffer.from(JSON.stringify(message))
          : encodeRequest('CreatePaymentIntent', message),
      ),
    };
    const stock = await startLaneTestServer(false);
    const answer = await sendRaw(stock.url, wire.httpVersion, request);
    await stock.close();
    expect(wire.readStatus(answer)).toEqual({ code: 'INTERNAL', message: 'internal error' });
    expect(stock.defects()).toHaveLength(1);

    // The lane has no second answer: the header would be in that as well.
    const lane = await startLaneTestServer(true);
    await expect(sendRaw(lane.url, wire.httpVersion, request)).rejects.toThrow();
    await lane.close();
    expect(lane.defects().length).toBeGreaterThan(0);
  },
);
