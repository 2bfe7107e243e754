import { type Running, startPaymentSimCommand } from '../cli/payment-sim.ts';
import type { StandInQueues } from './queues.ts';

/** Starts `payment-sim worker` on a queue; resolves when it polls. Killed when the test is finished. */
export async function startWorkerProcess(
  queues: StandInQueues,
  reservationApiUrl: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Running> {
  const worker = startPaymentSimCommand(['worker'], {
    env: {
      HOST: '127.0.0.1',
      WORKER_HEALTH_PORT: '0',
      WORKER_POLL_WAIT_SECONDS: '1',
      PAYMENT_WEBHOOK_QUEUE_URL: queues.main.url,
      PAYMENT_WEBHOOK_DLQ_URL: queues.deadLetters.url,
      RESERVATION_API_URL: reservationApiUrl,
      ...queues.env,
      ...env,
    },
  });
  await worker.shown(/"Reservation worker is ready"/);
  return worker;
}

/** What a worker has logged beyond the usual: of a queue that nothing disturbs, nothing. */
export function troublesOf(worker: Running): readonly string[] {
  // The log of a killed worker may end within a line.
  const lines = worker.stdout().split('\n').slice(0, -1);
  return lines.filter((line) => /"level":"(warn|error|fatal)"/.test(line));
}
