import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../observability/logger.ts';
import type { Metrics } from '../../observability/metrics.ts';
import { traceHeaders } from '../../base/call-trace.ts';
import type { AttemptLog } from '../../state/ports.ts';
import type { DeliveryObserver } from '../observer.ts';
import { encodeWebhookBody, type PaymentEvent } from '../payload.ts';
import type { RequestClient } from './connections.ts';
import type { WebhookDelivery } from './delivery.ts';
import { type AttemptResult, sendWebhookRequest } from './request.ts';
import { signatureHeadersFor, type SigningKey } from '../../webhook-format/signature.ts';

/** What an attempt works with. */
export interface WebhookAttemptDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly attemptLog: AttemptLog;
  /** The signing keys, the current one first. */
  readonly keys: readonly [SigningKey, ...SigningKey[]];
  /** For one attempt, in milliseconds. */
  readonly timeoutMs: number;
  readonly observer?: DeliveryObserver | undefined;
}

/** Makes one attempt, signed for this moment, counts it and notes it in the attempt log. Never rejects. */
export type WebhookAttempt = (
  client: RequestClient,
  delivery: WebhookDelivery,
  path: string,
) => Promise<AttemptResult>;

/** See `WebhookAttempt`. */
export function createWebhookAttempt(deps: WebhookAttemptDeps): WebhookAttempt {
  const { clock, metrics } = deps;

  /** The log is for looking at; a delivery does not fail because of it. */
  async function note(delivery: WebhookDelivery, startedAtMs: number, result: AttemptResult): Promise<void> {
    try {
      await deps.attemptLog.record(delivery.event.paymentId, delivery.createdAtMs, {
        attempt: delivery.attempts + 1,
        startedAtMs,
        durationMs: clock.now() - startedAtMs,
        statusCode: result.statusCode,
        error: result.outcome === 'delivered' ? undefined : result.detail,
      });
    } catch (error) {
      deps.logger.warn({ payment_id: delivery.event.paymentId, err: error }, 'Webhook attempt not noted');
    }
  }

  return async (client, delivery, path) => {
    const startedAtMs = clock.now();
    const timestampSeconds = Math.floor(startedAtMs / 1000);
    const body = encodeWebhookBody(delivery.event, timestampSeconds);
    const request = {
      path,
      headers: webhookHeaders(deps.keys, delivery.event, timestampSeconds, body),
      body,
      timeoutMs: deps.timeoutMs,
    };
    const result = await sendWebhookRequest(client, request, clock);
    metrics.webhookAttempts.count(result.outcome === 'delivered' ? 'delivered' : result.failure.reason);
    metrics.webhookAttemptSeconds.observe((clock.now() - startedAtMs) / 1000);
    deps.observer?.attempted(delivery, { headers: request.headers, body, result });
    await note(delivery, startedAtMs, result);
    return result;
  };
}

/**
 * The headers of one attempt.
 *
 * @param timestampSeconds when it is made, in Unix seconds.
 */
export function webhookHeaders(
  keys: readonly [SigningKey, ...SigningKey[]],
  event: PaymentEvent,
  timestampSeconds: number,
  body: string,
): Readonly<Record<string, string>> {
  return {
    'content-type': 'application/json',
    'user-agent': 'PaymentSim/1.0',
    ...traceHeaders(event.trace),
    ...signatureHeadersFor(keys, event.eventId, timestampSeconds, body),
  };
}
