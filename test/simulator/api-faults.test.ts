import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadContract, type ContractName } from '../support/clients/contract-stub.ts';
import { readGrpcWebResponse } from '../support/clients/grpc-web-curl-client.ts';
import { type JsonObject, methods, servicePath, type Method } from '../support/clients/payment-client.ts';
import { decodeStatusRetryMs } from '../support/clients/proto-codec.ts';
import { type RawResponse, sendRaw } from '../support/clients/raw-http.ts';
import { createJsonSteeringClient, readFailure } from '../support/clients/steering-client.ts';
import { type Wire, wires } from '../support/clients/wires.ts';
import { launchService, type RunningService } from '../support/start-service.ts';
import { failing, inSession, intent, steeringOf } from '../support/steering.ts';

/* Errors that a rule puts in the place of answers: every call, by every protocol, of both contracts. */

const env = { SHUTDOWN_GRACE_MS: '0', PLATFORM_GRPC_PORT: '0', DEFAULT_DELAY_MS: '86400000' };
const contracts: readonly ContractName[] = ['payment', 'platform'];
const served = contracts.flatMap((contract) =>
  wires.filter(({ contentType }) => contentType !== 'application/proto').map((wire) => ({ contract, wire })),
);

interface Codec {
  requestSerialize(message: JsonObject): Buffer;
}

const codecsOf = (contract: ContractName) =>
  loadContract(contract)['payment.v1.PaymentService'] as unknown as Record<string, Codec>;
const codecs = { payment: codecsOf('payment'), platform: codecsOf('platform') };

function encode(contract: ContractName, { contentType }: Wire, method: Method, request: JsonObject): Buffer {
  if (contentType === 'application/json') {
    return Buffer.from(JSON.stringify(request));
  }
  return codecs[contract][method]?.requestSerialize(request) ?? Buffer.alloc(0);
}

/** What a caller is told beside code and message, wherever the protocol puts it. */
function readExtras({ protocol }: Wire, response: RawResponse) {
  const { headers, trailers, body } = response;
  if (protocol === 'Connect') {
    const failure = JSON.parse(body.toString()) as Parameters<typeof readFailure>[0];
    return { rule: headers['payment-sim-rule'], retryMs: readFailure(failure).retryMs, pushback: undefined };
  }
  const lists = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]]));
  const inBody =
    protocol === 'gRPC-Web' ? readGrpcWebResponse({ ...response, headers: lists }).trailers : new Headers();
  const read = (name: string) => inBody.get(name) ?? trailers[name] ?? headers[name];
  const status = read('grpc-status-details-bin');
  return {
    rule: read('payment-sim-rule'),
    retryMs: status === undefined ? undefined : decodeStatusRetryMs(Buffer.from(status, 'base64')),
    pushback: read('grpc-retry-pushback-ms'),
  };
}

/** What a call does to the pending payment that it is about, as GetPaymentStatus tells it afterwards. */
const effects: Partial<Record<Method, string>> = {
  ProcessPayment: 'PAYMENT_STATUS_COMPLETED',
  CancelPayment: 'PAYMENT_STATUS_CANCELLED',
  SimulateWebhook: 'PAYMENT_STATUS_FAILED',
};

function requestOf(method: Method, paymentId: string): JsonObject {
  switch (method) {
    case 'CreatePaymentIntent':
      return intent();
    case 'ListPayments':
      return { user_id: 'user-1' };
    case 'SimulateWebhook':
      return { payment_intent_id: paymentId, target_status: 'PAYMENT_STATUS_FAILED' };
    case 'GetPaymentStatus':
    case 'ProcessPayment':
    case 'CancelPayment':
      return { payment_intent_id: paymentId };
  }
}

describe.each([
  { handlers: 'the fast lane', unaryLane: true },
  { handlers: 'the stock handlers', unaryLane: false },
])('$handlers', ({ unaryLane }) => {
  let service: RunningService;

  beforeAll(async () => {
    service = await launchService(env, { unaryLane });
  });

  afterAll(() => service.app.stop());

  async function send(
    contract: ContractName,
    wire: Wire,
    method: Method,
    request: JsonObject,
    session: string,
  ) {
    const url = contract === 'platform' ? service.platformUrl : service.apiUrl;
    return await sendRaw(url, wire.httpVersion, {
      path: `${servicePath}/${method}`,
      headers: { 'content-type': wire.contentType, ...inSession(session) },
      body: wire.envelope(encode(contract, wire, method, request)),
    });
  }

  /** A payment of a session of its own, for which one call of a method will fail, and that call. */
  async function fail(contract: ContractName, wire: Wire, method: Method, api: JsonObject) {
    const session = randomUUID();
    const sim = steeringOf(createJsonSteeringClient(service.apiUrl));
    const id = method === 'CreatePaymentIntent' ? '' : await sim.create({}, session);
    const ruleId = await sim.rule(failing(method, api, { times: 1 }), session);
    const request = requestOf(method, id);
    const response = await send(contract, wire, method, request, session);
    return {
      sim,
      id,
      session,
      ruleId,
      response,
      again: () => send(contract, wire, method, request, session),
    };
  }

  test.each(served)(
    '$contract, $wire.name: BEFORE is an error and nothing else',
    async ({ contract, wire }) => {
      for (const method of methods) {
        const { sim, id, session, ruleId, response, again } = await fail(contract, wire, method, {
          code: 'UNAVAILABLE',
          message: '점검 중 100%',
          retry_after_ms: 1_500,
        });
        expect(wire.readStatus(response), method).toEqual({ code: 'UNAVAILABLE', message: '점검 중 100%' });
        expect(readExtras(wire, response), method).toEqual({
          rule: ruleId,
          retryMs: 1_500,
          pushback: wire.protocol === 'Connect' ? undefined : '1500',
        });
        expect(await sim.list(session), method).toEqual(id === '' ? [] : [id]);
        if (id !== '') {
          expect(await sim.payment(id), method).toMatchObject({ status: 'PAYMENT_STATUS_PENDING' });
        }
        expect(wire.readStatus(await again()), method).toEqual({ code: 'OK', message: '' });
      }
    },
  );

  test.each(served)('$contract, $wire.name: AFTER loses the answer alone', async ({ contract, wire }) => {
    for (const method of methods) {
      const api = { code: 'INTERNAL', when: 'SIMULATED_ERROR_TIME_AFTER' };
      const { sim, id, session, ruleId, response } = await fail(contract, wire, method, api);
      expect(wire.readStatus(response), method).toEqual({
        code: 'INTERNAL',
        message: `simulated error of ${method} after it was carried out`,
      });
      expect(readExtras(wire, response), method).toEqual({
        rule: ruleId,
        retryMs: undefined,
        pushback: undefined,
      });
      const [made] = await sim.list(session);
      expect(made, method).toEqual(id === '' ? expect.stringMatching(/^pay-/) : id);
      await expect
        .poll(async () => (await sim.payment(String(made)))['status'])
        .toBe(effects[method] ?? 'PAYMENT_STATUS_PENDING');
    }
  });
});
