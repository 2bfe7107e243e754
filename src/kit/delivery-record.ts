import type { DeliveryObserver } from '../delivery/observer.ts';
import type { SentWebhook, SettledOutcome, WaitOptions } from './sent-webhook.ts';

/** Remembers what the service did, and wakes those who wait for it. */
export interface DeliveryRecord {
  readonly observer: DeliveryObserver;
  /** In the order the payments settled. */
  webhooks(): readonly SentWebhook[];
  /** Resolves with the first webhook that fits, or rejects when the time is over. */
  waitForWebhook(fits: (webhook: SentWebhook) => boolean, options?: WaitOptions): Promise<SentWebhook>;
  /** Resolves when the payment has settled, or rejects when the time is over. */
  waitForSettlement(paymentId: string, options?: WaitOptions): Promise<SettledOutcome>;
  /** Rejects all who still wait. */
  close(): void;
}

/** Nobody looks that far back, and a long-running simulator must not grow for ever. */
const maxRemembered = 10_000;
const defaultTimeoutMs = 10_000;

/** An empty record. */
export function createDeliveryRecord(): DeliveryRecord {
  const webhooks = new Map<string, SentWebhook>();
  const settlements = new Map<string, SettledOutcome>();
  /** Looks again at what has changed; a reason ends the wait. */
  const waiters = new Set<(endedBecause?: string) => void>();

  function changed(eventId: string, change: Partial<SentWebhook>): void {
    const webhook = webhooks.get(eventId);
    if (webhook !== undefined) {
      webhooks.set(eventId, { ...webhook, ...change });
      wake();
    }
  }

  function wake(endedBecause?: string): void {
    for (const look of waiters) {
      look(endedBecause);
    }
  }

  function waitFor<T>(
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

  return {
    observer: {
      settled(event, url) {
        const { trace: _trace, ...outcome } = event;
        remember(settlements, event.paymentId, outcome);
        if (url !== undefined) {
          const { paymentId, reservationId, eventId, status } = event;
          remember(webhooks, eventId, { paymentId, reservationId, eventId, status, url, ...notSentYet });
        }
        wake();
      },
      attempted({ event, attempts }, { body, headers, result }) {
        const delivered = result.outcome === 'delivered';
        changed(event.eventId, {
          attempts: attempts + 1,
          outcome: delivered ? 'delivered' : 'pending',
          body,
          headers,
          statusCode: result.statusCode,
          error: delivered ? undefined : result.detail,
        });
      },
      givenUp({ event }, reason, lastError) {
        changed(event.eventId, { outcome: 'given_up', error: `${reason}: ${lastError}` });
      },
    },

    webhooks: () => [...webhooks.values()],

    waitForWebhook: (fits, options) =>
      waitFor(
        () => [...webhooks.values()].find(fits),
        () => `No such webhook among the ${webhooks.size} that were sent or tried${listOf(webhooks)}`,
        options,
      ),

    waitForSettlement: (paymentId, options) =>
      waitFor(
        () => settlements.get(paymentId),
        () => `Payment ${paymentId} did not settle`,
        options,
      ),

    close: () => wake('before the simulator stopped'),
  };
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
