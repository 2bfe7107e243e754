import type { Observer } from '../base/observer.ts';
import { deadLetterReasons } from '../delivery/dead-letter.ts';
import { deadLetterLines } from '../delivery/dead-letter/log-line.ts';
import type { DeliveryReport } from '../delivery/observer.ts';
import type { Metrics } from './metrics.ts';

/* What is counted of deliveries, a function for each channel: what a channel that is off would count does
   not appear. A counter that appears with its first count would hide that from Prometheus' `increase`. */

/** Counts and times webhooks. */
export function countWebhooks(metrics: Metrics): Observer<DeliveryReport> {
  metrics.webhookDeliveries.count('delivered', 0);
  return (report) => {
    if (report.kind === 'webhook-attempted') {
      metrics.webhookAttempts.count(
        report.result.outcome === 'delivered' ? 'delivered' : report.result.failure.reason,
      );
      metrics.webhookAttemptSeconds.observe(report.durationMs / 1000);
    } else if (report.kind === 'delivered' && report.channel === 'webhook') {
      metrics.webhookDeliveries.count('delivered');
    } else if (report.kind === 'given-up' && report.letter.channel === 'webhook') {
      metrics.webhookDeliveries.count(`dead_letter_${report.letter.reason}`);
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
