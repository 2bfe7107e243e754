import { findCredentialSource } from '../aws/credential-source.ts';
import { clockOf, type SimClock } from '../base/clock.ts';
import { originOf } from '../base/http-url.ts';
import type { Observer } from '../base/observer.ts';
import { createCustody } from '../delivery/custody.ts';
import type { DeadLetterQueue } from '../delivery/dead-letter.ts';
import { createDeliveryService, type NamedChannel } from '../delivery/delivery-service.ts';
import { createAttemptNotes } from '../observability/attempt-notes.ts';
import { noteDeliveries } from '../observability/journal-feed.ts';
import { loadSqsSender } from '../delivery/dead-letter/sqs-client.ts';
import { createSqsDeadLetterQueue } from '../delivery/dead-letter/sqs-queue.ts';
import { createEventBridgeChannel, type EventBridgeChannel } from '../delivery/eventbridge/channel.ts';
import { createEventBridgeSender } from '../delivery/eventbridge/sender.ts';
import type { DeliveryReport } from '../delivery/observer.ts';
import type { AttemptLog } from '../delivery/ports.ts';
import type { RetryOptions } from '../delivery/retry-policy.ts';
import { sendAgain } from '../delivery/send-again.ts';
import { createResend } from '../simulator/journal/resend.ts';
import { createWebhookAttempt } from '../delivery/webhook/attempt.ts';
import { createWebhookCircuits, type WebhookCircuits } from '../delivery/webhook/circuits.ts';
import { createWebhookConnections, type WebhookConnections } from '../delivery/webhook/connections.ts';
import {
  createWebhookConnector,
  type ResolveName,
  resolveWithSystem,
} from '../delivery/webhook/connector.ts';
import type { EgressPolicy } from '../delivery/webhook/egress-policy.ts';
import { createWebhookSender } from '../delivery/webhook/sender.ts';
import { createWebhookTurns } from '../delivery/webhook/turn.ts';
import { traceEvents, traceWebhooks } from '../observability/delivery-spans.ts';
import { addGauge } from '../observability/metrics.ts';
import type { PaymentEvent } from '../payment/event.ts';
import type { State } from '../state/state.ts';
import { signingKeysOf } from '../webhook-format/signature.ts';
import { type Basics, present } from './basics.ts';
import type { Config } from './config.ts';
import { observeDeliveries } from './observers.ts';

/* The part of the composition root (app.ts) that wires up how events go out. */

/** The share of all connections to webhook receivers that is only for origins that have none yet. */
const reservedShareForNew = 0.2;
/** How long an idle connection to a webhook receiver is kept, in milliseconds; many receivers close after 5 s. */
const webhookIdleTimeoutMs = 4_000;
/** Longest time for a connection to a webhook receiver to be set up, in milliseconds. */
const webhookConnectTimeoutMs = 10_000;
/**
 * With durable state the job of a settlement waits for the first attempts at its event, and the job of a retry
 * for its own. So many slow ones of each leave room among the jobs under way (`concurrency` in
 * state/redis/redis-state.ts).
 */
const maxSlowAttempts = 100;

/** Everything by which events leave. */
export type Exits = ReturnType<typeof buildDelivery>;

