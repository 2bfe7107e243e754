import { type CallTrace, traceHeaders } from '../../base/call-trace.ts';
import type { MachineClock } from '../../base/clock.ts';
import type { Observer } from '../../base/observer.ts';
import type { PaymentEvent } from '../../payment/event.ts';
import { sessionHeader, type SigningKey } from '../../webhook-format/signature.ts';
import type { AttemptResult } from '../retry-policy.ts';
import type { WebhookDelivery } from '../delivery.ts';
import type { DeliveryReport } from '../observer.ts';
import type { StartAttemptSpan } from '../ports.ts';
import type { SignatureFault } from '../../payment/payment.ts';
import { forge, sign } from './forged-request.ts';
import type { RequestClient } from './connections.ts';
import { sendWebhookRequest } from './request.ts';

interface WebhookAttemptDeps {
  /** Receivers check the time of an attempt, so it is the machine's, whatever the simulation's is. */
  readonly machine: MachineClock;
  readonly observe: Observer<DeliveryReport>;
  /** The signing keys, the current one first. */
  readonly keys: readonly [SigningKey, ...SigningKey[]];
  /** For one attempt, in milliseconds. */
  readonly timeoutMs: number;
  /** Undefined where no spans are made. */
  readonly startSpan?: StartAttemptSpan<WebhookDelivery> | undefined;
}

/** Makes one attempt, signed for this moment. Never rejects. */
export type WebhookAttempt = (
  client: RequestClient,
  delivery: WebhookDelivery,
  path: string,
) => Promise<AttemptResult>;

/** See `WebhookAttempt`. */
export function createWebhookAttempt(deps: WebhookAttemptDeps): WebhookAttempt {
  const { machine, observe, keys, timeoutMs, startSpan } = deps;
  return async (client, delivery, path) => {
    const startedAtMs = machine.now();
    const startedAt = machine.monotonic();
    const span = startSpan?.(delivery);
    const timestamp = Math.floor(startedAtMs / 1000);
    const { headers, body } = webhookRequest(keys, delivery.event, timestamp, span?.trace);
    const result = await sendWebhookRequest(client, { path, headers, body, timeoutMs }, machine);
    const durationMs = machine.monotonic() - startedAt;
    span?.end(result.outcome === 'failed' ? result.failure : undefined, result.statusCode);
    observe({ kind: 'webhook-attempted', delivery, headers, body, result, startedAtMs, durationMs });
    return result;
  };
}

/** What is sent in one attempt. */
interface WebhookRequestParts {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * What one attempt sends.
 *
 * @param timestampSeconds when it is made, in Unix seconds.
 * @param trace what the receiver's work belongs to: that of the payment, unless the attempt has a span.
 */
export function webhookRequest(
  keys: readonly [SigningKey, ...SigningKey[]],
  event: PaymentEvent,
  timestampSeconds: number,
  trace: CallTrace | undefined = event.payment.trace,
): WebhookRequestParts {
  const fault = signatureFaultOf(event);
  const { body, signatures } =
    fault === undefined ? sign(keys, event, timestampSeconds) : forge(fault, keys, event, timestampSeconds);
  const headers = {
    'content-type': 'application/json',
    'user-agent': 'PaymentSim/1.0',
    ...traceHeaders(trace),
    ...(event.sessionId !== undefined && { [sessionHeader]: event.sessionId }),
    ...signatures,
  };
  return { headers, body };
}

/** What is wrong with the signature of an event's webhook, if a tester wants it so. */
export function signatureFaultOf({ delivery }: PaymentEvent): SignatureFault | undefined {
  return delivery?.kind === 'arranged' ? delivery.signature : undefined;
}
