import type { FastifyInstance } from 'fastify';
import type { DestinationStream } from 'pino';
import { file_google_rpc_error_details } from '../../gen/google/rpc/error_details_pb.js';
import { PaymentService as PaymentServiceDescriptor } from '../../gen/payment/v1/payment_pb.js';
import { buildDeadLetters, buildEventBridge, buildWebhooks, type DeliveryParts } from './channels.ts';
import { openState } from './state.ts';
import { type Clock, systemClock } from '../base/clock.ts';
import type { Config } from './config.ts';
import { type DeliveryObserver, observingChannel } from '../delivery/observer.ts';
import { createDeliveryService, type DeliveryChannel } from '../delivery/delivery-service.ts';
import { createEgressPolicy } from '../delivery/webhook/egress-policy.ts';
import { type ResolveName, resolveWithSystem } from '../delivery/webhook/connector.ts';
import { createRandomIds, type IdGenerator } from '../base/ids.ts';
import { createLogger } from '../observability/logger.ts';
import { addCountGauge, addGauge, createMetrics } from '../observability/metrics.ts';
import { createSettlementLog } from '../observability/settlement-log.ts';
import { createPaymentHandlers } from '../contracts/payment-v1/handlers.ts';
import { createPaymentService } from '../payment/payment-service.ts';
import { createWebhookUrlCheck } from '../payment/webhook-url.ts';
import { createSeededRandom, type RandomSource } from '../base/random.ts';
import { createApiServer } from '../server/api-server.ts';
import { readCallHeader } from '../server/call-header.ts';
import { createCallInterceptor } from '../server/call-interceptor.ts';
import { registerService } from '../server/connect/service-registration.ts';
import { createHealth } from '../server/grpc/health.ts';
import { createOpsServer } from '../server/ops-server.ts';
import { readCallTrace } from '../server/read-call-trace.ts';
import { reportRefusedConnections } from '../server/port/refused-connections.ts';
import { createReflection } from '../server/grpc/reflection.ts';
import type { PaymentStore, StoredPayments } from '../state/ports.ts';
import type { State } from '../state/state.ts';

const serviceName = 'payment-sim-api';

/** The fences around connections; times in milliseconds. */
const connectionLimits = {
  sniffTimeoutMs: 10_000,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  idleTimeoutMs: 300_000,
  maxConcurrentStreams: 1_000,
  maxHeaderBytes: 16_384,
};

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
  /** Stands between the service and its state. */
  readonly wrapState?: (state: State) => State;
  /** Stands between settlements and a way out. */
  readonly wrapChannel?: (name: 'webhook' | 'eventbridge', channel: DeliveryChannel) => DeliveryChannel;
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

  const openedState = await openState(config, { clock, logger, metrics });
  const state = overrides.wrapState?.(openedState) ?? openedState;
  const { store, scheduler } = state;
  const egressPolicy = createEgressPolicy({
    allowLoopback: config.environment === 'development',
    blockedCidrs: config.webhookBlockedCidrs,
    allowedHosts: config.webhookAllowedHosts,
  });
  const parts: DeliveryParts = { clock, random, logger, metrics };
  const deadLetters = buildDeadLetters(config, parts);
  const eventBridge = buildEventBridge(config, parts, deadLetters, state);
  const webhooks = buildWebhooks(config, parts, {
    deadLetters,
    egressPolicy,
    resolve: overrides.resolveName ?? resolveWithSystem,
    observer: overrides.observer,
    state,
  });
  const wrapChannel = overrides.wrapChannel ?? ((_name, channel) => channel);
  const delivery = createDeliveryService(
    [
      ...(overrides.observer === undefined ? [] : [observingChannel(overrides.observer)]),
      wrapChannel('webhook', webhooks.sender),
      ...(eventBridge === undefined ? [] : [wrapChannel('eventbridge', eventBridge)]),
    ],
    state.outlivesProcess,
  );

  const payments = createPaymentService({
    clock,
    random,
    newId: overrides.newId ?? createRandomIds(),
    store,
    intake: state.intake,
    idempotency: state.idempotency,
    scheduler,
    delivery,
    scenarioOptions: config,
    checkWebhookUrl: createWebhookUrlCheck((url) => egressPolicy.refuseHost(url.hostname)),
    maxPayments: config.maxPayments,
    logger,
    logSettlement: createSettlementLog(logger, logDestination),
    metrics,
  });

  const callReaders = { readTrace: readCallTrace, readHeader: readCallHeader };
  const stopRequest = new AbortController();
  const unreadyReason = () =>
    stopRequest.signal.aborted ? 'draining' : (state.unreadyReason() ?? eventBridge?.unreadyReason());
  const services = [
    registerService(PaymentServiceDescriptor, createPaymentHandlers(payments, callReaders)),
    createHealth({
      clock,
      serviceNames: [PaymentServiceDescriptor.typeName],
      unreadyReason,
      stopping: stopRequest.signal,
    }),
  ];
  for (const method of PaymentServiceDescriptor.methods) {
    metrics.calls(method); // Counted from 0 on.
  }
  if (config.reflection) {
    services.push(...createReflection(services, [file_google_rpc_error_details], stopRequest.signal));
  }
  const api = await createApiServer({
    services,
    interceptors: [createCallInterceptor(logger, metrics.calls, newRequestId)],
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
  addGauge(
    metrics.registry,
    'payment_service_ready',
    '1 while /readyz says that it takes calls, else 0.',
    () => (unreadyReason() === undefined ? 1 : 0),
  );
  addCountGauge(
    metrics.registry,
    'payment_stored',
    'Payments stored, by state.',
    () => store.count(),
    'state',
  );
  addCountGauge(metrics.registry, 'payment_settlements_scheduled', 'Settlements scheduled.', () =>
    scheduler.size(),
  );

  async function stop(): Promise<void> {
    const untilMs = clock.now() + config.shutdownGraceMs;
    stopRequest.abort();
    logger.info({ grace_ms: config.shutdownGraceMs, ...(await countStored(store)) }, 'Stopping');
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
    await webhooks.close();
    await state.close();
    await ops.close();
    logger.info('Stopped');
  }

  let stopping: Promise<void> | undefined;
  return {
    async start() {
      if (config.reusePort && !state.outlivesProcess) {
        logger.warn('REUSE_PORT without REDIS_URL: each process knows only the payments that it took itself');
      }
      await state.start();
      const apiPort = await listen(api.app, config.grpcPort, config.host, config.reusePort);
      const opsPort = await listen(ops, config.healthPort, config.host);
      eventBridge?.start();
      logger.info(
        { host: config.host, api_port: apiPort, ops_port: opsPort },
        state.unreadyReason() === undefined ? 'Payment Sim is ready' : 'Payment Sim has started',
      );
      return { apiPort, opsPort };
    },
    stop() {
      stopping ??= stop();
      return stopping;
    },
  };
}

/** How many payments are stored, for the log; nothing when that cannot be told. */
async function countStored(store: PaymentStore): Promise<StoredPayments | undefined> {
  try {
    return await store.count();
  } catch {
    return undefined;
  }
}

async function listen(app: FastifyInstance, port: number, host: string, reusePort = false): Promise<number> {
  // Fastify passes on to Node what its types do not know.
  const options = { port, host, reusePort };
  await app.listen(options);
  const address = app.server.address();
  return typeof address === 'object' && address !== null ? address.port : port;
}