/** Puts everything together by which events leave. */
export function buildDelivery(basics: Basics, state: State) {
  const { config, overrides, logger } = basics;
  const attemptNotes = state.attemptLog && createAttemptNotes(state.attemptLog, logger);
  const observe = observeDeliveries(basics, { eventBridge: config.eventBridge.mode !== 'off' }, [
    ...present(attemptNotes?.observe),
    ...present(state.journal && noteDeliveries({ ...basics, ...state.journal })),
    ...present(state.observeDelivery),
    ...present(overrides.observers?.deliveries),
  ]);
  const deadLetterQueue = buildDeadLetterQueue(config, { ...basics, observe });
  const parts = { ...basics, observe, state, deadLetterQueue };
  const eventBridge = buildEventBridge(config, parts);
  const webhooks = buildWebhooks(config, parts, {
    policy: basics.egressPolicy,
    resolve: overrides.resolveName ?? resolveWithSystem,
  });
  const wrap = overrides.wrapChannel ?? ((_name, channel) => channel);
  const channels: readonly NamedChannel[] = [
    { name: 'webhook', channel: wrap('webhook', webhooks.channel) },
    ...present(eventBridge).map((channel) => ({
      name: 'eventbridge' as const,
      channel: wrap('eventbridge', channel),
    })),
  ];
  const deliverLater = (event: PaymentEvent, delayMs: number) =>
    state.payments.announceAt(event, clockOf(basics.clock, event.sessionId).now() + delayMs);
  const { journal: store, payments } = state;
  return {
    delivery: createDeliveryService({ channels, observe, deliverLater }),
    /** Undefined where there are no testers. */
    resend:
      store &&
      createResend({
        store,
        sendAgain: (...what) => sendAgain({ ...basics, payments, observe }, ...what),
      }),
    attemptNotes,
    deadLetterQueue,
    closeWebhooks: webhooks.close,
    start: () => channels.forEach(({ channel }) => channel.start()),
    connect: () => eventBridge?.connect(),
    /** What a stop waits for. */
    pending: () => ({ webhooks: webhooks.pending(), events: eventBridge?.pending() ?? 0 }),
    unreadyReason: () => eventBridge?.unreadyReason(),
  };
}

/** What every channel works with. */
interface ChannelParts extends Pick<Basics, 'machine' | 'random' | 'metrics' | 'traces'> {
  readonly clock: SimClock;
  readonly observe: Observer<DeliveryReport>;
  readonly state: State;
  readonly deadLetterQueue: DeadLetterQueue | undefined;
}

interface Egress {
  readonly policy: EgressPolicy;
  readonly resolve: ResolveName;
}

/** The webhook channel with all that belongs to it. */
export function buildWebhooks(config: Config, parts: ChannelParts, egress: Egress) {
  const { state } = parts;
  const queue = state.webhookQueue;
  const { webhookTimeoutMs: timeoutMs } = config;
  const retry: RetryOptions = {
    maxAttempts: config.webhookMaxAttempts,
    baseMs: config.webhookRetryBaseMs,
    maxMs: config.webhookRetryMaxMs,
  };
  const connections = buildConnections(config, egress);
  const circuits = createWebhookCircuits({ ...parts, retry });
  const custody = createCustody({
    ...custodyParts(parts),
    channel: 'webhook',
    queue,
    urlOf: ({ url }) => url,
    origins: {
      originOf: ({ url }) => originOf(url),
      connectionsPerOrigin: config.webhookMaxConnectionsPerOrigin,
    },
  });
  const takeTurn = createWebhookTurns({
    ...parts,
    connections,
    circuits,
    maxConnectionWaitMs: custody.maxConnectionWaitMs,
    attempt: createWebhookAttempt({
      ...parts,
      keys: signingKeysOf(config.webhookSecrets),
      timeoutMs,
      startSpan: parts.traces && traceWebhooks(parts.traces.startSpan),
    }),
  });
  addWebhookGauges(parts, connections, circuits);
  return {
    channel: createWebhookSender({
      ...parts,
      takeTurn,
      hasRoom: (origin) => connections.hasRoom(origin),
      queue,
      custody,
      firstAttemptAtMs: state.attemptLog && firstAttemptIn(state.attemptLog),
      timeoutMs,
      retry,
      drainsRetries: drainsRetries(config),
    }),
    close: () => connections.destroy(),
    /** How many are under way or wait in this process. */
    pending: () => connections.stats().busy + connections.stats().waiting + queue.heldHere(),
  };
}

