import { clockOf, type MachineClock, type SimClock } from '../base/clock.ts';
import type { Observer } from '../base/observer.ts';
import type {
  DeliveryReport,
  EventAttempt,
  EventsAttempted,
  WebhookAttempted,
} from '../delivery/observer.ts';
import type { PaymentEvent } from '../payment/event.ts';
import type { PaymentReport } from '../payment/observer.ts';
import {
  type Attempt,
  changedEntry,
  createdEntry,
  deliveryEntry,
  type DeliveryStatus,
  type JournalEntry,
  resetEntry,
} from '../simulator/journal/entry.ts';
import type { SteeringReport } from '../simulator/observer.ts';
import { scopeOf } from '../simulator/session.ts';

/* What happens, in the journal's entries. */

interface FeedDeps {
  readonly machine: Pick<MachineClock, 'now'>;
  readonly append: (entry: JournalEntry) => void;
  /** See `QuietStore`. */
  readonly wants: (sessionId: string | undefined) => boolean;
}

/** Notes payments. */
export function notePayments({ machine, append, wants }: FeedDeps): Observer<PaymentReport> {
  return (report) => {
    if (report.kind === 'created') {
      if (wants(report.payment.extras?.sessionId)) {
        append(createdEntry(report.payment, machine.now()));
      }
    } else if (report.kind === 'changed' && wants(report.change.payment.extras?.sessionId)) {
      append(changedEntry(report.change, machine.now()));
    }
  };
}

/** Lets the journal forget what a reset removes. */
export function noteResets({ machine, append }: Omit<FeedDeps, 'wants'>): Observer<SteeringReport> {
  return (report) => {
    if (report.kind === 'session-reset') {
      const { sessionId } = report;
      append(resetEntry(scopeOf(sessionId), machine.now()));
    }
  };
}

interface DeliveryFeed extends FeedDeps {
  /** Of next attempts: back-off goes by it. */
  readonly clock: SimClock;
}

interface WebhookFeed extends DeliveryFeed {
  /** Those that were noted when they were accepted. */
  readonly begun: WeakSet<PaymentEvent>;
}

/** Notes deliveries: one entry for each attempt, and one for whatever else decides how they stand. */
export function noteDeliveries(feed: DeliveryFeed): Observer<DeliveryReport> {
  const ofWebhooks: WebhookFeed = { ...feed, begun: new WeakSet() };
  return (report) => {
    noteWebhook(ofWebhooks, report);
    noteEvents(feed, report);
    noteEnd(feed, report);
  };
}

function noteWebhook({ machine, append, clock, wants, begun }: WebhookFeed, report: DeliveryReport): void {
  if (report.kind === 'accepted') {
    const { event } = report;
    // Events leave for EventBridge within milliseconds: of those their first attempt tells soon enough.
    if (event.destination !== undefined && wants(event.sessionId)) {
      begun.add(event);
      append(deliveryEntry(event, 'webhook', 'WAITING', machine.now()));
    }
  } else if (report.kind === 'webhook-attempted') {
    const { event, attempts, waits } = report.delivery;
    // What was noted to wait must not be left to wait for ever.
    const isKnown = attempts > 0 || waits > 0 || begun.has(event);
    if (isKnown || report.result.outcome === 'failed' || wants(event.sessionId)) {
      append(webhookAttempted(report, machine.now()));
    }
  } else if (report.kind === 'webhook-waiting') {
    const { delivery, error, retryInMs } = report;
    const nextAttemptAtMs = clockOf(clock, delivery.event.sessionId).now() + retryInMs;
    append(deliveryEntry(delivery.event, 'webhook', 'WAITING', machine.now(), { error, nextAttemptAtMs }));
  } else if (report.kind === 'forged' && !report.isSent) {
    const { event } = report.delivery;
    append(deliveryEntry(event, 'webhook', 'SIMULATED', machine.now(), { error: 'not sent' }));
  }
}

