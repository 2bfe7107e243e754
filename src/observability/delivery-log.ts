import { traceFields } from '../base/call-trace.ts';
import type { Observer } from '../base/observer.ts';
import { deadLetterFields, deadLetterLines } from '../delivery/dead-letter/log-line.ts';
import type { Delivery } from '../delivery/delivery.ts';
import type { DeliveryReport } from '../delivery/observer.ts';
import { signatureFaultOf } from '../delivery/webhook/attempt.ts';
import type { PaymentEvent } from '../payment/event.ts';
import type { Logger, QuietLevel } from './logger.ts';

/* The log lines of deliveries; docs/operations.md lists them. */

/**
 * Writes the lines of webhooks and their circuits.
 *
 * @param quiet the level of what goes as it should: `info` where people watch.
 */
export function logWebhooks(logger: Logger, quiet: QuietLevel): Observer<DeliveryReport> {
  return (report) => {
    if (report.kind === 'delivered' && report.channel === 'webhook') {
      if (logger.isLevelEnabled(quiet)) {
        const fields = fieldsOf(report.delivery, report.url);
        logger[quiet]({ ...fields, http_status: report.statusCode }, 'Webhook delivered');
      }
    } else if (report.kind === 'webhook-waiting') {
      const { delivery, error, retryInMs } = report;
      const fields = { ...fieldsOf(delivery, delivery.url), error, retry_in_ms: retryInMs };
      if (report.isFailed) {
        logger.warn(fields, 'Webhook failed, to be tried again');
      } else {
        logger.debug(fields, 'Webhook waits for its turn');
      }
    } else if (report.kind === 'circuit-opened') {
      const { origin, failures, openMs } = report;
      logger.warn({ origin, failures, open_ms: openMs }, 'Webhook circuit opened');
    } else if (report.kind === 'circuit-closed') {
      logger.info({ origin: report.origin }, 'Webhook circuit closed');
    }
  };
}

/** Writes the lines of what testers want otherwise than usual. */
export function logSimulatedDeliveries(logger: Logger): Observer<DeliveryReport> {
  return (report) => {
    if (report.kind === 'delivery-simulated') {
      const { event, channel, faults } = report;
      logger.info({ ...eventFields(event), channel, faults }, 'Simulated delivery');
    } else if (report.kind === 'forged') {
      const { delivery, result } = report;
      const { statusCode } = result;
      const { url, event } = delivery;
      logger.info(
        {
          ...eventFields(event),
          channel: 'webhook',
          faults: ['signature'],
          signature: signatureFaultOf(event),
          webhook_url: url,
          ...(statusCode !== undefined && { http_status: statusCode }),
        },
        'Simulated delivery',
      );
    }
  };
}

function eventFields({ id, payment, sessionId }: PaymentEvent) {
  return {
    payment_id: payment.id,
    event_id: id,
    ...(sessionId !== undefined && { session_id: sessionId }),
    ...traceFields(payment.trace),
  };
}

/** Writes the lines of the EventBridge channel. */
export function logEventBridge(logger: Logger): Observer<DeliveryReport> {
  return (report) => {
    if (report.kind === 'events-waiting') {
      const { deliveries, of, error, retryInMs } = report;
      const fields = { entries: deliveries.length, of, error, retry_in_ms: retryInMs };
      logger.warn(fields, 'EventBridge did not take events, to be tried again');
    } else if (report.kind === 'eventbridge-on') {
      const { busName, region, endpointUrl } = report;
      logger.info({ bus: busName, region, endpoint_url: endpointUrl }, 'EventBridge is on');
    } else if (report.kind === 'eventbridge-off') {
      logger.info('EventBridge is off: neither AWS credentials nor an endpoint URL are configured');
    } else if (report.kind === 'eventbridge-without-credentials') {
      logger.warn(
        { error: report.error },
        report.skips
          ? 'EventBridge is off: no AWS credentials can be had; events are skipped until they can'
          : 'EventBridge waits: no AWS credentials can be had; events are held until they can',
      );
    } else if (report.kind === 'bus-unreliable') {
      logger.warn({ region: report.region, error: report.error }, 'EventBridge cannot be relied on');
    }
  };
}

/** Writes the lines of what was given up, or nearly so. */
export function logDeadLetters(logger: Logger): Observer<DeliveryReport> {
  return (report) => {
    if (report.kind === 'given-up') {
      logger.error(deadLetterFields(report.letter), deadLetterLines[report.letter.channel]);
    } else if (report.kind === 'queue-failed' && report.channel === 'webhook') {
      logger.error({ event_id: report.delivery.event.id, err: report.error }, 'Webhook queue failed');
    } else if (report.kind === 'letters-lost') {
      logger.error(
        { event_ids: report.eventIds, error: report.error },
        'Dead letters did not reach their queue; their own log lines have all there is to them',
      );
    }
  };
}

function fieldsOf({ event, attempts }: Delivery, url: string | undefined) {
  const { payment } = event;
  return {
    payment_id: payment.id,
    reservation_id: payment.reservationId,
    event_id: event.id,
    webhook_url: url,
    attempt: attempts,
    ...traceFields(payment.trace),
  };
}
