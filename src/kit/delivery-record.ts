import type { DeliveryReport } from '../delivery/observer.ts';
import type { PaymentEvent } from '../payment/event.ts';
import type { PaymentReport } from '../payment/observer.ts';
import type { SentWebhook, SettledOutcome, WaitOptions } from './sent-webhook.ts';

/** Nobody looks that far back, and a long-running simulator must not grow for ever. */
const maxRemembered = 10_000;
const defaultTimeoutMs = 10_000;

interface State {
  /** By event id. */
  readonly webhooks: Map<string, SentWebhook>;
  /** Payments that name no address: they never have a webhook. */
  readonly silent: Map<string, true>;
  /** By payment id. */
  readonly settlements: Map<string, SettledOutcome>;
  /** Looks again at what has changed; a reason ends the wait. */
  readonly waiters: Set<(endedBecause?: string) => void>;
}

/** See `createDeliveryRecord`. */
export type DeliveryRecord = ReturnType<typeof createDeliveryRecord>;

/** Remembers what the service did, and wakes those who wait for it. */
export function createDeliveryRecord() {
  const self: State = {
    webhooks: new Map(),
    silent: new Map(),
    settlements: new Map(),
    waiters: new Set(),
  };
  const { webhooks, settlements } = self;
  return {
    observe: (report: DeliveryReport) => note(self, report),

    observePayment: (report: PaymentReport) => notePayment(self, report),

    /** In the order the payments settled. */
    webhooks: (): readonly SentWebhook[] => [...webhooks.values()],

    /**
     * Resolves with the first webhook that fits, or rejects when the time is over; at once when it is that of
     * a payment that will have none.
     */
    waitForWebhook: (
      fits: (webhook: SentWebhook) => boolean,
      paymentId: string | undefined,
      options?: WaitOptions,
    ) =>
      waitFor(
        self,
        () => {
          if (paymentId !== undefined && self.silent.has(paymentId)) {
            throw new Error(
              `Payment ${paymentId} will never have a webhook: its create has no webhook_url, and there is no WEBHOOK_URL`,
            );
          }
          return [...webhooks.values()].find(fits);
        },
        () => `No such webhook among the ${webhooks.size} that were sent or tried${listOf(webhooks)}`,
        options,
      ),

    /** Resolves when the payment has settled, or rejects when the time is over. */
    waitForSettlement: (paymentId: string, options?: WaitOptions) =>
      waitFor(
        self,
        () => settlements.get(paymentId),
        () => `Payment ${paymentId} did not settle`,
        options,
      ),

    /** Rejects all who still wait. */
    close: () => wake(self, 'before the simulator stopped'),
  };
}

function notePayment(self: State, report: PaymentReport): void {
  if (report.kind === 'created' && report.payment.webhookUrl === undefined) {
    remember(self.silent, report.payment.id, true);
    wake(self);
  } else if (report.kind === 'changed' && report.change.event !== undefined) {
    recordSettlement(self, report.change.event);
    wake(self);
  }
}

function note(self: State, report: DeliveryReport): void {
  if (report.kind === 'accepted') {
    recordEvent(self, report.event);
  } else if (report.kind === 'webhook-attempted') {
    const { delivery, body, headers, result } = report;
    const delivered = result.outcome === 'delivered';
    const known = self.webhooks.get(delivery.event.id);
    const attempts = (known?.attempts ?? 0) + 1;
    const sent = { attempts, body, headers, statusCode: result.statusCode };
    // An attempt that the stop broke off ends after the webhook was given up, and changes nothing about that.
    const isOver = known?.outcome === 'given_up';
    change(
      self,
      delivery.event.id,
      isOver
        ? sent
        : {
            ...sent,
            outcome: delivered ? 'delivered' : 'pending',
            error: delivered ? undefined : result.detail,
          },
    );
  } else if (report.kind === 'given-up') {
    if (report.letter.channel === 'webhook') {
      const { delivery, reason, error } = report.letter;
      change(self, delivery.event.id, { outcome: 'given_up', error: `${reason}: ${error}` });
    }
  } else {
    noteSimulated(self, report);
  }
}

