import { Pool } from 'undici';
import { expect, onTestFinished, test } from 'vitest';
import { callOver } from '../system/connect-json.ts';
import { type ServiceProcess, startServiceProcess } from '../system/service-process.ts';

const megabyte = 1_048_576;
const connections = 20;
/** Of the old generation; V8 adds some for the young one. */
const heapMegabytes = 72;
/** A port where nobody listens: webhooks are refused, and wait for another attempt. */
const deadOrigin = 'http://127.0.0.1:1/';

/** A payment with fields as long as they may be, in characters of two bytes, and no two alike. */
function longestPayment(i: number): Record<string, unknown> {
  const number = String(i).padStart(8, '0');
  return {
    reservation_id: `${number}${'석'.repeat(120)}`,
    user_id: `${number}${'용'.repeat(120)}`,
    amount: { amount: '1', currency: 'KRW' },
    webhook_url: `${deadOrigin}${number}/`.padEnd(2_048, 'x'),
    idempotency_key: `${number}${'😀'.repeat(120)}`,
  };
}

/** Headers that are kept with a payment, as long as they may be. */
function longestTrace(i: number): Record<string, string> {
  const number = String(i).padStart(8, '0');
  return {
    traceparent: `00-${number.padStart(32, '1')}-b7ad6b7169203331-01`,
    tracestate: [`a=${number}${'v'.repeat(240)}`, `b=${number}${'v'.repeat(240)}`].join(','),
    'x-request-id': number.padEnd(128, 'r'),
  };
}

async function start(env: Readonly<Record<string, string>>) {
  const service = startServiceProcess({
    NODE_OPTIONS: `--max-old-space-size=${heapMegabytes}`,
    LOG_LEVEL: 'info',
    ...env,
  });
  const { apiUrl, opsUrl } = await service.ready;
  const pool = new Pool(apiUrl, { connections });
  onTestFinished(() => pool.destroy());
  return { service, pool, opsUrl };
}

/** Creates payments until `count` are made or one is refused; gives how many were made, one of them, and the refusal. */
async function createPayments(pool: Pool, count: number, first = 0, simulation?: Record<string, unknown>) {
  let [next, made] = [first, 0];
  let paymentId: unknown;
  let refusal: Record<string, unknown> | undefined;
  const work = async (): Promise<void> => {
    while (next < first + count && refusal === undefined) {
      const i = next;
      next += 1;
      const { httpStatus, body } = await callOver(
        pool,
        'CreatePaymentIntent',
        { ...longestPayment(i), simulation },
        longestTrace(i),
      );
      if (httpStatus === 200) {
        made += 1;
        paymentId = body['payment_intent_id'];
      } else {
        refusal = body;
      }
    }
  };
  await Promise.all(Array.from({ length: connections }, work));
  return { made, paymentId, refusal };
}

async function metric(opsUrl: string, name: string): Promise<number> {
  const text = await (await fetch(`${opsUrl}/metrics`)).text();
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${name} `));
  return Number(line?.slice(name.length + 1));
}

/** Where the process stands: it must be there, and answer. */
async function expectAlive(service: ServiceProcess, opsUrl: string): Promise<void> {
  expect((await fetch(`${opsUrl}/health`)).status).toBe(200);
  expect(service.stderr()).toBe('');
}

test(
  'pending payments with the longest fields are refused before the heap is full',
  { timeout: 300_000 },
  async () => {
    const { service, pool, opsUrl } = await start({ DEFAULT_DELAY_MS: '86400000' });
    const { made, paymentId, refusal } = await createPayments(pool, 30_000);
    expect(refusal).toMatchObject({
      code: 'resource_exhausted',
      message: expect.stringContaining('MAX_PAYMENTS_BYTES') as string,
    });
    const heap = await metric(opsUrl, 'nodejs_heap_size_used_bytes');
    console.log(
      `${made} payments, heap ${Math.round(heap / megabyte)} MB, ${Math.round(heap / made)} bytes each`,
    );
    // A share of the heap that is of use: what is refused earlier is wasted.
    expect(made).toBeGreaterThan(2_000);
    await expectAlive(service, opsUrl);

    // Calls for what is there go on.
    const processed = await callOver(pool, 'ProcessPayment', { payment_intent_id: paymentId });
    expect(processed.body).toMatchObject({ status: 'PAYMENT_STATUS_COMPLETED' });
    await expectAlive(service, opsUrl);
  },
);

test(
  'webhooks that wait count too: creates are refused before the heap is full',
  { timeout: 300_000 },
  async () => {
    const { service, pool, opsUrl } = await start({ DEFAULT_DELAY_MS: '0', WEBHOOK_RETRY_BASE_MS: '60000' });
    let made = 0;
    const refusals: unknown[] = [];
    for (let first = 0; first < 8_000; first += 2_000) {
      const round = await createPayments(pool, 2_000, first);
      made += round.made;
      refusals.push(round.refusal?.['code']);
      await expectAlive(service, opsUrl);
    }
    const heap = await metric(opsUrl, 'nodejs_heap_size_used_bytes');
    console.log(`${made} payments, heap ${Math.round(heap / megabyte)} MB`);
    expect(made).toBeGreaterThan(1_000);
    expect(refusals).toContain('resource_exhausted');
  },
);

test(
  'events that wait for a day count too, however many copies there are of each',
  { timeout: 300_000 },
  async () => {
    const { service, pool, opsUrl } = await start({ DEFAULT_DELAY_MS: '0' });
    const delivery = { copies: 10, conflicting_status: 'PAYMENT_STATUS_FAILED', delay_ms: 86_400_000 };
    const { made, refusal } = await createPayments(pool, 30_000, 0, { delivery });
    console.log(`${made} payments with ${11 * made} webhooks and as many events that wait`);
    expect(refusal).toMatchObject({ code: 'resource_exhausted' });
    await expectAlive(service, opsUrl);
  },
);
