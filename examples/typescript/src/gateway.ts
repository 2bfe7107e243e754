import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, Code, ConnectError, createClient, type Interceptor } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { PaymentService } from 'payment-sim/gen/payment/v1';

/** The payment gateway. */
export type Gateway = Client<typeof PaymentService>;

/** Of a call with all its attempts, in milliseconds. */
const deadlineMs = 3_000;
const maxAttempts = 4;

/**
 * What a `retryPolicy` does elsewhere; Connect has none. Every attempt is the same request, with the same idempotency
 * key.
 */
const retryWhileUnavailable: Interceptor = (next) => async (request) => {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await next(request);
    } catch (error) {
      // The messages of a stream are gone once they were sent.
      if (request.stream || attempt === maxAttempts || ConnectError.from(error).code !== Code.Unavailable) {
        throw error;
      }
      // At random, so that callers who failed together do not come back together. The deadline ends it.
      await sleep(20 + Math.random() * 30, undefined, { signal: request.signal });
    }
  }
};

/** Connects with the first call. */
export function connectGateway(baseUrl: string): Gateway {
  const interceptors = [retryWhileUnavailable];
  const transport = createGrpcTransport({ baseUrl, defaultTimeoutMs: deadlineMs, interceptors });
  return createClient(PaymentService, transport);
}
