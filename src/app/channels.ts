import { findCredentialSource } from '../aws/credential-source.ts';
import {
  createDeadLetters,
  createWebhookDeadLetter,
  type DeadLetters,
} from '../delivery/dead-letter/dead-letter.ts';
import { createEventBridgeChannel, type EventBridgeChannel } from '../delivery/eventbridge/channel.ts';
import { createEventBridgeSender } from '../delivery/eventbridge/sender.ts';
import { loadSqsSender } from '../delivery/dead-letter/sqs-client.ts';
import { createSqsDeadLetterQueue } from '../delivery/dead-letter/sqs-queue.ts';
import { createWebhookAttempt } from '../delivery/webhook/attempt.ts';
import { createWebhookCircuits } from '../delivery/webhook/circuits.ts';
import { createWebhookConnections } from '../delivery/webhook/connections.ts';
import { createWebhookSender } from '../delivery/webhook/sender.ts';
import { secretToSigningKey } from '../webhook-format/signature.ts';
import { createEventBridgeElsewhere } from '../delivery/eventbridge/durable-retries.ts';
import type { State } from '../state/state.ts';
import type { Clock } from '../base/clock.ts';
import type { Config } from './config.ts';
import { type DeliveryObserver, observedDeadLetter } from '../delivery/observer.ts';
import type { EgressPolicy } from '../delivery/webhook/egress-policy.ts';
import { createWebhookConnector, type ResolveName } from '../delivery/webhook/connector.ts';
import type { Logger } from '../observability/logger.ts';
import { addCountGauge, addGauge, type Metrics } from '../observability/metrics.ts';
import type { RandomSource } from '../base/random.ts';

/* The part of the composition root (app.ts) that wires up how outcomes go out. */

/** The share of all connections to webhook receivers that is only for origins that have none yet. */
const reservedShareForNew = 0.2;

/** How long an idle connection to a webhook receiver is kept, in milliseconds; many receivers close after 5 s. */
const webhookIdleTimeoutMs = 4_000;

/** Longest time for a connection to a webhook receiver to be set up, in milliseconds. */
const webhookConnectTimeoutMs = 10_000;

/**
 * With state that outlives the process, a settlement waits for its deliveries. When they are slow, no more
 * than so many of a channel may keep settlements waiting, and the rest goes through the queue: both channels
 * together must leave room among the settlements under way (`concurrency` in state/redis/state.ts), or they
 * would hold up payments.
 */
const maxSlowDeliveries = 100;

/** What every way out works with. */
export interface DeliveryParts {
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** The webhook channel with all that belongs to it. */
export function buildWebhooks(
  config: Config,
  parts: DeliveryParts,
  outside: {
    readonly deadLetters: DeadLetters;
    readonly egressPolicy: EgressPolicy;
    readonly resolve: ResolveName;
    readonly observer: DeliveryObserver | undefined;
    readonly state: State;
  },
) {
  const { metrics } = parts;
  const { webhookQueue: queue, attemptLog, outlivesProcess } = outside.state;
  const retry = {
    maxAttempts: config.webhookMaxAttempts,
    baseMs: config.webhookRetryBaseMs,
    maxMs: config.webhookRetryMaxMs,
  };
  const backlog = {
    maxWaiting: config.webhookMaxBacklog,
    maxWaitingPerOrigin: config.webhookMaxBacklogPerOrigin,
  };
  const connections = createWebhookConnections({
    maxPerOrigin: config.webhookMaxConnectionsPerOrigin,
    maxTotal: config.webhookMaxConnections,
    reservedForNew: Math.floor(config.webhookMaxConnections * reservedShareForNew),
    ...backlog,
    idleTimeoutMs: webhookIdleTimeoutMs,
    connect: createWebhookConnector({
      policy: outside.egressPolicy,
      connectTimeoutMs: Math.min(webhookConnectTimeoutMs, config.webhookTimeoutMs),
      resolve: outside.resolve,
    }),
  });
  const circuits = createWebhookCircuits({ ...parts, retry });
  const [currentSecret, ...olderSecrets] = config.webhookSecrets;
  const { webhookTimeoutMs: timeoutMs } = config;
  const attempt = createWebhookAttempt({
    ...parts,
    attemptLog,
    keys: [secretToSigningKey(currentSecret), ...olderSecrets.map(secretToSigningKey)],
    timeoutMs,
    observer: outside.observer,
  });
  const deadLetter = observedDeadLetter(
    createWebhookDeadLetter(outside.deadLetters, metrics),
    outside.observer,
  );
  const sender = createWebhookSender({
    ...parts,
    connections,
    circuits,
    attempt,
    queue,
    maxSlowAttempts: outlivesProcess ? maxSlowDeliveries : undefined,
    deadLetter,
    timeoutMs,
    retry,
  });
  addCountGauge(metrics.registry, 'webhook_retries_waiting', 'Webhooks that wait for another attempt.', () =>
    queue.size(),
  );
  addGauge(metrics.registry, 'webhook_connections', 'Webhook connections and who waits for one.', () =>
    connections.stats(),
  );
  addGauge(metrics.registry, 'webhook_circuits_open', 'Origins that webhooks wait for.', () =>
    circuits.openCount(),
  );
  return {
    sender,
    close: () => connections.destroy(),
  };
}

function credentialsFor(config: Config, endpointUrl: string | undefined) {
  const development = config.environment === 'development';
  return findCredentialSource(config.aws, { development, endpointUrl });
}

export function buildDeadLetters(config: Config, parts: DeliveryParts): DeadLetters {
  const { aws, eventBridge, deadLetterQueueUrl: queueUrl } = config;
  const queue =
    queueUrl === undefined
      ? undefined
      : createSqsDeadLetterQueue({
          ...parts,
          address: { ...eventBridge, region: aws.region },
          connect: () => loadSqsSender({ aws, credentials: credentialsFor(config, aws.sqsUrl), queueUrl }),
        });
  return createDeadLetters({ ...parts, queue });
}

/** Undefined when EventBridge is off by configuration. */
export function buildEventBridge(
  config: Config,
  parts: DeliveryParts,
  deadLetters: DeadLetters,
  state: State,
): EventBridgeChannel | undefined {
  const { aws, eventBridge } = config;
  if (eventBridge.mode === 'off') {
    return undefined;
  }
  const { eventQueue: queue } = state;
  const sender = createEventBridgeSender({
    ...parts,
    config: eventBridge,
    deadLetters,
    elsewhere: queue && createEventBridgeElsewhere(queue, parts.clock, maxSlowDeliveries),
  });
  addGauge(parts.metrics.registry, 'eventbridge_backlog', 'Events on their way to EventBridge.', () =>
    sender.backlog(),
  );
  if (queue !== undefined) {
    addCountGauge(
      parts.metrics.registry,
      'eventbridge_retries_waiting',
      'Events of all replicas that wait for another attempt.',
      () => queue.size(),
    );
  }
  const credentials = credentialsFor(config, aws.eventBridgeUrl);
  return createEventBridgeChannel({ ...parts, aws, config: eventBridge, credentials, sender, queue });
}
