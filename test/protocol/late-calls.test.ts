import { create, toBinary, toJsonString } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { CreatePaymentIntentRequestSchema } from '../../gen/payment/v1/payment_pb.js';
import { servicePath } from '../support/clients/payment-client.ts';
import { sendRaw } from '../support/clients/raw-http.ts';
import { wires } from '../support/clients/wires.ts';
import { startService } from '../support/start-service.ts';

/* Calls whose callers have gone: they see DEADLINE_EXCEEDED, and a payment all the same would surprise them. */

const message = create(CreatePaymentIntentRequestSchema, {
  reservationId: 'reservation-1',
  userId: 'user-1',
  amount: { amount: 1_000n, currency: 'KRW' },
});

describe.each([true, false])('with the lane: %s', (unaryLane) => {
  test.each(wires)('$name: no payment is made whose deadline has passed', async (wire) => {
    const service = await startService({ EVENTBRIDGE: 'off', SHUTDOWN_GRACE_MS: '0' }, { unaryLane });
    const body = wire.contentType.endsWith('json')
      ? Buffer.from(toJsonString(CreatePaymentIntentRequestSchema, message))
      : Buffer.from(toBinary(CreatePaymentIntentRequestSchema, message));
    const send = async (timeout: string) =>
      wire.readStatus(
        await sendRaw(service.apiUrl, wire.httpVersion, {
          path: `${servicePath}/CreatePaymentIntent`,
          headers: { 'content-type': wire.contentType, [wire.timeoutHeader]: timeout },
          body: wire.envelope(body),
        }),
      ).code;
    for (const timeout of wire.protocol === 'Connect' ? ['0'] : ['0S', '1n']) {
      expect(await send(timeout)).toBe('DEADLINE_EXCEEDED');
    }
    expect(await service.metric('payment_stored{state="pending"}')).toBe(0);
    expect(await send(wire.protocol === 'Connect' ? '60000' : '60S')).toBe('OK');
    expect(await service.metric('payment_stored{state="pending"}')).toBe(1);
  });
});