/** What has ended as a tester wanted it is not waited for. */
function noteSimulated(self: State, report: DeliveryReport): void {
  if (report.kind === 'forged' && report.result.outcome === 'failed') {
    const error = `forged, as wanted: ${report.result.detail}`;
    change(self, report.delivery.event.id, { outcome: 'given_up', error });
  } else if (report.kind === 'delivery-simulated' && report.channel === 'webhook') {
    recordEvent(self, report.event);
    if (report.faults.includes('drop')) {
      change(self, report.event.id, { outcome: 'given_up', error: 'dropped, as wanted' });
    }
  }
}

function recordSettlement({ settlements }: State, { id: eventId, type, payment }: PaymentEvent): void {
  const { id: paymentId, reservationId, userId, status, money } = payment;
  if (type === 'payment.status_updated') {
    remember(settlements, paymentId, { eventId, paymentId, reservationId, userId, status, ...money });
  }
}

function recordEvent(self: State, event: PaymentEvent): void {
  const { id: eventId, type: eventType, destination: url, sequence, payment } = event;
  const { id: paymentId, reservationId, status } = payment;
  recordSettlement(self, event);
  // An event that is sent again is still the same.
  if (self.webhooks.get(eventId)?.outcome === 'given_up') {
    change(self, eventId, { outcome: 'pending', error: undefined });
  }
  if (url !== undefined && !self.webhooks.has(eventId)) {
    const ids = { paymentId, reservationId, eventId };
    remember(self.webhooks, eventId, { ...ids, eventType, sequence, status, url, ...notSentYet });
  }
  wake(self);
}

function change(self: State, eventId: string, changed: Partial<SentWebhook>): void {
  const webhook = self.webhooks.get(eventId);
  if (webhook !== undefined) {
    self.webhooks.set(eventId, { ...webhook, ...changed });
    wake(self);
  }
}

function wake({ waiters }: State, endedBecause?: string): void {
  for (const look of waiters) {
    look(endedBecause);
  }
}

function waitFor<T>(
  { waiters }: State,
  find: () => T | undefined,
  what: () => string,
  { timeoutMs = defaultTimeoutMs }: WaitOptions = {},
): Promise<T> {
  return new Promise((resolve, reject) => {
    const timeout = setTimeout(() => look(`within ${timeoutMs} ms`), timeoutMs);
    function look(endedBecause?: string): void {
      try {
        const found = find();
        if (found !== undefined) {
          resolve(found);
        } else if (endedBecause === undefined) {
          return;
        } else {
          reject(new Error(`${what()} ${endedBecause}`));
        }
      } catch (error) {
        // What is looked for is the caller's code: its failure is the caller's, not the service's.
        reject(error instanceof Error ? error : new Error(String(error)));
      }
      waiters.delete(look);
      clearTimeout(timeout);
    }
    waiters.add(look);
    look();
  });
}

function remember<T>(record: Map<string, T>, key: string, value: T): void {
  record.set(key, value);
  const [oldest] = record.keys();
  if (record.size > maxRemembered && oldest !== undefined) {
    record.delete(oldest);
  }
}

const notSentYet = {
  attempts: 0,
  outcome: 'pending',
  body: undefined,
  headers: undefined,
  statusCode: undefined,
  error: undefined,
} as const;

/** The last few, for the message of a test that fails. */
function listOf(webhooks: ReadonlyMap<string, SentWebhook>): string {
  return [...webhooks.values()]
    .slice(-5)
    .map(
      (hook) => `\n  ${hook.paymentId} ${hook.outcome} after ${hook.attempts}: ${hook.error ?? 'no error'}`,
    )
    .join('');
}
