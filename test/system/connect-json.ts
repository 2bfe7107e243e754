import { onTestFinished } from 'vitest';
import { Pool } from 'undici';

/** What came back of a call. */
export interface ConnectAnswer {
  readonly httpStatus: number;
  /** The message, or the error with its `code`. */
  readonly body: Record<string, unknown>;
}

/** Calls a method with a JSON message. */
export type ConnectCaller = (method: string, message: Record<string, unknown>) => Promise<ConnectAnswer>;

/** A caller in Connect's JSON on keep-alive connections, which close when the test is finished. */
export function createConnectCaller(apiUrl: string, connections = 50): ConnectCaller {
  const pool = new Pool(apiUrl, { connections });
  onTestFinished(() => pool.destroy());
  return (method, message) => callOver(pool, method, message);
}

/** Calls a method with a JSON message over connections that are there. */
export async function callOver(
  pool: Pool,
  method: string,
  message: Record<string, unknown>,
  headers: Readonly<Record<string, string>> = {},
): Promise<ConnectAnswer> {
  const response = await pool.request({
    method: 'POST',
    path: `/payment.v1.PaymentService/${method}`,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(message),
  });
  return {
    httpStatus: response.statusCode,
    body: (await response.body.json()) as Record<string, unknown>,
  };
}

/** A good CreatePaymentIntent message; `change` what the test is about. */
export function intentMessage(change: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    reservation_id: 'reservation-1',
    user_id: 'user-1',
    amount: { amount: 120_000, currency: 'KRW' },
    ...change,
  };
}

/** Creates a payment and gives its id. */
export async function createPayment(
  call: ConnectCaller,
  change: Record<string, unknown> = {},
): Promise<string> {
  const { httpStatus, body } = await call('CreatePaymentIntent', intentMessage(change));
  if (httpStatus !== 200) {
    throw new Error(`CreatePaymentIntent answered ${httpStatus}: ${JSON.stringify(body)}`);
  }
  return String(body['payment_intent_id']);
}

/** The payment as GetPaymentStatus tells it, or the code of the error. */
export async function getPayment(call: ConnectCaller, paymentId: string): Promise<unknown> {
  const { body } = await call('GetPaymentStatus', { payment_intent_id: paymentId });
  return body['payment'] ?? body['code'];
}