function addWebhookGauges(
  { metrics, state }: ChannelParts,
  connections: WebhookConnections,
  circuits: WebhookCircuits,
): void {
  addGauge(metrics.registry, 'webhook_retries_waiting', 'Webhooks that wait for another attempt.', () =>
    state.webhookQueue.size(),
  );
  addGauge(
    metrics.registry,
    'webhook_connections',
    'Webhook connections and who waits for one.',
    () => connections.stats(),
    'state',
  );
  addGauge(metrics.registry, 'webhook_circuits_open', 'Origins that webhooks wait for.', () =>
    circuits.openCount(),
  );
}

/** When the first noted attempt at an event began. */
function firstAttemptIn(attemptLog: AttemptLog) {
  return async ({ id, payment }: PaymentEvent) => (await attemptLog.list(payment.id, id))[0]?.startedAtMs;
}

function custodyParts(parts: ChannelParts) {
  return { ...parts, durable: parts.state.durable, maxSlowAttempts };
}

function buildConnections(config: Config, egress: Egress): WebhookConnections {
  return createWebhookConnections({
    maxPerOrigin: config.webhookMaxConnectionsPerOrigin,
    maxTotal: config.webhookMaxConnections,
    reservedForNew: Math.floor(config.webhookMaxConnections * reservedShareForNew),
    maxWaiting: config.webhookMaxBacklog,
    maxWaitingPerOrigin: config.webhookMaxBacklogPerOrigin,
    idleTimeoutMs: webhookIdleTimeoutMs,
    connect: createWebhookConnector({
      ...egress,
      connectTimeoutMs: Math.min(webhookConnectTimeoutMs, config.webhookTimeoutMs),
    }),
  });
}

/** Whoever develops stops often, and a receiver or an AWS that is down then is one that nobody runs. */
function drainsRetries({ environment }: Config): boolean {
  return environment !== 'development';
}

function credentialsFor(config: Config, endpointUrl: string | undefined) {
  const development = config.environment === 'development';
  return findCredentialSource(config.aws, { development, endpointUrl });
}

/** Undefined when dead letters are for the log alone. */
function buildDeadLetterQueue(
  config: Config,
  parts: Pick<ChannelParts, 'machine' | 'random' | 'observe'>,
): DeadLetterQueue | undefined {
  const { aws, eventBridge, deadLetterQueueUrl: queueUrl } = config;
  return queueUrl === undefined
    ? undefined
    : createSqsDeadLetterQueue({
        ...parts,
        origin: { source: eventBridge.source, region: aws.region },
        connect: () => loadSqsSender({ aws, credentials: credentialsFor(config, aws.sqsUrl), queueUrl }),
      });
}

/** Undefined when EventBridge is off by configuration. */
function buildEventBridge(config: Config, parts: ChannelParts): EventBridgeChannel | undefined {
  const { aws, eventBridge } = config;
  if (eventBridge.mode === 'off') {
    return undefined;
  }
  const { state, metrics } = parts;
  const queue = state.eventQueue;
  const custody = createCustody({
    ...custodyParts(parts),
    channel: 'eventbridge',
    queue,
    urlOf: () => undefined,
    origins: undefined,
  });
  const sender = createEventBridgeSender({
    ...parts,
    config: eventBridge,
    queue,
    custody,
    drainsRetries: drainsRetries(config),
    startSpan: parts.traces && traceEvents(parts.traces.startSpan, eventBridge.busName),
  });
  addGauge(
    metrics.registry,
    'eventbridge_backlog',
    'Events on their way to EventBridge.',
    () => sender.backlog(),
    'state',
  );
  if (state.durable) {
    addGauge(
      metrics.registry,
      'eventbridge_retries_waiting',
      'Events of all replicas that wait for another attempt.',
      () => queue.size(),
    );
  }
  const credentials = credentialsFor(config, aws.eventBridgeUrl);
  return createEventBridgeChannel({ ...parts, aws, config: eventBridge, credentials, sender, queue });
}
