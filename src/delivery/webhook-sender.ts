import type { Clock } from '../clock.ts';
import { traceFields, traceHeaders } from '../payment/call-trace.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { RandomSource } from '../random.ts';
import type { DeliveryQueue } from '../state/ports.ts';
import type { DeadLetter } from './dead-letter.ts';
import type { DeliveryChannel } from './delivery-service.ts';
import { encodeWebhookBody } from './payment-event.ts';
import { decideRetry, type RetryOptions } from './retry-policy.ts';
import type { WebhookConnections } from './webhook-connections.ts';
import type { WebhookDelivery } from './webhook-delivery.ts';
import { type AttemptResult, sendWebhookRequest } from './webhook-request.ts';
import { signatureHeadersFor } from './webhook-signature.ts';

/** What the webhook sender works with. */
export interface WebhookSenderDeps {
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly connections: WebhookConnections;
  readonly queue: DeliveryQueue;
  readonly deadLetter: DeadLetter;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** The signing keys, the current one first. */
  readonly keys: readonly [Buffer, ...Buffer[]];
  /** For one attempt, in milliseconds. */
  readonly timeoutMs: number;
  readonly retry: RetryOptions;
}

/** Sends the outcome to the payment's webhook address, if it has one. */
export function createWebhookSender(deps: WebhookSenderDeps): DeliveryChannel {
  const { clock, connections, queue, deadLetter, logger, metrics } = deps;
  /** Every delivery that is being attempted or waits for a connection. */
  const inFlight = new Set<WebhookDelivery>();
  /** How many have had their attempt and are being accounted for. */
  let concluding = 0;
  let abandoned = false;
  let onIdle: (() => void) | undefined;

  /** Never rejects: nobody waits for it. */
  async function attempt(delivery: WebhookDelivery): Promise<void> {
    inFlight.add(delivery);
    const result = await attemptOnce(delivery);
    // Unless the shutdown abandoned it meanwhile: either way it is accounted for once.
    if (inFlight.delete(delivery)) {
      concluding += 1;
      if (result === undefined) {
        await deadLetter.record(delivery, 'shutdown', 'out of time');
      } else {
        await conclude({ ...delivery, attempts: delivery.attempts + 1 }, result);
      }
      concluding -= 1;
    }
    if (isIdle()) {
      onIdle?.();
    }
  }

  /** Undefined when the shutdown came first, and nothing was sent. */
  async function attemptOnce(delivery: WebhookDelivery): Promise<AttemptResult | undefined> {
    const url = new URL(delivery.url);
    const connection = await connections.acquire(url.origin);
    if (connection === undefined) {
      return undefined;
    }
    if (abandoned) {
      connection.release();
      return undefined;
    }
    const startedAtMs = clock.now();
    try {
      const timestampSeconds = Math.floor(startedAtMs / 1000);
      const body = encodeWebhookBody(delivery.event, timestampSeconds);
      const result = await sendWebhookRequest(connection.client, {
        path: url.pathname + url.search,
        headers: {
          'content-type': 'application/json',
          'user-agent': 'PaymentSim/1.0',
          ...traceHeaders(delivery.event.trace),
          ...signatureHeadersFor(deps.keys, delivery.event.eventId, timestampSeconds, body),
        },
        body,
        timeoutMs: deps.timeoutMs,
      });
      const outcome = result.outcome === 'delivered' ? 'delivered' : result.failure.reason;
      metrics.webhookAttempts.inc({ outcome });
      metrics.webhookAttemptSeconds.observe((clock.now() - startedAtMs) / 1000);
      return result;
    } finally {
      connection.release();
    }
  }

  /** What comes of a delivery after an attempt, the attempt already counted. */
  async function conclude(delivery: WebhookDelivery, result: AttemptResult): Promise<void> {
    const fields = {
      payment_id: delivery.event.paymentId,
      reservation_id: delivery.event.reservationId,
      event_id: delivery.event.eventId,
      webhook_url: delivery.url,
      attempt: delivery.attempts,
      ...traceFields(delivery.event.trace),
    };
    if (result.outcome === 'delivered') {
      metrics.webhookDeliveries.inc({ outcome: 'delivered' });
      logger.debug({ ...fields, http_status: result.statusCode }, 'Webhook delivered');
      return;
    }
    const decision = decideRetry(delivery.attempts, result.failure, deps.retry, deps.random);
    if (decision.action === 'give-up') {
      await deadLetter.record(delivery, decision.reason, result.detail);
      return;
    }
    const held = await holdForRetry(delivery, clock.now() + decision.delayMs);
    if (held !== 'held') {
      await deadLetter.record(delivery, held === 'refused' ? 'shutdown' : 'queue_failed', result.detail);
      return;
    }
    logger.warn(
      { ...fields, error: result.detail, retry_in_ms: decision.delayMs },
      'Webhook failed, to be tried again',
    );
  }

  async function holdForRetry(delivery: WebhookDelivery, dueAtMs: number) {
    try {
      return await queue.add(delivery, dueAtMs);
    } catch (error) {
      logger.error({ event_id: delivery.event.eventId, err: error }, 'Webhook queue failed');
      return 'failed';
    }
  }

  function isIdle(): boolean {
    return inFlight.size === 0 && concluding === 0 && queue.size() === 0;
  }

  async function abandon(): Promise<void> {
    abandoned = true;
    const left = [...inFlight, ...(await queue.drain(0))];
    inFlight.clear();
    await Promise.all(left.map((delivery) => deadLetter.record(delivery, 'shutdown', 'out of time')));
  }

  queue.start(attempt);

  return {
    accept(event, payment) {
      if (payment.webhookUrl === undefined) {
        return;
      }
      const delivery = { event, url: payment.webhookUrl, attempts: 0, createdAtMs: clock.now() };
      if (abandoned) {
        void deadLetter.record(delivery, 'shutdown', 'out of time');
        return;
      }
      void attempt(delivery);
    },

    async drain(untilMs) {
      const tooLate = await queue.drain(untilMs);
      await Promise.all(tooLate.map((delivery) => deadLetter.record(delivery, 'shutdown', 'out of time')));
      if (!isIdle()) {
        await new Promise<void>((resolve) => {
          const timer = clock.setTimer(
            Math.max(0, untilMs - clock.now()),
            () => void abandon().then(resolve),
          );
          onIdle = () => {
            timer.cancel();
            resolve();
          };
        });
      }
    },
  };
}
