import type { DestinationStream } from 'pino';
import { buildApp } from '../src/app/app.ts';
import { loadConfig } from '../src/app/config.ts';
import { createLogger } from '../src/observability/logger.ts';
import { loadWorkerConfig } from '../src/worker/config.ts';
import { buildWorker } from '../src/worker/worker.ts';
import { findDevPorts } from './dev-ports.ts';
import { localCredentials, startLocalAws } from './local-aws.ts';
import { startRedisServer } from './redis-server.ts';
import { type Replicas, startReplicas } from './replicas.ts';
import { startLocalReservationApi } from './reservation-api.ts';
import { startLocalWebhookReceiver } from './webhook-receiver.ts';

/** Who writes a log line. */
export type DevComponent = 'service' | `service ${number}` | 'worker' | 'webhooks' | 'reservations' | 'aws';

/** What `npm run dev` is told besides the environment. */
export interface DevOptions {
  /** How many services; more than one run as processes that share a port and a Redis. */
  readonly replicas?: number;
}

/** Everything at work together. */
export interface DevStack {
  readonly apiUrl: string;
  /** Of every replica. */
  readonly opsUrls: readonly string[];
  readonly workerOpsUrl: string;
  readonly reservationApiUrl: string;
  readonly webhookUrl: string;
  readonly eventBridgeUrl: string;
  readonly sqsUrl: string;
  /** Where the state is, when it is not in memory; without the password. */
  readonly redisUrl: string | undefined;
  /** Stops everything in the order in which events flow, so that what is on its way arrives. */
  stop(): Promise<void>;
}

/** Variables that would lead the service or the worker to other credentials than the local ones. */
const foreignAws = new Set([
  'AWS_PROFILE',
  'AWS_SESSION_TOKEN',
  'AWS_WEB_IDENTITY_TOKEN_FILE',
  'AWS_ROLE_ARN',
]);

/**
 * Starts local AWS, the service, the reservation worker, a stand-in reservation API and a webhook
 * receiver, in this process; several services in processes of their own, with a Redis where
 * REDIS_URL names none. The service and the worker are the real ones and read their usual variables;
 * those that connect them are set here.
 *
 * @param write takes log lines, JSON each.
 * @throws ConfigError for a wrong variable or a port in use.
 * @throws RedisMissingError
 */
export async function startDevStack(
  env: Readonly<Record<string, string | undefined>>,
  write: (component: DevComponent, line: string) => void,
  { replicas = 1 }: DevOptions = {},
): Promise<DevStack> {
  const host = env['HOST'] ?? '127.0.0.1';
  const ports = await findDevPorts(env, host, replicas);
  const destination = (component: DevComponent) => ({
    write: (line: string) => write(component, line),
  });
  const started: { stop(): Promise<void> }[] = [];
  async function stop(): Promise<void> {
    for (const part of started.splice(0)) {
      await part.stop();
    }
  }

  try {
    const redis = await provideRedis(env['REDIS_URL'], replicas);
    started.unshift(redis);
    const local = { ...env, HOST: host, ENVIRONMENT: 'development', REDIS_URL: redis.url };
    const config = loadConfig(local);
    const logger = (component: DevComponent) => createLogger(config.logLevel, destination(component));

    const aws = await startLocalAws({
      host,
      eventBridgePort: ports.eventBridge,
      sqsPort: ports.sqs,
      region: config.aws.region,
      busName: config.eventBridge.busName,
      source: config.eventBridge.source,
      logger: logger('aws'),
    });
    started.unshift(aws);
    const reservationApi = await startLocalReservationApi({
      host,
      port: ports.reservationApi,
      logger: logger('reservations'),
    });
    started.unshift(reservationApi);
    const webhooks = await startLocalWebhookReceiver({
      host,
      port: ports.webhooks,
      secret: config.webhookSecrets,
      logger: logger('webhooks'),
    });
    started.unshift(webhooks);

    const connected = {
      ...Object.fromEntries(Object.entries(local).filter(([name]) => !foreignAws.has(name))),
      AWS_ACCESS_KEY_ID: localCredentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: localCredentials.secretAccessKey,
      AWS_ENDPOINT_URL_EVENTBRIDGE: aws.eventBridgeUrl,
      AWS_ENDPOINT_URL_SQS: aws.sqsUrl,
      EVENTBRIDGE: 'on',
      PAYMENT_WEBHOOK_QUEUE_URL: aws.queueUrl,
      PAYMENT_WEBHOOK_DLQ_URL: aws.deadLetterQueueUrl,
      RESERVATION_API_URL: reservationApi.url,
      // So that stopping does not wait long for a poll to end.
      WORKER_POLL_WAIT_SECONDS: '1',
    };
    const worker = buildWorker(loadWorkerConfig(connected), { logDestination: destination('worker') });
    started.unshift(worker);
    const { opsPort: workerOpsPort } = await worker.start();
    const service = await (replicas === 1
      ? startService(connected, destination('service'))
      : startReplicas({
          env: connected,
          apiPort: ports.api,
          opsPorts: ports.ops,
          write: (replica, line) => write(`service ${replica}`, line),
          loggerOf: (replica) => logger(`service ${replica}`),
        }));
    started.unshift(service);

    return {
      apiUrl: `http://${host}:${service.apiPort}`,
      opsUrls: service.opsPorts.map((port) => `http://${host}:${port}`),
      workerOpsUrl: `http://${host}:${workerOpsPort}`,
      reservationApiUrl: reservationApi.url,
      webhookUrl: `${webhooks.url}/webhooks`,
      eventBridgeUrl: aws.eventBridgeUrl,
      sqsUrl: aws.sqsUrl,
      redisUrl: redis.url?.replace(/\/\/.*@/, '//'),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** One service, in this process. */
async function startService(
  env: Readonly<Record<string, string | undefined>>,
  logDestination: DestinationStream,
): Promise<Replicas> {
  const app = await buildApp(loadConfig(env), { logDestination });
  try {
    const { apiPort, opsPort } = await app.start();
    return { apiPort, opsPorts: [opsPort], stop: () => app.stop() };
  } catch (error) {
    await app.stop();
    throw error;
  }
}

/** A Redis of our own where several services need one and there is none yet. */
async function provideRedis(
  url: string | undefined,
  replicas: number,
): Promise<{ readonly url: string | undefined; stop(): Promise<void> }> {
  return replicas > 1 && (url ?? '') === ''
    ? await startRedisServer({ appendOnly: 'everysec' })
    : { url, stop: () => Promise.resolve() };
}
