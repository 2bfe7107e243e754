import { onTestFinished } from 'vitest';
import type { Clock } from '../../src/base/clock.ts';
import { createDeadLetters, createWebhookDeadLetter } from '../../src/delivery/dead-letter/dead-letter.ts';
import { createEgressPolicy, type EgressPolicyOptions } from '../../src/delivery/webhook/egress-policy.ts';
import { toPaymentEvent } from '../../src/delivery/payload.ts';
import { createWebhookAttempt } from '../../src/delivery/webhook/attempt.ts';
import { createWebhookCircuits } from '../../src/delivery/webhook/circuits.ts';
import {
  createWebhookConnections,
  type WebhookConnections,
  type WebhookConnectionsOptions,
} from '../../src/delivery/webhook/connections.ts';
import {
  createWebhookConnector,
  type ResolveName,
  resolveWithSystem,
} from '../../src/delivery/webhook/connector.ts';
import type { WebhookDelivery } from '../../src/delivery/webhook/delivery.ts';
import { createWebhookSender } from '../../src/delivery/webhook/sender.ts';
import { secretToKey } from '../../src/webhook-format/signature.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { createMetrics } from '../../src/observability/metrics.ts';
import { createMemoryAttemptLog } from '../../src/state/memory/attempt-log.ts';
import { createMemoryDeliveryQueue } from '../../src/state/memory/delivery-queue.ts';
import type { AttemptLog, DeliveryQueue } from '../../src/state/ports.ts';
import { createFakeClock, type FakeClock } from '../support/fake-clock.ts';
import { sampleSettledPayment } from '../support/sample-payment.ts';

/** The keys of the senders here, the current one first. */
export const keys = [secretToKey('current'), secretToKey('older')] as const;

/** What a test is about; the rest is as in the service. */
export interface SenderChange<C extends Clock = FakeClock> {
  readonly clock?: C;
  readonly maxAttempts?: number;
  readonly retryBaseMs?: number;
  readonly timeoutMs?: number;
  readonly backlog?: { readonly maxWaiting: number; readonly maxWaitingPerOrigin: number };
  readonly queue?: DeliveryQueue<WebhookDelivery>;
  /** With it deliveries outlive the process; then `queue` should. */
  readonly maxSlowAttempts?: number;
  readonly attemptLog?: AttemptLog;
  readonly connections?: WebhookConnections;
  readonly policy?: Partial<EgressPolicyOptions>;
  readonly resolve?: ResolveName;
}

/** A connector that allows loopback, where the receivers of tests are. */
export function openConnector(
  policy: Partial<EgressPolicyOptions> = {},
  resolve: ResolveName = resolveWithSystem,
  connectTimeoutMs = 5_000,
) {
  return createWebhookConnector({
    policy: createEgressPolicy({ allowLoopback: true, blockedCidrs: [], allowedHosts: [], ...policy }),
    connectTimeoutMs,
    resolve,
  });
}

/** A pool of connections that is destroyed when the test is finished. */
export function openPool(change: Partial<WebhookConnectionsOptions> = {}): WebhookConnections {
  const pool = createWebhookConnections({
    maxPerOrigin: 10,
    maxTotal: 100,
    reservedForNew: 0,
    maxWaiting: 100_000,
    maxWaitingPerOrigin: 100_000,
    idleTimeoutMs: 4_000,
    connect: openConnector(),
    ...change,
  });
  onTestFinished(() => pool.destroy());
  return pool;
}

/** A sender with real connections, on a clock that stands still unless it is given another. */
export function startWebhookSender(change: SenderChange = {}) {
  return startSenderOn(change.clock ?? createFakeClock(), change);
}

/** As `startWebhookSender`, on any clock. */
export function startSenderOn<C extends Clock>(clock: C, change: Omit<SenderChange, 'clock'> = {}) {
  const metrics = createMetrics();
  const lines: Record<string, unknown>[] = [];
  const logger = createLogger('debug', {
    write: (line) => void lines.push(JSON.parse(line) as Record<string, unknown>),
  });
  const backlog = change.backlog ?? { maxWaiting: 100_000, maxWaitingPerOrigin: 100_000 };
  const connections =
    change.connections ?? openPool({ ...backlog, connect: openConnector(change.policy, change.resolve) });
  const queue = change.queue ?? createMemoryDeliveryQueue({ clock, ...backlog });
  const attemptLog =
    change.attemptLog ??
    createMemoryAttemptLog({ clock, ttlMs: 86_400_000, maxPayments: 10_000, maxAttempts: 8 });
  onTestFinished(() => attemptLog.close());
  const retry = { maxAttempts: change.maxAttempts ?? 8, baseMs: change.retryBaseMs ?? 1_000, maxMs: 300_000 };
  const timeoutMs = change.timeoutMs ?? 10_000;
  const parts = { clock, random: () => 0.5, logger, metrics };
  const circuits = createWebhookCircuits({ ...parts, retry });
  const deadLetters = createDeadLetters({ ...parts, queue: undefined });
  const sender = createWebhookSender({
    ...parts,
    connections,
    circuits,
    attempt: createWebhookAttempt({ ...parts, attemptLog, keys, timeoutMs }),
    queue,
    maxSlowAttempts: change.maxSlowAttempts,
    deadLetter: createWebhookDeadLetter(deadLetters, metrics),
    timeoutMs,
    retry,
  });
  /** What `accept` of the channel gives. */
  function accept(webhookUrl: string | undefined, mark = '1'): Promise<void> | undefined {
    const ids = { id: `pay-${mark}`, eventId: `evt-${mark}` };
    const payment = sampleSettledPayment({ ...ids, webhookUrl, settledAtMs: clock.now() });
    return sender.accept(toPaymentEvent(payment), payment);
  }

  return {
    clock,
    connections,
    circuits,
    queue,
    attemptLog,
    sender,
    logs: (message: string) => lines.filter((line) => line['msg'] === message),
    send: (webhookUrl: string | undefined, mark = '1') => void accept(webhookUrl, mark),
    accept,
    count: async (name: string, outcome: string) => {
      const metric = await metrics.registry.getSingleMetric(name)?.get();
      return metric?.values.find((value) => value.labels['outcome'] === outcome)?.value ?? 0;
    },
  };
}

export const retryLine = 'Webhook failed, to be tried again';
export const givenUpLine = 'Webhook given up';
export const deliveredLine = 'Webhook delivered';
