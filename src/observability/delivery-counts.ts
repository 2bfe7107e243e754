import type { Observer } from '../base/observer.ts';
import { deadLetterReasons } from '../delivery/dead-letter.ts';
import { deadLetterLines } from '../delivery/dead-letter/log-line.ts';
import type { DeliveryReport, WebhookAttempted } from '../delivery/observer.ts';
import { signatureFaultOf } from '../delivery/webhook/attempt.ts';
import type { Metrics } from './metrics.ts';

/* What is counted of deliveries, a function for each channel: what a channel that is off would count does
   not appear. A counter that appears with its first count would hide that from Prometheus' `increase`. */

/** Counts and times webhooks. */
export function countWebhooks(metrics: Metrics): Observer<DeliveryReport> {
  metrics.webhookDeliveries.count('delivered', 0);
  return (report) => {
    if (report.kind === 'webhook-attempted') {
      metrics.webhookAttempts.count(outcomeOf(report));
      metrics.webhookAttemptSeconds.observe(report.durationMs / 1000);
    } else if (report.kind === 'delivered' && report.channel === 'webhook') {
      metrics.webhookDeliveries.count('delivered');
    } else if (report.kind === 'given-up' && report.letter.channel === 'webhook') {
      metrics.webhookDeliveries.count(`dead_letter_${report.letter.reason}`);
    }
  };
}

/** A signature that is wrong on purpose is no failure of anybody's. */
function outcomeOf({ delivery, result }: WebhookAttempted): string {
  if (signatureFaultOf(delivery.event) !== undefined) {
    return 'simulated_fault';
  }
  return result.outcome === 'delivered' ? 'delivered' : result.failure.reason;
}

/** Counts what testers want otherwise than usual. */
export function countSimulatedDeliveries({ simulatedDeliveries }: Metrics): Observer<DeliveryReport> {
  return (report) => {
    if (report.kind === 'delivery-simulated') {
      for (const fault of report.faults) {
        simulatedDeliveries.inc({ channel: report.channel, fault });
      }
    }
  };
}

/** Counts EventBridge's events and calls. */
export function countEventBridge(metrics: Metrics): Observer<DeliveryReport> {
  metrics.eventBridgeEvents.count('delivered', 0);
  return (report) => {
    if (report.kind === 'call-ended') {
      metrics.eventBridgeCalls.count(report.outcome);
      metrics.eventBridgeCallSeconds.observe(report.durationMs / 1000);
    } else if (report.kind === 'entry-failed') {
      metrics.eventBridgeEntryFailures.inc({ reason: report.reason });
    } else if (report.kind === 'delivered' && report.channel === 'eventbridge') {
      metrics.eventBridgeEvents.count('delivered');
    } else if (report.kind === 'given-up' && report.letter.channel === 'eventbridge') {
      metrics.eventBridgeEvents.count(`dead_letter_${report.letter.reason}`);
    }
  };
}

/** Counts the events that are not sent, since EventBridge is off. */
export function countSkippedEvents({ eventBridgeEvents }: Metrics): Observer<DeliveryReport> {
  eventBridgeEvents.count('skipped', 0);
  return (report) => {
    if (report.kind === 'events-skipped') {
      eventBridgeEvents.count('skipped', report.events);
    }
  };
}

/** Counts dead letters of all channels. */
export function countDeadLetters({ deadLetters, deadLetterMessages }: Metrics): Observer<DeliveryReport> {
  for (const channel of Object.keys(deadLetterLines)) {
    for (const reason of deadLetterReasons) {
      deadLetters.inc({ channel, reason }, 0);
    }
  }
  deadLetterMessages.inc({ outcome: 'failed' }, 0);
  return (report) => {
    if (report.kind === 'given-up') {
      deadLetters.inc({ channel: report.letter.channel, reason: report.letter.reason });
    } else if (report.kind === 'letters-sent') {
      deadLetterMessages.inc({ outcome: 'sent' }, report.letters);
    } else if (report.kind === 'letters-lost') {
      deadLetterMessages.inc({ outcome: 'failed' }, report.eventIds.length);
    }
  };
}
