import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { addProcessLimits } from '../observability/process-limits.ts';

/** Every instrument of the reservation worker. */
export type WorkerMetrics = ReturnType<typeof createWorkerMetrics>;

/** Creates a registry with all instruments of one worker. */
export function createWorkerMetrics() {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  addProcessLimits(registry);
  const registers = [registry];
  return {
    registry,
    messages: new Counter({
      name: 'reservation_worker_messages_total',
      help: 'Messages received, by what came of them: confirmed, cancelled, no_change (a refund that leaves the reservation as it is), logged (no reservation API), duplicate, outdated (a later event of the payment was handled), dead_letter, or retry when left in the queue.',
      labelNames: ['outcome'] as const,
      registers,
    }),
    failures: new Counter({
      name: 'reservation_worker_failures_total',
      help: 'Messages left in the queue, by reason: http_<status>, timeout, connection, shutdown, copy (of an event that failed), dead_letter_queue, internal, or why they are not understood.',
      labelNames: ['reason'] as const,
      registers,
    }),
    deadLetters: new Counter({
      name: 'reservation_worker_dead_letters_total',
      help: 'Messages sent to the dead-letter queue because they can never be understood, by reason.',
      labelNames: ['reason'] as const,
      registers,
    }),
    updateSeconds: new Histogram({
      name: 'reservation_worker_update_seconds',
      help: 'Duration of calls to the reservation API.',
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers,
    }),
    lagSeconds: new Histogram({
      name: 'reservation_worker_lag_seconds',
      help: 'From the arrival of a message in the queue until its reservation was updated.',
      buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 300, 3600],
      registers,
    }),
    queueErrors: new Counter({
      name: 'reservation_worker_queue_errors_total',
      help: 'Failed calls to SQS, by operation: receive, or other (delete, visibility).',
      labelNames: ['operation'] as const,
      registers,
    }),
    inFlight: new Gauge({
      name: 'reservation_worker_messages_in_flight',
      help: 'Messages being handled.',
      registers,
    }),
  };
}
