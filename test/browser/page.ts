import { Code, ConnectError, createClient, type Transport } from '@connectrpc/connect';
import { createConnectTransport, createGrpcWebTransport } from '@connectrpc/connect-web';
import { BadRequestSchema } from '../../gen/google/rpc/error_details_pb.js';
import { PaymentScenario, PaymentService, PaymentStatus } from '../../gen/payment/v1/payment_pb.js';

/* Runs in the browser, as a page of another origin. */

/** What the page saw. */
export interface Seen {
  readonly statuses: readonly (string | undefined)[];
  readonly violations: readonly string[];
  readonly refusedRequestId: string | null | undefined;
  readonly unknownMethod: string | undefined;
}

/** How a call that should not get through ended. */
export interface Refused {
  readonly code: string | undefined;
  readonly message: string;
}

/** All that the tests call in the page. */
export interface PageFunctions {
  pay(protocol: string, baseUrl: string): Promise<Seen>;
  tryToPay(protocol: string, baseUrl: string): Promise<Refused | 'not refused'>;
}

const amount = { amount: 120_000n, currency: 'KRW' };
const headers = {
  authorization: 'Bearer browser',
  'idempotency-key': 'browser-1',
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  tracestate: 'vendor=1',
  'x-request-id': 'browser-1',
};

const page: PageFunctions = {
  async pay(protocol, baseUrl) {
    const transport = transportOf(protocol, baseUrl);
    const client = createClient(PaymentService, transport);
    const scenario = PaymentScenario.DELAY;
    const created = await client.createPaymentIntent(
      { reservationId: 'reservation-1', userId: `user-${protocol}`, amount, scenario },
      { headers },
    );
    const { paymentIntentId } = created;
    const before = await client.getPaymentStatus({ paymentIntentId });
    const processed = await client.processPayment({ paymentIntentId });
    const after = await client.getPaymentStatus({ paymentIntentId });

    const refusal = await failureOf(
      client.createPaymentIntent(
        { reservationId: 'reservation-1' },
        { headers: { 'x-request-id': 'refused-1' } },
      ),
    );
    // A method that the service does not have: the page must be allowed to read such an answer too.
    const method = { ...PaymentService.method.processPayment, name: 'Refund' };
    const unknown = await failureOf(transport.unary(method, undefined, undefined, undefined, {}));
    return {
      statuses: [created.status, before.payment?.status, processed.status, after.payment?.status].map(
        (status) => (status === undefined ? undefined : PaymentStatus[status]),
      ),
      violations: (refusal?.findDetails(BadRequestSchema) ?? [])
        .flatMap(({ fieldViolations }) => fieldViolations)
        .map(({ field }) => field),
      refusedRequestId: refusal?.metadata.get('x-request-id'),
      unknownMethod: unknown === undefined ? undefined : Code[unknown.code],
    };
  },

  async tryToPay(protocol, baseUrl) {
    const client = createClient(PaymentService, transportOf(protocol, baseUrl));
    const error = await failureOf(
      client.createPaymentIntent({ reservationId: 'reservation-1', userId: 'user-1', amount }),
    );
    return error === undefined ? 'not refused' : { code: Code[error.code], message: error.rawMessage };
  },
};

Object.assign(globalThis, { page });

function transportOf(protocol: string, baseUrl: string): Transport {
  return protocol === 'grpc-web' ? createGrpcWebTransport({ baseUrl }) : createConnectTransport({ baseUrl });
}

async function failureOf(call: Promise<unknown>): Promise<ConnectError | undefined> {
  return await call.then(
    () => undefined,
    (error: unknown) => ConnectError.from(error),
  );
}
