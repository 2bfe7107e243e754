import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Method, servicePath } from '../support/clients/payment-client.ts';
import { decodeResponse, encodeRequest } from '../support/clients/proto-codec.ts';
import { type RawResponse, sendRaw } from '../support/clients/raw-http.ts';
import { type Wire, wires } from '../support/clients/wires.ts';
import { launchService, type RunningService } from '../support/start-service.ts';
import { validCreate } from './case-context.ts';
import { isJson } from './lane-row.ts';

/** The text's bytes in UTF-8, as Node's clients take them: a character for each. */
function utf8(text: string): string {
  return Buffer.from(text).toString('latin1');
}

describe.each([true, false])('with the fast path %s', (unaryLane) => {
  let service: RunningService;

  beforeAll(async () => {
    service = await launchService({ EVENTBRIDGE: 'off', SHUTDOWN_GRACE_MS: '0' }, { unaryLane });
  });

  afterAll(() => service.app.stop());

  describe.each(wires)('$name', (wire) => {
    async function send(method: Method, request: object, key?: string | string[]): Promise<RawResponse> {
      const message = { ...request };
      const body = isJson(wire) ? Buffer.from(JSON.stringify(message)) : encodeRequest(method, message);
      return await sendRaw(service.apiUrl, wire.httpVersion, {
        path: `${servicePath}/${method}`,
        headers: {
          'content-type': wire.contentType,
          ...(wire.protocol === 'gRPC' && { te: 'trailers' }),
          ...(key !== undefined && { 'idempotency-key': key }),
        },
        body: wire.envelope(body),
      });
    }

    /** Payments of a user of its own, so that wires do not share keys. */
    async function pay(key: string | string[] | undefined, field = ''): Promise<string> {
      const request = validCreate({ user_id: wire.name.replace('/', ' '), idempotency_key: field });
      const response = await send('CreatePaymentIntent', request, key);
      const status = wire.readStatus(response);
      return status.code === 'OK' ? idOf(wire, response.body) : `${status.code} ${status.message}`;
    }

    test('equal values count once', async () => {
      const id = await pay('twice-1');
      expect(id).toMatch(/^pay-/);
      expect(await pay(['twice-1', 'twice-1'])).toBe(id);
      expect(await pay(['twice-1', 'twice-1', 'twice-1'])).toBe(id);
      expect(await pay('twice-1,twice-1')).toBe(id);
      expect(await pay(undefined, 'twice-1')).toBe(id);
    });

    test.each([[['one', 'other']], [['one', 'one', 'One']], ['one, other'], [',']])(
      'different values are refused: %j',
      async (key) => {
        const refusal = 'INVALID_ARGUMENT idempotency_key: must be one key';
        expect((await pay(key)).slice(0, refusal.length)).toBe(refusal);
        const processed = await send('ProcessPayment', { payment_intent_id: 'pay-1' }, key);
        expect(wire.readStatus(processed).message).toContain('must be one key');
      },
    );

    test('a key with a comma goes into the field', async () => {
      const id = await pay(undefined, 'a, b');
      expect(id).toMatch(/^pay-/);
      expect(await pay(['x', 'y'], 'a, b')).toBe(id);
    });

    test('bytes are UTF-8, in the header as in the field, and characters are counted', async () => {
      const id = await pay(utf8('주문-4711'));
      expect(id).toMatch(/^pay-/);
      expect(await pay(undefined, '주문-4711')).toBe(id);
      expect(await pay([utf8('주문-4711'), utf8('주문-4711')])).toBe(id);
      expect(await pay(utf8('주'.repeat(128)))).toBe(await pay(undefined, '주'.repeat(128)));
      expect(await pay(utf8('😀'.repeat(128)))).toMatch(/^pay-/);
      expect(await pay(utf8('주'.repeat(129)))).toContain('must be at most 128 characters long, not 129');
    });

    test('bytes that are no UTF-8, and characters that are not seen, are refused', async () => {
      expect(await pay('caf\u00e9')).toContain('INVALID_ARGUMENT idempotency_key: must be UTF-8');
      expect(await pay(utf8('a\u202eb'))).toContain('INVALID_ARGUMENT idempotency_key: must be without');
    });
  });
});

function idOf(wire: Wire, body: Buffer): string {
  if (isJson(wire)) {
    return String((JSON.parse(body.toString()) as Record<string, unknown>)['payment_intent_id']);
  }
  const message = wire.protocol === 'Connect' ? body : body.subarray(5, 5 + body.readUInt32BE(1));
  return JSON.stringify(decodeResponse('CreatePaymentIntent', message)['payment_intent_id']).slice(1, -1);
}
