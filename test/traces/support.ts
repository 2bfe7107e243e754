import type { ReceivedSpan } from '../support/otlp-receiver.ts';

/** Settles at once; a stop waits for what is on its way. */
export const quick = { DEFAULT_DELAY_MS: '0', SHUTDOWN_GRACE_MS: '10000' };

const traceId = '0af7651916cd43dd8448eb211c80319c';
const spanId = 'b7ad6b7169203331';
/** A caller whose trace is sampled; as headers of a call its `traceparent` counts. */
export const caller = { traceId, spanId, traceparent: `00-${traceId}-${spanId}-01` };

/** The name of the span of a create. */
export const createName = 'payment.v1.PaymentService/CreatePaymentIntent';

export const isCall = ({ kind }: ReceivedSpan): boolean => kind === 'SERVER';
export const isSettlement = ({ name }: ReceivedSpan): boolean => name === 'settle payment';
export const isWebhook = ({ name }: ReceivedSpan): boolean => name === 'POST';

/** What names a span, sampled, as the parent of what comes next. */
export function idsOf(span: ReceivedSpan | undefined): string {
  return `00-${span?.traceId}-${span?.spanId}-01`;
}

/** The variables that send events there. */
export function eventBridgeOn(aws: { readonly url: string }): Readonly<Record<string, string>> {
  return {
    EVENTBRIDGE: 'on',
    EVENTBRIDGE_BATCH_WAIT_MS: '0',
    AWS_ENDPOINT_URL: aws.url,
    AWS_ACCESS_KEY_ID: 'id',
    AWS_SECRET_ACCESS_KEY: 'key',
  };
}

const validPayment = {
  reservation_id: 'reservation-1',
  user_id: 'user-1',
  amount: { amount: 1_000, currency: 'KRW' },
};

/** Calls a method in JSON; a create gets what it needs beside `fields`. */
export async function callPayments(
  { apiUrl }: { readonly apiUrl: string },
  method: string,
  fields: Readonly<Record<string, unknown>> = {},
  headers: Readonly<Record<string, string>> = {},
): Promise<{ readonly status: number; readonly body: Readonly<Record<string, unknown>> }> {
  const response = await fetch(`${apiUrl}/payment.v1.PaymentService/${method}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ ...(method === 'CreatePaymentIntent' && validPayment), ...fields }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}
