import type { FastifyInstance } from 'fastify';
import type { DestinationStream } from 'pino';
import { file_google_rpc_error_details } from '../gen/google/rpc/error_details_pb.js';
import { PaymentService as PaymentServiceDescriptor } from '../gen/payment/v1/payment_pb.js';
import { findCredentialSource } from './aws/credential-source.ts';
import { type Clock, systemClock } from './clock.ts';
import type { Config } from './config.ts';
import { createDeadLetters, createWebhookDeadLetter, type DeadLetters } from './delivery/dead-letter.ts';
import { type DeliveryObserver, observedDeadLetter, observingChannel } from './delivery/delivery-observer.ts';
import { createDeliveryService } from './delivery/delivery-service.ts';
import { createEventBridgeChannel, type EventBridgeChannel } from './delivery/eventbridge-channel.ts';
import { createEventBridgeSender } from './delivery/eventbridge-sender.ts';
import { loadSqsSender } from './delivery/sqs-client.ts';
import { createSqsDeadLetterQueue } from './delivery/sqs-dead-letter-queue.ts';
import { createEgressPolicy, type EgressPolicy } from './delivery/egress-policy.ts';
import { createWebhookAttempt } from './delivery/webhook-attempt.ts';
import { createWebhookCircuits } from './delivery/webhook-circuits.ts';
import { createWebhookConnections } from './delivery/webhook-connections.ts';
import { createWebhookConnector, type ResolveName, resolveWithSystem } from './delivery/webhook-connector.ts';
import { createWebhookSender } from './delivery/webhook-sender.ts';
import { secretToKey } from './delivery/webhook-signature.ts';
import { createRandomIds, type IdGenerator } from './ids.ts';
import { createLogger, type Logger } from './observability/logger.ts';
import { addGauge, createMetrics, type Metrics } from './observability/metrics.ts';
import { createSettlementLog } from './observability/settlement-log.ts';
import { createPaymentHandlers } from './payment/payment-handlers.ts';
import { createPaymentService } from './payment/payment-service.ts';
import { createSeededRandom, type RandomSource } from './random.ts';
import { createApiServer } from './server/api-server.ts';
import { headerOf } from './server/call-header.ts';
import { createHealth } from './server/health.ts';
import { createInterceptors } from './server/interceptors.ts';
import { createOpsServer } from './server/ops-server.ts';
import { readCallTrace } from './server/read-call-trace.ts';
import { reportRefusedConnections } from './server/refused-connections.ts';
import { createReflection } from './server/reflection.ts';
import { registerService } from './server/service-registration.ts';
import { createMemoryAttemptLog } from './state/memory/attempt-log.ts';
import { createMemoryDeliveryQueue } from './state/memory/delivery-queue.ts';
import { createMemoryIdempotencyStore } from './state/memory/idempotency-store.ts';
import { createMemoryPaymentStore } from './state/memory/payment-store.ts';
import { createMemorySettlementScheduler } from './state/memory/settlement-scheduler.ts';

const serviceName = 'payment-sim-api';

/** Idempotency keys are kept for a day, in milliseconds; what Stripe promises. */
const idempotencyTtlMs = 86_400_000;

/** The fences around connections; times in milliseconds. */
const connectionLimits = {
  sniffTimeoutMs: 10_000,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  idleTimeoutMs: 300_000,
  maxConcurrentStreams: 1_000,
  maxHeaderBytes: 16_384,
};

/** Connections to webhook receivers: to one scheme, host and port, and in all. */
const webhookConnectionLimits = { maxPerOrigin: 10, maxTotal: 1_000, reservedForNew: 200 };

/** Longest time for a connection to a webhook receiver to be set up, in milliseconds. */
const webhookConnectTimeoutMs = 10_000;

/** The end of the shutdown's grace that is kept for the dead letters of what came too late, in milliseconds. */
const deadLetterGraceMs = 2_000;

/** Parts that tests and embedders may replace. */
export interface AppOverrides {
  readonly clock?: Clock;
  readonly random?: RandomSource;
  readonly newId?: IdGenerator;
  /** False serves every call through Connect's stock handlers. */
  readonly unaryLane?: boolean;
  /** How the names of webhook receivers are resolved; by the system unless told otherwise. */
  readonly resolveName?: ResolveName;
  /** Sees outcomes go out. */
  readonly observer?: DeliveryObserver;
  /** False leaves Node's own metrics out, whose collectors live as long as the process. */
  readonly processMetrics?: boolean;
  /** Where log lines go; standard output unless told otherwise. */
  readonly logDestination?: DestinationStream;
}

