import { SQSClient } from '@aws-sdk/client-sqs';
import type { FastifyInstance } from 'fastify';
import { Agent, buildConnector, type Dispatcher, EnvHttpProxyAgent } from 'undici';
import { sqsClientOptions } from '../aws/client-options.ts';
import { findCredentialSource } from '../aws/credential-source.ts';
import { type MachineClock, systemClock } from '../base/clock.ts';
import { runSteps } from '../base/run-steps.ts';
import { skippingInterim } from '../base/skip-interim.ts';
import { within } from '../base/within.ts';
import { createLogger, type Logger } from '../observability/logger.ts';
import { addGauge, addLostLines } from '../observability/metrics.ts';
import { logMisspelt } from '../observability/misspelt-log.ts';
import { logMissingProfile } from '../observability/profile-log.ts';
import { openTraces } from '../observability/open-traces.ts';
import type { Traces } from '../observability/traces.ts';
import type { LogDestination } from '../process/line-buffer.ts';
import type { Pending } from '../process/stop-notice.ts';
import { closeOpsServer, createOpsServer } from '../server/ops-server.ts';
import type { WorkerConfig } from './config.ts';
import { createHandledEvents, type HandledEvents } from './handled-events.ts';
import { createMessageHandler } from './message-handler.ts';
import { traceMessages, traceUpdates } from './message-spans.ts';
import { createPaymentOrder } from './payment-order.ts';
import { createPoisonQueue } from './poison-queue.ts';
import { createQueuePoller, type QueuePoller } from './queue-poller.ts';
import { createReservationApi } from './reservation-api.ts';
import { createWorkerMetrics, type WorkerMetrics } from './worker-metrics.ts';

const serviceName = 'reservation-worker';

/** Copies of an event come within minutes of each other; an hour leaves room, in milliseconds. */
const handledEventsTtlMs = 3_600_000;
const maxHandledEvents = 200_000;
/** For SQS to answer on top of the time that a poll waits, in milliseconds. */
const queueTimeoutMs = 10_000;
/** For the last spans, which nothing depends on, in milliseconds. */
const spansMs = 1_000;

/** What tests and embedders may replace. */
interface WorkerOverrides {
  readonly clock?: MachineClock;
  /** Where log lines go; standard output unless told otherwise. */
  readonly logDestination?: LogDestination;
}

/** A reservation worker that has been wired up. */
export interface Worker {
  /**
   * Opens the health port, starts to poll, and resolves with the port. SQS need not be there yet.
   *
   * @throws when the port cannot be opened.
   */
  start(): Promise<{ readonly opsPort: number }>;
  /**
   * Receives no more, finishes the batches that were received and closes the health port; what is not
   * handled in `shutdownGraceMs` stays in the queue. Calling it again changes nothing.
   */
  stop(): Promise<void>;
  /** What a stop waits for. */
  pending(): Promise<Pending>;
}

interface WorkerState {
  readonly config: WorkerConfig;
  readonly clock: MachineClock;
  readonly logger: Logger;
  readonly metrics: WorkerMetrics;
  readonly sqs: SQSClient;
  /** Connections to the reservation API. */
  readonly agent: Dispatcher;
  /** Undefined where no spans are made. */
  readonly traces: Traces | undefined;
  isDraining: boolean;
}

/** Wires up a reservation worker; nothing is called and no port is opened before `start`. */
export async function buildWorker(config: WorkerConfig, overrides: WorkerOverrides = {}): Promise<Worker> {
  const clock = overrides.clock ?? systemClock;
  const logger = createLogger(config.logLevel, overrides.logDestination ?? process.stdout);
  const self: WorkerState = {
    config,
    clock,
    logger,
    metrics: createWorkerMetrics(),
    sqs: createSqsClient(config),
    agent: createAgent(config),
    traces: await openTraces(config.traces, { serviceName, machine: clock, logger }),
    isDraining: false,
  };
  addLostLines(self.metrics.registry, overrides.logDestination);
  const poller = createPoller(self, createEventMemory(self));
  const ops = createOpsEndpoint(self, poller);
  let stopping: Promise<void> | undefined;
  return {
    start: () => startWorker(self, poller, ops),
    stop() {
      stopping ??= stopWorker(self, poller, ops);
      return stopping;
    },
    pending: async () => ({ messages: (await self.metrics.inFlight.get()).values[0]?.value ?? 0 }),
  };
}

/** Connections to the reservation API, through a proxy where one is set for its scheme. */
function createAgent({ pollers, reservationApiUrl, aws: { proxies } }: WorkerConfig): Dispatcher {
  const options = {
    connections: pollers * 10,
    connect: skippingInterim(buildConnector({ timeout: 3_000, allowH2: true })),
  };
  const isSecure = reservationApiUrl?.startsWith('https:') === true;
  const proxy = isSecure ? proxies.HTTPS_PROXY : proxies.HTTP_PROXY;
  return proxy === undefined
    ? new Agent(options)
    : new EnvHttpProxyAgent({
        ...options,
        httpProxy: proxy,
        httpsProxy: proxy,
        noProxy: proxies.NO_PROXY,
      });
}

