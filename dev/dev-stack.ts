import type { DestinationStream } from 'pino';
import { buildApp } from '../src/app/app.ts';
import { type Config, loadConfig } from '../src/app/config.ts';
import { runSteps } from '../src/base/run-steps.ts';
import { createLogger, type Logger } from '../src/observability/logger.ts';
import { loadWorkerConfig } from '../src/worker/config.ts';
import { buildWorker } from '../src/worker/worker.ts';
import { type DevPorts, findDevPorts } from './dev-ports.ts';
import { type LocalAws, localCredentials, startLocalAws } from './local-aws.ts';
import { startRedisServer } from './redis-server.ts';
import { type Replicas, startReplicas } from './replicas.ts';
import { type LocalServer, startLocalReservationApi } from './reservation-api.ts';
import { startLocalWebhookReceiver } from './webhook-receiver.ts';

/** Who writes a log line. */
export type DevComponent = 'service' | `service ${number}` | 'worker' | 'webhooks' | 'reservations' | 'aws';

/** The options of `npm run dev` besides the environment. */
interface DevOptions {
  /** How many services; more than one run as processes that share a port and a Redis. */
  readonly replicas?: number;
}

/** The service with all that it works with, running. */
export interface DevStack {
  readonly apiUrl: string;
  /** Of every replica. */
  readonly opsUrls: readonly string[];
  readonly workerOpsUrl: string;
  readonly reservationApiUrl: string;
  readonly webhookUrl: string;
  readonly eventBridgeUrl: string;
  readonly sqsUrl: string;
  /** The Redis that has the state, without the password; undefined when it is in memory. */
  readonly redisUrl: string | undefined;
  /** Stops everything in the order in which events flow, so that no event is lost on its way. */
  stop(): Promise<void>;
}

/** Environment variables by name. */
type Variables = Readonly<Record<string, string | undefined>>;

interface Stoppable {
  stop(): Promise<void>;
}

interface StackState {
  readonly host: string;
  readonly ports: DevPorts;
  readonly write: (component: DevComponent, line: string) => void;
  /** The last one started comes first: they stop in this order. */
  readonly started: Stoppable[];
}

/** What the service and the worker work with. */
interface Neighbours {
  readonly aws: LocalAws;
  readonly reservationApi: LocalServer;
  readonly webhooks: LocalServer;
}

/** Variables that would lead the service or the worker to other credentials than the local ones. */
const foreignAws = new Set([
  'AWS_PROFILE',
  'AWS_SESSION_TOKEN',
  'AWS_WEB_IDENTITY_TOKEN_FILE',
  'AWS_ROLE_ARN',
]);

/**
 * Starts local AWS, the service, the reservation worker, a substitute for the reservation API and a
 * webhook receiver, in this process; several services in processes of their own, with a Redis where
 * REDIS_URL names none. The service and the worker are the real ones and read their usual variables;
 * those that connect them are set here.
 *
 * @param write takes log lines, JSON each.
 * @throws ConfigError for a wrong variable or a port in use.
 * @throws RedisMissingError
 */
export async function startDevStack(
  env: Variables,
  write: (component: DevComponent, line: string) => void,
  { replicas = 1 }: DevOptions = {},
): Promise<DevStack> {
  const host = env['HOST'] ?? '127.0.0.1';
  const ports = await findDevPorts(env, host, replicas);
  const self: StackState = { host, ports, write, started: [] };
  try {
    return await startAll(self, env, replicas);
  } catch (error) {
    await stopAll(self).catch(() => undefined);
    throw error;
  }
}

