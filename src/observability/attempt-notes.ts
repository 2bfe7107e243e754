import type { Observer } from '../base/observer.ts';
import type { DeliveryReport, WebhookAttempted } from '../delivery/observer.ts';
import type { AttemptLog, LoggedAttempt } from '../delivery/ports.ts';
import type { Logger } from './logger.ts';

/** Writes webhook attempts into the attempt log. */
export interface AttemptNotes {
  readonly observe: Observer<DeliveryReport>;
  /** Resolves when all notes so far are written, or have failed. */
  written(): Promise<void>;
}

/** The log is for looking at: a delivery neither waits for it nor fails because of it. */
export function createAttemptNotes(attemptLog: AttemptLog, logger: Logger): AttemptNotes {
  const writing = new Set<Promise<void>>();
  return {
    observe(report) {
      if (report.kind === 'webhook-attempted') {
        const recorded = attemptLog.record(report.delivery.event, toLoggedAttempt(report));
        if (recorded !== undefined) {
          const written = recorded
            .catch((error: unknown) => warn(logger, report, error))
            .finally(() => writing.delete(written));
          writing.add(written);
        }
      }
    },
    written: async () => void (await Promise.all(writing)),
  };
}

function toLoggedAttempt({ delivery, result, startedAtMs, durationMs }: WebhookAttempted): LoggedAttempt {
  return {
    attempt: delivery.attempts + 1,
    startedAtMs,
    durationMs: Math.round(durationMs),
    statusCode: result.statusCode,
    error: result.outcome === 'delivered' ? undefined : result.detail,
  };
}

function warn(logger: Logger, { delivery }: WebhookAttempted, error: unknown): void {
  logger.warn({ payment_id: delivery.event.payment.id, err: error }, 'Webhook attempt not noted');
}