function createSqsClient({ aws, environment, queueUrl, pollers, pollWaitSeconds }: WorkerConfig): SQSClient {
  const credentials = findCredentialSource(aws, {
    development: environment === 'development',
    endpointUrl: aws.sqsUrl,
  });
  return new SQSClient({
    ...sqsClientOptions(aws, credentials, queueUrl, {
      timeoutMs: pollWaitSeconds * 1000 + queueTimeoutMs,
      // One poll, one delete and one heartbeat each.
      maxSockets: pollers * 3,
    }),
    maxAttempts: 3,
  });
}

function createEventMemory({ metrics }: WorkerState): HandledEvents {
  const handledEvents = createHandledEvents({
    monotonicMs: () => performance.now(),
    ttlMs: handledEventsTtlMs,
    maxEvents: maxHandledEvents,
  });
  addGauge(metrics.registry, 'reservation_worker_events_remembered', 'Events known to be handled.', () =>
    handledEvents.size(),
  );
  return handledEvents;
}

function createPoller(self: WorkerState, handledEvents: HandledEvents): QueuePoller {
  const { config, clock, logger, metrics, sqs, agent, traces } = self;
  const { reservationApiUrl, reservationApiTimeoutMs: timeoutMs, deadLetterQueueUrl } = config;
  return createQueuePoller({
    client: sqs,
    queueUrl: config.queueUrl,
    pollers: config.pollers,
    waitSeconds: config.pollWaitSeconds,
    visibilitySeconds: config.visibilitySeconds,
    handle: createMessageHandler({
      clock,
      random: Math.random,
      handledEvents,
      paymentOrder: createPaymentOrder({
        monotonicMs: () => performance.now(),
        ttlMs: handledEventsTtlMs,
        maxPayments: maxHandledEvents,
      }),
      reservationApi:
        reservationApiUrl === undefined
          ? undefined
          : createReservationApi({
              baseUrl: reservationApiUrl,
              agent,
              clock,
              timeoutMs,
              startSpan: traces && traceUpdates(traces.startSpan),
            }),
      poisonQueue: deadLetterQueueUrl === undefined ? undefined : createPoisonQueue(sqs, deadLetterQueueUrl),
      retry: { baseMs: config.retryBaseMs, maxMs: config.retryMaxMs },
      logger,
      metrics,
      startSpan: traces && traceMessages(traces.startSpan, config.queueUrl),
    }),
    clock,
    logger,
    metrics,
  });
}

function createOpsEndpoint(self: WorkerState, poller: QueuePoller): FastifyInstance {
  const { config, logger, metrics } = self;
  const unreadyReason = () => (self.isDraining ? 'draining' : poller.unreadyReason());
  addGauge(metrics.registry, 'reservation_worker_ready', '1 while /readyz says that it works, else 0.', () =>
    unreadyReason() === undefined ? 1 : 0,
  );
  return createOpsServer({
    service: serviceName,
    unreadyReason,
    registry: metrics.registry,
    // Fastify logs each address that it listens at, which 'Reservation worker is ready' says already.
    logger: logger.child({}, { level: logger.isLevelEnabled('warn') ? 'warn' : config.logLevel }),
  });
}

async function startWorker(
  { config, logger }: WorkerState,
  poller: QueuePoller,
  ops: FastifyInstance,
): Promise<{ readonly opsPort: number }> {
  await ops.listen({ port: config.healthPort, host: config.host });
  const address = ops.server.address();
  const opsPort = typeof address === 'object' && address !== null ? address.port : config.healthPort;
  if (config.deadLetterQueueUrl === undefined) {
    logger.warn('PAYMENT_WEBHOOK_DLQ_URL is not set: messages that cannot be understood stay in the queue');
  }
  logMisspelt(logger, config.misspelt);
  logMissingProfile(logger, config.aws);
  poller.start();
  logger.info(
    {
      queue: config.queueUrl,
      reservation_api: config.reservationApiUrl ?? 'none, outcomes are only logged',
      ops_port: opsPort,
    },
    'Reservation worker is ready',
  );
  return { opsPort };
}

async function stopWorker(self: WorkerState, poller: QueuePoller, ops: FastifyInstance): Promise<void> {
  const { config, clock, logger, sqs, agent, traces } = self;
  self.isDraining = true;
  logger.info({ grace_ms: config.shutdownGraceMs }, 'Stopping');
  await runSteps([
    () => poller.stop(config.shutdownGraceMs),
    () => sqs.destroy(),
    () => agent.destroy(),
    () => traces && within(clock, spansMs, traces.close()),
    () => closeOpsServer(ops, clock),
  ]);
  logger.info('Stopped');
}