/** A service that has been wired up. */
export interface App {
  /** Opens both ports and resolves with the addresses they got. */
  start(): Promise<{ readonly apiPort: number; readonly opsPort: number }>;
  /**
   * Stops in order: not ready, no new calls, calls in flight finish, pending payments settle, their
   * outcomes go out; what did not in `shutdownGraceMs` is logged. Calling it again changes nothing.
   */
  stop(): Promise<void>;
}

/** Puts all parts together; the only place that does. */
export async function buildApp(config: Config, overrides: AppOverrides = {}): Promise<App> {
  const clock = overrides.clock ?? systemClock;
  const random =
    overrides.random ??
    (config.randomSeed === undefined ? Math.random : createSeededRandom(config.randomSeed));
  const logDestination = overrides.logDestination ?? process.stdout;
  const logger = createLogger(config.logLevel, logDestination);
  // Fastify's own lines (each address it listens at) say nothing that ours do not.
  const fastifyLogger = logger.child({}, { level: logger.isLevelEnabled('warn') ? 'warn' : config.logLevel });
  // Not the generator of the payments' ids: refused calls must not shift a reproducible sequence.
  const newRequestId = createRandomIds();
  const metrics = createMetrics(overrides.processMetrics ?? true);

  const store = createMemoryPaymentStore({
    clock,
    ttlMs: config.paymentTtlMs,
    maxPayments: config.maxPayments,
  });
  const idempotency = createMemoryIdempotencyStore({
    clock,
    ttlMs: idempotencyTtlMs,
    maxKeys: config.maxPayments,
  });
  const scheduler = createMemorySettlementScheduler(clock);
  const egressPolicy = createEgressPolicy({
    allowLoopback: config.environment === 'development',
    blockedCidrs: config.webhookBlockedCidrs,
    allowedHosts: config.webhookAllowedHosts,
  });
  const parts: DeliveryParts = { clock, random, logger, metrics };
  const deadLetters = buildDeadLetters(config, parts);
  const eventBridge = buildEventBridge(config, parts, deadLetters);
  const webhooks = buildWebhooks(config, parts, {
    deadLetters,
    egressPolicy,
    resolve: overrides.resolveName ?? resolveWithSystem,
    observer: overrides.observer,
  });
  const delivery = createDeliveryService([
    ...(overrides.observer === undefined ? [] : [observingChannel(overrides.observer)]),
    webhooks.sender,
    ...(eventBridge === undefined ? [] : [eventBridge]),
  ]);

  const payments = createPaymentService({
    clock,
    random,
    newId: overrides.newId ?? createRandomIds(),
    store,
    idempotency,
    scheduler,
    delivery,
    scenarioOptions: config,
    checkWebhookUrl: (url) => egressPolicy.refuseHost(url.hostname),
    maxPayments: config.maxPayments,
    logger,
    logSettlement: createSettlementLog(logger, logDestination),
    metrics,
  });

  const callReaders = { readTrace: readCallTrace, readHeader: headerOf };
  const stopRequest = new AbortController();
  const unreadyReason = () => (stopRequest.signal.aborted ? 'draining' : eventBridge?.unreadyReason());
  const services = [
    registerService(PaymentServiceDescriptor, createPaymentHandlers(payments, callReaders)),
    createHealth({
      clock,
      serviceNames: [PaymentServiceDescriptor.typeName],
      unreadyReason,
      stopping: stopRequest.signal,
    }),
  ];
  if (config.reflection) {
    services.push(...createReflection(services, [file_google_rpc_error_details], stopRequest.signal));
  }
  const api = await createApiServer({
    services,
    interceptors: createInterceptors(logger, metrics.calls, newRequestId),
    limits: { ...connectionLimits, maxConnections: config.maxConnections },
    readMaxBytes: config.readMaxBytes,
    corsOrigins: config.corsOrigins,
    unaryLane: overrides.unaryLane ?? true,
    logger: fastifyLogger,
  });

  const ops = createOpsServer({
    service: serviceName,
    unreadyReason,
    registry: metrics.registry,
    logger: fastifyLogger,
  });
  reportRefusedConnections(api.connections, { clock, logger, counter: metrics.connectionsRefused });
  addGauge(
    metrics.registry,
    'api_connections',
    'Open connections on the API port, by protocol.',
    () => api.connections.countConnections(),
    'protocol',
  );
  addGauge(metrics.registry, 'payment_stored', 'Payments stored, by state.', () => store.count());
  addGauge(metrics.registry, 'payment_settlements_scheduled', 'Settlements scheduled.', () =>
    scheduler.size(),
  );

  async function stop(): Promise<void> {
    const untilMs = clock.now() + config.shutdownGraceMs;
    stopRequest.abort();
    logger.info({ grace_ms: config.shutdownGraceMs, ...store.count() }, 'Stopping');
    // No call takes long by itself: one that does is a caller's slow upload, and must not use up the
    // time that settlements and webhooks need.
    const forceClose = clock.setTimer(config.shutdownGraceMs / 2, () => api.connections.destroyConnections());
    await api.app.close();
    forceClose.cancel();
    // Payments due in the second half of the grace settle right away, so that their webhooks have
    // the time to go out.
    await scheduler.drain(clock.now() + Math.max(0, untilMs - clock.now()) / 2);
    const lettersMs =
      config.deadLetterQueueUrl === undefined ? 0 : Math.min(deadLetterGraceMs, config.shutdownGraceMs / 4);
    await delivery.drain(untilMs - lettersMs);
    await deadLetters.drain(untilMs);
    await Promise.all([store.close(), idempotency.close(), webhooks.close()]);
    await ops.close();
    logger.info('Stopped');
  }

  let stopping: Promise<void> | undefined;
  return {
    async start() {
      const apiPort = await listen(api.app, config.grpcPort, config.host);
      const opsPort = await listen(ops, config.healthPort, config.host);
      eventBridge?.start();
      logger.info({ host: config.host, api_port: apiPort, ops_port: opsPort }, 'Payment Sim is ready');
      return { apiPort, opsPort };
    },
    stop() {
      stopping ??= stop();
      return stopping;
    },
  };
}