async function startAll(self: StackState, env: Variables, replicas: number): Promise<DevStack> {
  const { host } = self;
  const redis = addStarted(self, await provideRedis(env['REDIS_URL'], replicas));
  // Lines of every payment and webhook, for those who watch; how they look is up to who writes them.
  const local = {
    ...env,
    HOST: host,
    ENVIRONMENT: 'development',
    REDIS_URL: redis.url,
    LOG_FORMAT: 'pretty',
  };
  const config = loadConfig(local);
  const loggerOf = (component: DevComponent) => createLogger(config.logLevel, destinationOf(self, component));
  const neighbours = await startNeighbours(self, config, loggerOf);
  const connected = connect(local, neighbours);
  const workerOpsPort = await startWorker(self, connected);
  const service = addStarted(
    self,
    await (replicas === 1
      ? startService(connected, destinationOf(self, 'service'))
      : startReplicas({
          env: connected,
          apiPort: self.ports.api,
          opsPorts: self.ports.ops,
          write: (replica, line) => self.write(`service ${replica}`, line),
          loggerOf: (replica) => loggerOf(`service ${replica}`),
        })),
  );
  return {
    apiUrl: `http://${host}:${service.apiPort}`,
    opsUrls: service.opsPorts.map((port) => `http://${host}:${port}`),
    workerOpsUrl: `http://${host}:${workerOpsPort}`,
    reservationApiUrl: neighbours.reservationApi.url,
    webhookUrl: `${neighbours.webhooks.url}/webhooks`,
    eventBridgeUrl: neighbours.aws.eventBridgeUrl,
    sqsUrl: neighbours.aws.sqsUrl,
    redisUrl: redis.url?.replace(/\/\/.*@/, '//'),
    stop: () => stopAll(self),
  };
}

function addStarted<T extends Stoppable>({ started }: StackState, one: T): T {
  started.unshift(one);
  return one;
}

async function stopAll({ started }: StackState): Promise<void> {
  await runSteps(started.splice(0).map((one) => () => one.stop()));
}

function destinationOf({ write }: StackState, component: DevComponent): DestinationStream {
  return { write: (line) => write(component, line) };
}

async function startNeighbours(
  self: StackState,
  config: Config,
  loggerOf: (component: DevComponent) => Logger,
): Promise<Neighbours> {
  const { host, ports } = self;
  const aws = await startLocalAws({
    host,
    eventBridgePort: ports.eventBridge,
    sqsPort: ports.sqs,
    region: config.aws.region,
    busName: config.eventBridge.busName,
    source: config.eventBridge.source,
    logger: loggerOf('aws'),
  });
  addStarted(self, aws);
  const reservationApi = await startLocalReservationApi({
    host,
    port: ports.reservationApi,
    logger: loggerOf('reservations'),
  });
  addStarted(self, reservationApi);
  const webhooks = await startLocalWebhookReceiver({
    host,
    port: ports.webhooks,
    secret: config.webhookSecrets,
    logger: loggerOf('webhooks'),
  });
  addStarted(self, webhooks);
  return { aws, reservationApi, webhooks };
}

/** The environment in which the service and the worker find their neighbours. */
function connect(env: Variables, { aws, reservationApi }: Neighbours): Variables {
  return {
    ...Object.fromEntries(Object.entries(env).filter(([name]) => !foreignAws.has(name))),
    AWS_ACCESS_KEY_ID: localCredentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: localCredentials.secretAccessKey,
    AWS_ENDPOINT_URL_EVENTBRIDGE: aws.eventBridgeUrl,
    AWS_ENDPOINT_URL_SQS: aws.sqsUrl,
    EVENTBRIDGE: 'on',
    PAYMENT_WEBHOOK_QUEUE_URL: aws.queueUrl,
    PAYMENT_WEBHOOK_DLQ_URL: aws.deadLetterQueueUrl,
    RESERVATION_API_URL: reservationApi.url,
    // A stop waits for the polls to end.
    WORKER_POLL_WAIT_SECONDS: '1',
  };
}

/** Resolves with the worker's health port. */
async function startWorker(self: StackState, env: Variables): Promise<number> {
  const worker = await buildWorker(loadWorkerConfig(env), { logDestination: destinationOf(self, 'worker') });
  addStarted(self, worker);
  const { opsPort } = await worker.start();
  return opsPort;
}

/** One service, in this process. */
async function startService(env: Variables, logDestination: DestinationStream): Promise<Replicas> {
  const app = await buildApp(loadConfig(env), { logDestination });
  try {
    const { apiPort, opsPort } = await app.start();
    return { apiPort, opsPorts: [opsPort], stop: () => app.stop() };
  } catch (error) {
    await app.stop().catch(() => undefined);
    throw error;
  }
}

/** A Redis of our own where several services need one and REDIS_URL names none. */
async function provideRedis(
  url: string | undefined,
  replicas: number,
): Promise<Stoppable & { readonly url: string | undefined }> {
  return replicas > 1 && (url ?? '') === ''
    ? await startRedisServer({ appendOnly: 'everysec' })
    : { url, stop: () => Promise.resolve() };
}
