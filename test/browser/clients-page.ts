import { PaymentScenario, PaymentService, PaymentStatus } from '../../gen/payment/v1/payment_pb.js';
import { CallFailed, type Failure, type WebCallerName, webCallers } from './web-callers.ts';

/* Runs in the browser, as a page of another origin: the same calls with each client library. */

/** All that the tests call in the page. */
export interface ClientsPageFunctions {
  /** Makes a payment and reads it until it has settled. @returns its first status and its last. */
  settle(client: WebCallerName, baseUrl: string, scenario: 'APPROVE' | 'FAIL'): Promise<readonly string[]>;
  /** How a call ends that nothing is wrong with. */
  pay(client: WebCallerName, baseUrl: string): Promise<Failure>;
  /** How calls end that are refused. */
  refuse(client: WebCallerName, baseUrl: string): Promise<Failure>;
  callUnknown(client: WebCallerName, baseUrl: string): Promise<Failure>;
  /** How a call ends that the service would answer long after the deadline, and after how many milliseconds. */
  callLate(client: WebCallerName, baseUrl: string): Promise<Failure & { readonly afterMs: number }>;
}

const { createPaymentIntent, getPaymentStatus, processPayment } = PaymentService.method;
const reservationId = 'reservation-1';
const payment = { reservationId, userId: 'user-1', amount: { amount: 120_000n, currency: 'KRW' } };

const page: ClientsPageFunctions = {
  async settle(client, baseUrl, scenario) {
    const call = webCallers[client](baseUrl);
    const { paymentIntentId, status: first } = await call(createPaymentIntent, {
      ...payment,
      scenario: PaymentScenario[scenario],
      simulation: { delayMs: 50 },
    });
    let status = first;
    while (status === PaymentStatus.PENDING) {
      status =
        (await call(getPaymentStatus, { paymentIntentId })).payment?.status ?? PaymentStatus.UNSPECIFIED;
    }
    return [PaymentStatus[first], PaymentStatus[status]];
  },

  async pay(client, baseUrl) {
    return await failureOf(webCallers[client](baseUrl)(createPaymentIntent, payment));
  },

  async refuse(client, baseUrl) {
    return await failureOf(webCallers[client](baseUrl)(createPaymentIntent, { reservationId }));
  },

  async callUnknown(client, baseUrl) {
    return await failureOf(webCallers[client](baseUrl)({ ...processPayment, name: 'Refund' }, {}));
  },

  async callLate(client, baseUrl) {
    const startedAtMs = performance.now();
    const failure = await failureOf(
      webCallers[client](baseUrl)(createPaymentIntent, payment, {
        headers: { 'payment-sim-behavior': '{"api": {"delay_ms": 20000}}' },
        timeoutMs: 300,
      }),
    );
    return { ...failure, afterMs: performance.now() - startedAtMs };
  },
};

Object.assign(globalThis, { page });

/** `OK` where it was carried out. */
async function failureOf(call: Promise<unknown>): Promise<Failure> {
  try {
    await call;
  } catch (error) {
    if (error instanceof CallFailed) {
      return error.failure;
    }
    throw error;
  }
  return { code: 'OK', message: '', fields: [] };
}
