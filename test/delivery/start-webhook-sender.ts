import { onTestFinished } from 'vitest';
import type { MachineClock } from '../../src/base/clock.ts';
import { combineObservers } from '../../src/base/observer.ts';
import { createCustody } from '../../src/delivery/custody.ts';
import type { WebhookDelivery } from '../../src/delivery/delivery.ts';
import type { AttemptLog, DeliveryQueue } from '../../src/delivery/ports.ts';
import { createEgressPolicy, type EgressPolicyOptions } from '../../src/delivery/webhook/egress-policy.ts';
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
import { createWebhookSender } from '../../src/delivery/webhook/sender.ts';
import { createWebhookTurns } from '../../src/delivery/webhook/turn.ts';
import { createAttemptNotes } from '../../src/observability/attempt-notes.ts';
import { countDeadLetters, countWebhooks } from '../../src/observability/delivery-counts.ts';
import { logDeadLetters, logWebhooks } from '../../src/observability/delivery-log.ts';
import { secretToKey } from '../../src/webhook-format/signature.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { createMetrics } from '../../src/observability/metrics.ts';
import { createAttemptLogStandIn } from '../support/attempt-log-stand-in.ts';
import { createMemoryDeliveryQueue } from '../../src/state/memory/delivery-queue.ts';
import { createFakeClock, type FakeClock } from '../support/fake-clock.ts';
import { sampleEvent } from '../support/sample-payment.ts';

/** The keys of the senders here, the current one first. */
export const keys = [secretToKey('current'), secretToKey('older')] as const;

/** What a test is about; the rest is as in the service. */
export interface SenderChange<C extends MachineClock = FakeClock> {
  readonly clock?: C;
  readonly maxAttempts?: number;
  readonly retryBaseMs?: number;
  readonly drainsRetries?: boolean;
  readonly timeoutMs?: number;
  readonly backlog?: { readonly maxWaiting: number; readonly maxWaitingPerOrigin: number };
  readonly queue?: DeliveryQueue<WebhookDelivery>;
  /** Whether deliveries outlive the process; then `queue` should. */
  readonly durable?: boolean;
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
export function startSenderOn<C extends MachineClock>(clock: C, change: Omit<SenderChange, 'clock'> = {}) {
  const metrics = createMetrics();
  const lines: Record<string, unknown>[] = [];
  const logger = createLogger('debug', {
    write: (line) => void lines.push(JSON.parse(line) as Record<string, unknown>),
  });
  const backlog = change.backlog ?? { maxWaiting: 100_000, maxWaitingPerOrigin: 100_000 };
  const connections =
    change.connections ?? openPool({ ...backlog, connect: openConnector(change.policy, change.resolve) });
  const queue =
    change.queue ??
    createMemoryDeliveryQueue({ clock, originOf: ({ url }) => new URL(url).origin, ...backlog });
  const attemptLog = change.attemptLog ?? createAttemptLogStandIn();
  onTestFinished(() => attemptLog.close());
  const retry = { maxAttempts: change.maxAttempts ?? 8, baseMs: change.retryBaseMs ?? 1_000, maxMs: 300_000 };
  const timeoutMs = change.timeoutMs ?? 10_000;
  const observe = combineObservers(
    [
      countWebhooks(metrics),
      countDeadLetters(metrics),
      logWebhooks(logger, 'debug'),
      logDeadLetters(logger),
      createAttemptNotes(attemptLog, logger).observe,
    ],
    (error) => {
      throw error;
    },
  );
  const parts = { clock, machine: clock, random: () => 0.5, observe };
  const circuits = createWebhookCircuits({ ...parts, retry });
  const custody = createCustody({
    ...parts,
    channel: 'webhook',
    durable: change.durable ?? false,
    maxSlowAttempts: change.maxSlowAttempts ?? 100,
    queue,
    deadLetterQueue: undefined,
    urlOf: ({ url }) => url,
    origins: { originOf: ({ url }) => new URL(url).origin, connectionsPerOrigin: 10 },
  });
  const takeTurn = createWebhookTurns({
    ...parts,
    connections,
    circuits,
    attempt: createWebhookAttempt({ ...parts, keys, timeoutMs }),
    maxConnectionWaitMs: custody.maxConnectionWaitMs,
  });
  const sender = createWebhookSender({
    ...parts,
    takeTurn,
    hasRoom: (origin) => connections.hasRoom(origin),
    queue,
    custody,
    firstAttemptAtMs:
      change.durable === true
        ? async ({ id, payment }) => (await attemptLog.list(payment.id, id))[0]?.startedAtMs
        : undefined,
    timeoutMs,
    retry,
    drainsRetries: change.drainsRetries ?? true,
  });
  sender.start();
  /** What `accept` of the channel gives. */
  function accept(webhookUrl: string | undefined, mark = '1'): Promise<void> | undefined {
    const ids = { id: `pay-${mark}`, eventId: `evt-${mark}` };
    return sender.accept(sampleEvent({ ...ids, webhookUrl, settledAtMs: clock.now() }));
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
