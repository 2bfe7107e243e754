import { expect, onTestFinished, test } from 'vitest';
import { setting, types, word } from '../http2/frames.ts';
import { openStream, requestBlock, streamIdOf } from '../http2/http2-peer.ts';
import { http2Frame, preface } from '../support/clients/http2-frames.ts';
import { flood, openAttack } from './attacker.ts';
import { startOtherCallers } from './other-callers.ts';
import { type MeasuredService, startMeasuredService } from './start-measured-service.ts';

/* Callers that ask for large answers and open no window for them (RFC 9113, 5.2). */

const megabyte = 1_048_576;
const payments = '/payment.v1.PaymentService';
const connectionsOfEach = 2;
const streams = 300;

async function callJson(service: MeasuredService, method: string, body: object): Promise<string> {
  const response = await fetch(`${service.apiUrl}${payments}/${method}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect(response.status).toBe(200);
  return await response.text();
}

/** Makes ListPayments answer with some 100 kB. */
async function makePayments(service: MeasuredService): Promise<void> {
  for (let n = 0; n < 200; n += 1) {
    await callJson(service, 'CreatePaymentIntent', {
      reservation_id: `seat-${n}`,
      user_id: 'user-1',
      amount: { amount: '1000', currency: 'KRW' },
      idempotency_key: `key-${n}`,
      metadata: { tags: { note: 'x'.repeat(200) } },
    });
  }
  const page = await callJson(service, 'ListPayments', {
    user_id: 'user-1',
    pagination: { page_size: 1_000 },
  });
  expect(page.length).toBeGreaterThan(50_000);
}

const listing = requestBlock({ path: `${payments}/ListPayments`, contentType: 'application/json' });
const question = Buffer.from('{"user_id":"user-1","pagination":{"page_size":1000}}');

function ask(nth: number): Buffer {
  return Buffer.concat([openStream(nth, listing), http2Frame(types.data, 0x1, streamIdOf(nth), question)]);
}

/** What each does with its windows: its settings at first, and the nth frame after its requests. */
const callers: readonly (readonly [string, Uint8Array, ((nth: number) => Buffer) | undefined])[] = [
  ['opens no window of its streams', setting(4, 0), undefined],
  ['opens no window of its connection', setting(4, 2 ** 31 - 1), undefined],
  [
    'opens its windows a byte at a time, 20 in all',
    setting(4, 0),
    (nth) => http2Frame(types.windowUpdate, 0, streamIdOf(nth % streams), word(1)),
  ],
  [
    'takes its windows back over and over',
    setting(4, 65_535),
    (nth) => http2Frame(types.settings, 0, 0, setting(4, nth % 2 === 0 ? 0 : 65_535)),
  ],
];

test(
  'answers do not pile up for who opens no windows, and do not wait without end',
  { timeout: 180_000 },
  async () => {
    const service = await startMeasuredService({ JOURNAL_MAX_BYTES: String(megabyte) });
    await makePayments(service);
    const others = startOtherCallers(service);
    await others.answered(30);
    const before = await service.memory();
    const attacks = callers.flatMap((caller) => Array.from({ length: connectionsOfEach }, () => caller));
    await Promise.all(
      attacks.map(async ([, settings, then]) => {
        const socket = await openAttack(service.apiPort);
        onTestFinished(() => void socket.destroy());
        socket.write(Buffer.concat([Buffer.from(preface), http2Frame(types.settings, 0, 0, settings)]));
        await flood(socket, streams, ask);
        await flood(socket, 20 * streams, then ?? (() => Buffer.alloc(0)));
      }),
    );
    await others.answered(20);
    const during = await service.memory();
    // All the answers together are more than 250 MB; 64 MiB may wait.
    expect(during.heldBytes - before.heldBytes).toBeLessThan(100 * megabyte);
    // 30 s within which nobody read, and the time until somebody looks.
    const held = async () => (await service.memory()).heldBytes - before.heldBytes;
    await expect.poll(held, { timeout: 75_000, interval: 1_000 }).toBeLessThan(4 * megabyte);
    await others.answered(20);
    await others.stop();
  },
);