/** What every way out works with. */
interface DeliveryParts {
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** The webhook channel with all that belongs to it. */
function buildWebhooks(
  config: Config,
  parts: DeliveryParts,
  outside: {
    readonly deadLetters: DeadLetters;
    readonly egressPolicy: EgressPolicy;
    readonly resolve: ResolveName;
    readonly observer: DeliveryObserver | undefined;
  },
) {
  const { clock, metrics } = parts;
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
    ...webhookConnectionLimits,
    ...backlog,
    connect: createWebhookConnector({
      policy: outside.egressPolicy,
      connectTimeoutMs: Math.min(webhookConnectTimeoutMs, config.webhookTimeoutMs),
      resolve: outside.resolve,
    }),
  });
  const circuits = createWebhookCircuits({ ...parts, retry });
  const queue = createMemoryDeliveryQueue({ clock, ...backlog });
  const attemptLog = createMemoryAttemptLog({
    clock,
    ttlMs: config.paymentTtlMs,
    maxPayments: config.maxPayments,
    maxAttempts: config.webhookMaxAttempts,
  });
  const [currentSecret, ...olderSecrets] = config.webhookSecrets;
  const { webhookTimeoutMs: timeoutMs } = config;
  const attempt = createWebhookAttempt({
    ...parts,
    attemptLog,
    keys: [secretToKey(currentSecret), ...olderSecrets.map(secretToKey)],
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
    deadLetter,
    timeoutMs,
    retry,
  });
  addGauge(metrics.registry, 'webhook_retries_waiting', 'Webhooks that wait for another attempt.', () =>
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
    close: async () => void (await Promise.all([connections.destroy(), attemptLog.close()])),
  };
}

function credentialsFor(config: Config, endpointUrl: string | undefined) {
  const development = config.environment === 'development';
  return findCredentialSource(config.aws, { development, endpointUrl });
}

function buildDeadLetters(config: Config, parts: DeliveryParts): DeadLetters {
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
function buildEventBridge(
  config: Config,
  parts: DeliveryParts,
  deadLetters: DeadLetters,
): EventBridgeChannel | undefined {
  const { aws, eventBridge } = config;
  if (eventBridge.mode === 'off') {
    return undefined;
  }
  const sender = createEventBridgeSender({ ...parts, config: eventBridge, deadLetters });
  addGauge(parts.metrics.registry, 'eventbridge_backlog', 'Events on their way to EventBridge.', () =>
    sender.backlog(),
  );
  const credentials = credentialsFor(config, aws.eventBridgeUrl);
  return createEventBridgeChannel({ ...parts, aws, config: eventBridge, credentials, sender });
}

async function listen(app: FastifyInstance, port: number, host: string): Promise<number> {
  await app.listen({ port, host });
  const address = app.server.address();
  return typeof address === 'object' && address !== null ? address.port : port;
}