/** EventBridge goes by the machine's time. */
function noteEvents({ machine, append, wants }: FeedDeps, report: DeliveryReport): void {
  if (report.kind === 'events-attempted') {
    const atMs = machine.now();
    for (const sent of report.attempts) {
      const { event, attempts } = sent.delivery;
      if (sent.error !== undefined || attempts > 1 || wants(event.sessionId)) {
        append(eventAttempted(sent, report, atMs));
      }
    }
  } else if (report.kind === 'events-skipped' && report.event?.delivery !== undefined) {
    // It was told that a tester wants it otherwise than usual: it will not be sent at all.
    const error = 'skipped: EventBridge is off';
    append(deliveryEntry(report.event, 'eventbridge', 'SIMULATED', machine.now(), { error }));
  } else if (report.kind === 'events-waiting') {
    const { deliveries, error, retryInMs } = report;
    const atMs = machine.now();
    const nextAttemptAtMs = atMs + retryInMs;
    for (const { event } of deliveries) {
      append(deliveryEntry(event, 'eventbridge', 'WAITING', atMs, { error, nextAttemptAtMs }));
    }
  }
}

function noteEnd({ machine, append }: FeedDeps, report: DeliveryReport): void {
  if (report.kind === 'given-up') {
    const { channel, delivery, reason, error } = report.letter;
    const why = `${reason}: ${error}`;
    append(deliveryEntry(delivery.event, channel, 'GIVEN_UP', machine.now(), { error: why }));
  } else if (report.kind === 'delivery-simulated') {
    const { event, channel, faults } = report;
    const status: DeliveryStatus = faults.includes('drop') ? 'SIMULATED' : 'WAITING';
    append(deliveryEntry(event, channel, status, machine.now(), { faults }));
  }
}

function webhookAttempted(report: WebhookAttempted, atMs: number): JournalEntry {
  const { delivery, result } = report;
  const { event } = delivery;
  const attempt = webhookAttempt(report);
  if (result.outcome === 'delivered') {
    return deliveryEntry(event, 'webhook', 'DELIVERED', atMs, { attempt });
  }
  // Whether it is tried again is told next, unless it is not, on purpose.
  const status: DeliveryStatus = attempt.fault === undefined ? 'WAITING' : 'SIMULATED';
  return deliveryEntry(event, 'webhook', status, atMs, { attempt, error: result.detail });
}

function webhookAttempt(report: WebhookAttempted): Attempt {
  const { delivery, headers, body, result, startedAtMs, durationMs } = report;
  const forged = delivery.event.delivery;
  return {
    texts: { headers: () => headers, body: () => body },
    textBytes: webhookHeadersBytes + body.length,
    number: delivery.attempts + 1,
    startedAtMs,
    durationMs,
    statusCode: result.statusCode,
    answer: result.answer ?? '',
    error: result.outcome === 'delivered' ? undefined : result.detail,
    fault: forged?.kind === 'arranged' ? forged.signature : undefined,
  };
}

/** Signatures, ids and the trace, which are nearly all the same length. */
const webhookHeadersBytes = 450;

function eventAttempted(sent: EventAttempt, call: EventsAttempted, atMs: number): JournalEntry {
  const status: DeliveryStatus = sent.error === undefined ? 'DELIVERED' : 'WAITING';
  const attempt = eventAttempt(sent, call);
  return deliveryEntry(sent.delivery.event, 'eventbridge', status, atMs, { attempt, error: sent.error });
}

function eventAttempt(
  { delivery, entry, error }: EventAttempt,
  { startedAtMs, durationMs }: EventsAttempted,
): Attempt {
  return {
    texts: {
      headers: () => ({
        Source: entry.Source,
        DetailType: entry.DetailType,
        EventBusName: entry.EventBusName,
        Time: entry.Time.toISOString(),
      }),
      body: () => entry.Detail,
    },
    textBytes: entryBytes + entry.Detail.length,
    number: delivery.attempts,
    startedAtMs,
    durationMs,
    statusCode: undefined,
    answer: '',
    error,
    fault: undefined,
  };
}

/** An entry without its detail. */
const entryBytes = 200;
