import { spawn } from 'node:child_process';
import { json } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildGo, missingGo } from '../support/clients/grpc-errors/grpc-error-clients.ts';
import { servicePath } from '../support/clients/payment-client.ts';
import { encodeRequest } from '../support/clients/proto-codec.ts';
import { failing, intent, startSteered, type SteeredService } from '../support/steering.ts';

/* grpc-go with a retry policy, as test/simulator/retries.test.ts has grpc-js. */

const serviceConfig = JSON.stringify({
  methodConfig: [
    {
      name: [{ service: 'payment.v1.PaymentService' }],
      retryPolicy: {
        MaxAttempts: 4,
        InitialBackoff: '0.01s',
        MaxBackoff: '0.01s',
        BackoffMultiplier: 1,
        RetryableStatusCodes: ['UNAVAILABLE'],
      },
    },
  ],
});
const started =
  'grpc_server_started_total{grpc_type="unary",grpc_service="payment.v1.PaymentService",grpc_method="CreatePaymentIntent"}';

let client: Awaited<ReturnType<typeof buildGo>>;

beforeAll(async () => {
  client = await buildGo(
    fileURLToPath(new URL('../support/clients/grpc-retries/client.go', import.meta.url)),
  );
}, 900_000);

afterAll(() => client.remove());

/** How a call ends that makes a payment. */
async function create({ apiPort }: SteeredService, key: string): Promise<unknown> {
  const child = spawn(client.binary, [], {
    stdio: ['pipe', 'pipe', 'inherit'],
    // Debian's version leaves retries off unless told so.
    env: { ...process.env, GRPC_GO_RETRY: 'on' },
  });
  const message = encodeRequest('CreatePaymentIntent', intent({ idempotency_key: key })).toString('base64');
  const path = `${servicePath}/CreatePaymentIntent`;
  child.stdin.end(JSON.stringify({ target: `127.0.0.1:${apiPort}`, path, serviceConfig, message }));
  return await json(child.stdout);
}

describe.skipIf(missingGo !== undefined)('grpc-go with a retry policy', () => {
  test('meets UNAVAILABLE twice and is answered at the third attempt', async () => {
    const sim = await startSteered();
    await sim.rule(failing('', { code: 'UNAVAILABLE' }, { times: 2 }));
    expect(await create(sim, '')).toEqual({ code: 0, message: '' });
    expect(await sim.metric(started)).toBe(3);
    expect(await sim.list()).toHaveLength(1);
  });

  test('obeys the pushback of an answer that names one', async () => {
    const sim = await startSteered();
    await sim.rule(failing('', { code: 'UNAVAILABLE', retry_after_ms: 1 }, { times: 2 }));
    expect(await create(sim, '')).toEqual({ code: 0, message: '' });
    expect(await sim.metric(started)).toBe(3);
  });

  test.each([
    { key: 'key-1', payments: 1, what: 'with a key there is one payment' },
    { key: '', payments: 2, what: 'without a key there are two' },
  ])('when only the answer is lost, $what', async ({ key, payments }) => {
    const sim = await startSteered();
    const api = { code: 'UNAVAILABLE', when: 'SIMULATED_ERROR_TIME_AFTER' };
    await sim.rule(failing('', api, { times: 1 }));
    expect(await create(sim, key)).toEqual({ code: 0, message: '' });
    expect(await sim.metric(started)).toBe(2);
    expect(await sim.list()).toHaveLength(payments);
  });
});
