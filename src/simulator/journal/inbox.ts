import type { Observer } from '../../base/observer.ts';
import { createRing } from './ring.ts';
import type { SteeringReport } from '../observer.ts';
import { isInScope, scopeOf } from '../session.ts';

/** A request that came to the built-in receiver. */
export interface ReceivedWebhook {
  /** Counts them, from 1. */
  readonly number: number;
  /** By the machine's clock, in milliseconds since the epoch. */
  readonly atMs: number;
  /** With the query. */
  readonly path: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Why it does not verify; undefined: it does. */
  readonly problem: string | undefined;
  /** As the body says; empty: it does not. */
  readonly eventId: string;
  readonly paymentId: string;
  /** Empty: the global session. */
  readonly sessionId: string;
  /** That the sender was answered. */
  readonly statusCode: number;
}

/** Which of them. */
export interface ReceivedFilter {
  /** Undefined: any. */
  readonly sessionId?: string | undefined;
  readonly paymentId?: string | undefined;
}

/** What came to the built-in receiver of this process. */
export interface Inbox {
  add(webhook: Omit<ReceivedWebhook, 'number'>): void;
  /** The newest first, within the limits, but for the first; and how many fit in all that are remembered. */
  list(
    filter: ReceivedFilter,
    limits: { readonly webhooks: number; readonly bytes: number },
  ): { readonly webhooks: readonly ReceivedWebhook[]; readonly total: number };
  /** @param scope undefined: all. */
  forget(scope: string | undefined): void;
}

const maxWebhooks = 1_000;
const maxBytes = 8_388_608;
/** Of one, besides its texts. */
const objectBytes = 500;

/** An empty one. */
export function createInbox(): Inbox {
  const ring = createRing<ReceivedWebhook>(maxBytes, bytesOf);
  return {
    add(webhook) {
      ring.push({ ...webhook, number: ring.next() });
    },
    list({ sessionId, paymentId }, limits) {
      const found: ReceivedWebhook[] = [];
      let total = 0;
      let bytes = 0;
      const oldest = Math.max(ring.oldest(), ring.next() - maxWebhooks);
      for (let number = ring.next() - 1; number >= oldest; number -= 1) {
        const webhook = ring.get(number);
        const fits =
          webhook !== undefined &&
          isInScope(webhook.sessionId, sessionId) &&
          (paymentId === undefined || webhook.paymentId === paymentId);
        if (fits) {
          total += 1;
          bytes += bytesOf(webhook);
          if (found.length < limits.webhooks && (bytes <= limits.bytes || found.length === 0)) {
            found.push(webhook);
          }
        }
      }
      return { webhooks: found, total };
    },
    forget: (scope) => ring.remove(({ sessionId }) => isInScope(sessionId, scope)),
  };
}

/** Forgets what was received for a session that is reset. */
export function forgetReceived(inbox: Inbox): Observer<SteeringReport> {
  return (report) => {
    if (report.kind === 'session-reset') {
      inbox.forget(scopeOf(report.sessionId));
    }
  };
}

function bytesOf({ path, headers, body, problem = '' }: ReceivedWebhook): number {
  const characters = Object.entries(headers).reduce(
    (sum, [name, value]) => sum + name.length + value.length,
    0,
  );
  return objectBytes + 2 * (path.length + body.length + problem.length + characters);
}
