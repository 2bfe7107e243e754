import { SQSClient } from '@aws-sdk/client-sqs';
import type { DestinationStream } from 'pino';
import { Agent } from 'undici';
import { awsClientOptions } from '../aws/client-options.ts';
import { findCredentialSource } from '../aws/credential-source.ts';
import { type MachineClock, systemClock } from '../base/clock.ts';
import { createLogger } from '../observability/logger.ts';
import { addGauge } from '../observability/metrics.ts';
import { createOpsServer } from '../server/ops-server.ts';
import type { WorkerConfig } from './config.ts';
import { createDeadLetterQueue } from './dead-letter-queue.ts';
import { createHandledEvents } from './handled-events.ts';
import { createMessageHandler } from './message-handler.ts';
import { createQueuePoller } from './queue-poller.ts';
import { createReservationApi } from './reservation-api.ts';
import { createWorkerMetrics } from './worker-metrics.ts';

const serviceName = 'reservation-worker';

/** Copies of an event come within minutes of each other; an hour leaves room, in milliseconds. */
const handledEventsTtlMs = 3_600_000;
const maxHandledEvents = 200_000;
/** For SQS to answer on top of the time that a poll waits, in milliseconds. */
const queueTimeoutMs = 10_000;

/** Parts that tests and embedders may replace. */
export interface WorkerOverrides {
  readonly clock?: MachineClock;
  /** Where log lines go; standard output unless told otherwise. */
  readonly logDestination?: DestinationStream;
}

/** A reservation worker that has been wired up. */
export interface Worker {
  /** Opens the health port, starts to poll, and resolves with the port. SQS need not be there yet. */
  start(): Promise<{ readonly opsPort: number }>;
  /**
   * Receives no more, finishes the batches in hand and closes the health port; what is not handled
   * in `shutdownGraceMs` stays in the queue. Calling it again changes nothing.
   */
  stop(): Promise<void>;
}

/** Puts the parts of the reservation worker together. */
export function buildWorker(config: WorkerConfig, overrides: WorkerOverrides = {}): Worker {
  const clock = overrides.clock ?? systemClock;
  const logger = createLogger(config.logLevel, overrides.logDestination ?? process.stdout);
  // Fastify's own lines (each address it listens at) say nothing that ours do not.
  const fastifyLogger = logger.child({}, { level: logger.isLevelEnabled('warn') ? 'warn' : config.logLevel });
  const metrics = createWorkerMetrics();

  const { sqsUrl } = config.aws;
  const credentials = findCredentialSource(config.aws, {
    development: config.environment === 'development',
    endpointUrl: sqsUrl,
  });
  const client = new SQSClient({
    ...awsClientOptions(config.aws, credentials, sqsUrl, {
      timeoutMs: config.pollWaitSeconds * 1000 + queueTimeoutMs,
      // One poll, one delete and one heartbeat each.
      maxSockets: config.pollers * 3,
    }),
    maxAttempts: 3,
    useQueueUrlAsEndpoint: sqsUrl === undefined,
  });
  const agent = new Agent({ connections: config.pollers * 10, connect: { timeout: 3_000 } });

  const handledEvents = createHandledEvents({
    clock,
    ttlMs: handledEventsTtlMs,
    maxEvents: maxHandledEvents,
  });
  addGauge(metrics.registry, 'reservation_worker_events_remembered', 'Events known to be handled.', () =>
    handledEvents.size(),
  );
  const { reservationApiUrl, deadLetterQueueUrl } = config;
  const poller = createQueuePoller({
    client,
    queueUrl: config.queueUrl,
    pollers: config.pollers,
    waitSeconds: config.pollWaitSeconds,
    visibilitySeconds: config.visibilitySeconds,
    handle: createMessageHandler({
      clock,
      random: Math.random,
      handledEvents,
      reservationApi:
        reservationApiUrl === undefined
          ? undefined
          : createReservationApi({
              baseUrl: reservationApiUrl,
              agent,
              timeoutMs: config.reservationApiTimeoutMs,
            }),
      deadLetterQueue:
        deadLetterQueueUrl === undefined ? undefined : createDeadLetterQueue(client, deadLetterQueueUrl),
      retry: { baseMs: config.retryBaseMs, maxMs: config.retryMaxMs },
      logger,
      metrics,
    }),
    clock,
    logger,
    metrics,
  });

  let draining = false;
  const unreadyReason = () => (draining ? 'draining' : poller.unreadyReason());
  addGauge(metrics.registry, 'reservation_worker_ready', '1 while /readyz says that it works, else 0.', () =>
    unreadyReason() === undefined ? 1 : 0,
  );
  const ops = createOpsServer({
    service: serviceName,
    unreadyReason,
    registry: metrics.registry,
    logger: fastifyLogger,
  });

  async function stop(): Promise<void> {
    draining = true;
    logger.info({ grace_ms: config.shutdownGraceMs }, 'Stopping');
    await poller.stop(clock.now() + config.shutdownGraceMs);
    client.destroy();
    await agent.destroy();
    await ops.close();
    logger.info('Stopped');
  }

  let stopping: Promise<void> | undefined;
  return {
    async start() {
      await ops.listen({ port: config.healthPort, host: config.host });
      const address = ops.server.address();
      const opsPort = typeof address === 'object' && address !== null ? address.port : config.healthPort;
      if (deadLetterQueueUrl === undefined) {
        logger.warn(
          'PAYMENT_WEBHOOK_DLQ_URL is not set: messages that cannot be understood stay in the queue',
        );
      }
      poller.start();
      logger.info(
        {
          queue: config.queueUrl,
          reservation_api: reservationApiUrl ?? 'none, outcomes are only logged',
          ops_port: opsPort,
        },
        'Reservation worker is ready',
      );
      return { opsPort };
    },
    stop() {
      stopping ??= stop();
      return stopping;
    },
  };
}
