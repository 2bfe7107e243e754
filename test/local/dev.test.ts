import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { encodeWebhookBody } from '../../src/delivery/payload.ts';
import { signatureHeadersFor } from '../../src/webhook-format/signature.ts';
import { type DevComponent, startDevStack } from '../../dev/dev-stack.ts';
import { sampleEvent } from '../support/sample-payment.ts';
import { missingCurl } from '../support/missing-curl.ts';
import { anyPorts, startDev } from './dev-process.ts';

const sh = async (command: string) => {
  const { stdout } = await promisify(execFile)('sh', ['-c', `${command} -s`]);
  return JSON.parse(stdout) as Record<string, unknown>;
};

const post = async (url: string, headers: Record<string, string>, body: string) =>
  (await fetch(url, { method: 'POST', headers, body })).status;

const webhook = encodeWebhookBody(sampleEvent(), 0);

const signed = (secret: string, timestamp: number) =>
  signatureHeadersFor([Buffer.from(secret)], 'evt-1', timestamp, webhook);

test.skipIf(missingCurl)(
  'npm run dev prints a curl that takes a reservation from HOLD to CONFIRMED on both channels',
  async () => {
    const { child, shown } = startDev({ DEFAULT_DELAY_MS: '50', AWS_PROFILE: 'of-somebody-else' });
    const pay = await shown(/^ +(curl .*CreatePaymentIntent.*)$/m);
    const ask = await shown(/(curl \S+\/internal\/reservations\/reservation-1)\n/);
    await shown(/Ctrl-C stops everything/);

    expect(await sh(ask)).toEqual({ reservation_id: 'reservation-1', status: 'HOLD' });
    expect(await sh(pay)).toMatchObject({ status: 'PAYMENT_STATUS_PENDING' });
    await shown(/webhooks .*Webhook received, signature verified/);
    await shown(/reservations .*Reservation HOLD -> CONFIRMED/);
    await shown(/worker .*Reservation confirmed/);
    expect(await sh(ask)).toEqual({ reservation_id: 'reservation-1', status: 'CONFIRMED' });

    child.kill('SIGINT');
    child.kill('SIGINT'); // npm passes on what the terminal sends as well
    expect(await once(child, 'close')).toEqual([0, null]);
  },
);

test('a refund of a part leaves the reservation alone, one of all that is left cancels it', async () => {
  const seen = new Map<string, () => void>();
  const whenLogged = (msg: string) => new Promise<void>((resolve) => void seen.set(msg, resolve));
  const confirmed = whenLogged('Reservation confirmed');
  const refundReceived = whenLogged('Refund received; the reservation stays as it is');
  const cancelled = whenLogged('Reservation cancelled');
  const stack = await startDevStack({ ...anyPorts, DEFAULT_DELAY_MS: '0' }, (_component, line) => {
    const { msg } = JSON.parse(line) as { msg: string };
    seen.get(msg)?.();
  });
  onTestFinished(() => stack.stop());
  const call = async (method: string, body: unknown) => {
    const response = await fetch(`${stack.apiUrl}/payment.v1.PaymentService/${method}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return (await response.json()) as Record<string, unknown>;
  };
  const reservation = async () =>
    (await fetch(`${stack.reservationApiUrl}/internal/reservations/reservation-1`)).json();

  const amount = { amount: 120_000, currency: 'KRW' };
  const payment = { reservation_id: 'reservation-1', user_id: 'user-1', amount };
  const { payment_intent_id } = await call('CreatePaymentIntent', payment);
  await confirmed;
  await call('CancelPayment', { payment_intent_id, refund_amount: { ...amount, amount: 20_000 } });
  await refundReceived;
  expect(await reservation()).toMatchObject({ status: 'CONFIRMED' });
  await call('CancelPayment', { payment_intent_id });
  await cancelled;
  expect(await reservation()).toMatchObject({ status: 'CANCELLED' });
});

test('failed payments cancel, and a bad signature is refused', async () => {
  const lines: { component: DevComponent; msg: unknown }[] = [];
  const { promise: cancelled, resolve: onCancelled } = Promise.withResolvers<void>();
  const stack = await startDevStack({ ...anyPorts, DEFAULT_DELAY_MS: '0' }, (component, line) => {
    const { msg } = JSON.parse(line) as { msg: unknown };
    lines.push({ component, msg });
    if (msg === 'Reservation cancelled') {
      onCancelled();
    }
  });
  onTestFinished(() => stack.stop());

  const payment = {
    reservation_id: 'a b?c',
    user_id: 'user-1',
    amount: { amount: 1, currency: 'KRW' },
    scenario: 'PAYMENT_SCENARIO_FAIL',
  };
  expect(
    await post(
      `${stack.apiUrl}/payment.v1.PaymentService/CreatePaymentIntent`,
      { 'content-type': 'application/json' },
      JSON.stringify(payment),
    ),
  ).toBe(200);
  await cancelled;
  const reservation = `${stack.reservationApiUrl}/internal/reservations/${encodeURIComponent('a b?c')}`;
  expect(await (await fetch(reservation)).json()).toEqual({ reservation_id: 'a b?c', status: 'CANCELLED' });

  const seconds = Math.floor(Date.now() / 1000);
  const secret = 'payment-sim-dev-secret';
  expect(await post(stack.webhookUrl, signed(secret, seconds), webhook)).toBe(204);
  expect(await post(stack.webhookUrl, signed(secret, seconds), `${webhook} `)).toBe(401);
  expect(await post(stack.webhookUrl, signed(secret, seconds - 301), webhook)).toBe(401);
  expect(await post(stack.webhookUrl, signed('another', seconds), webhook)).toBe(401);
  expect(
    await post(
      stack.webhookUrl,
      { ...signed(secret, seconds), 'webhook-timestamp': `${seconds - 1}` },
      webhook,
    ),
  ).toBe(401);
  expect(lines.filter(({ msg }) => msg === 'Webhook refused')).toHaveLength(4);
});

test('ports in use are all named, with the variables that move them', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(() => void server.close());
  const port = String((server.address() as AddressInfo).port);

  const start = startDevStack({ ...anyPorts, GRPC_PORT: port, DEV_SQS_PORT: port }, () => undefined);
  await expect(start).rejects.toThrow(
    `GRPC_PORT is ${port}, a port in use on 127.0.0.1: stop what listens there, or set another`,
  );
  await expect(start).rejects.toThrow(`DEV_SQS_PORT must differ from GRPC_PORT: both are ${port}`);
});
