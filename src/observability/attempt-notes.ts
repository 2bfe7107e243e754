import type { Observer } from '../base/observer.ts';
import type { DeliveryReport, WebhookAttempted } from '../delivery/observer.ts';
import type { AttemptLog } from '../delivery/ports.ts';
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
        const written = note(attemptLog, logger, report).finally(() => writing.delete(written));
        writing.add(written);
      }
    },
    written: async () => void (await Promise.all(writing)),
  };
}

async function note(attemptLog: AttemptLog, logger: Logger, attempted: WebhookAttempted): Promise<void> {
  const { delivery, result, startedAtMs, durationMs } = attempted;
  try {
    await attemptLog.record(delivery.event, {
      attempt: delivery.attempts + 1,
      startedAtMs,
      durationMs: Math.round(durationMs),
      statusCode: result.statusCode,
      error: result.outcome === 'delivered' ? undefined : result.detail,
    });
  } catch (error) {
    logger.warn({ payment_id: delivery.event.payment.id, err: error }, 'Webhook attempt not noted');
  }
}
