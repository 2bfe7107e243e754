import type { FastifyInstance } from 'fastify';
import type { MachineClock } from '../base/clock.ts';
import type { ApiServer } from '../server/api-server.ts';
import { findConsole } from '../server/console/console-build.ts';
import { createConsolePages } from '../server/console/console-listener.ts';
import { closeOpsServer, createOpsServer, opsPaths, probePaths } from '../server/ops-server.ts';
import { createInboxPages, isInboxTarget } from '../server/inbox/inbox-listener.ts';
import type { PlainListener, PlainRequests } from '../server/port/plain-requests.ts';
import { splitTarget } from '../server/transport/request-target.ts';
import type { Inbox } from '../simulator/journal/inbox.ts';
import { buildApi, type Contracts } from './api.ts';
import { type Basics, fastifyLoggerOf } from './basics.ts';
import type { Config } from './config.ts';

/* The part of the composition root (app.ts) with the servers: which port has which, and how they end. */

/** The servers of the process. */
export interface Ports {
  /** Our own contract. */
  readonly api: ApiServer;
  /** The platform's; undefined where it is off. */
  readonly platform: ApiServer | undefined;
  /** Probes and scrapes. */
  readonly ops: FastifyInstance;
  /** Whether `platform` listens at the port of `ops`, which then has none of its own and is handed its requests. */
  readonly shared: boolean;
}

/** The addresses that they got. */
export interface OpenPorts {
  readonly apiPort: number;
  readonly opsPort: number;
  /** Undefined where the platform's contract is not served. */
  readonly platformPort: number | undefined;
}

/** How often a port that probes may still use is asked whether its calls have ended, in milliseconds. */
const pollMs = 20;
/** For probes and scrapes under way when a shared port closes, in milliseconds. */
const closeMs = 500;

/** Makes the servers; none listens yet. */
export async function buildPorts(
  basics: Basics,
  contracts: Contracts,
  options: { readonly service: string; readonly unreadyReason: () => string | undefined },
): Promise<Ports> {
  const { config, metrics } = basics;
  const ops = createOpsServer({ ...options, registry: metrics.registry, logger: fastifyLoggerOf(basics) });
  await ops.ready();
  const listener: PlainListener = (request, response) => ops.routing(request, response);
  const shared = isShared(config);
  const plain = { paths: probePaths, listener };
  const { record } = contracts;
  const api = await buildApi(basics, {
    services: contracts.payment,
    record,
    plain: plainRequests(basics, listener, contracts.inbox),
  });
  const platform =
    contracts.platform === undefined
      ? undefined
      : await buildApi(basics, {
          services: contracts.platform,
          record,
          plain: shared ? { paths: opsPaths, listener } : plain,
        });
  return { api, platform, ops, shared };
}

/**
 * What is answered besides calls: probes; the built-in receiver where testers may steer; the console, and what it reads
 * besides calls: the metrics, since a browser asks only where the page came from.
 */
function plainRequests(
  { config, logger, machine }: Basics,
  ops: PlainListener,
  inbox: Inbox | undefined,
): PlainRequests {
  const report = (error: unknown) => logger.error({ err: error }, 'The console cannot be shown');
  const pages = [
    ...(config.console ? [createConsolePages(findConsole(), report)] : []),
    ...(inbox === undefined ? [] : [createInboxPages({ inbox, machine, secrets: config.webhookSecrets })]),
  ];
  const ofOps = config.console ? opsPaths : probePaths;
  const pageOf = (path: string) => pages.find((page) => page.has(path));
  return {
    paths: { has: (path) => ofOps.has(path) || pageOf(path) !== undefined },
    isOwn: inbox && isInboxTarget,
    listener(request, response, bodies) {
      const listener = pageOf(splitTarget(request.url).path)?.listener ?? ops;
      listener(request, response, bodies);
    },
  };
}

/** 0 is whichever port the system chooses, so two of them are never the same. */
function isShared({ platformGrpcPort, healthPort }: Config): boolean {
  return platformGrpcPort !== 0 && platformGrpcPort === healthPort;
}

/** Opens the ports, those of calls first: who finds the service ready must be able to call it. */
export async function openPorts({ api, platform, ops, shared }: Ports, config: Config): Promise<OpenPorts> {
  const { host, reusePort } = config;
  const apiPort = await listen(api.app, config.grpcPort, host, reusePort);
  const platformPort =
    platform === undefined
      ? undefined
      : // Each process has a port of its own for probes, so that one is never shared out.
        await listen(platform.app, config.platformGrpcPort ?? 0, host, reusePort && !shared);
  const opsPort =
    shared && platformPort !== undefined ? platformPort : await listen(ops, config.healthPort, host);
  return { apiPort, opsPort, platformPort };
}

async function listen(app: FastifyInstance, port: number, host: string, reusePort = false): Promise<number> {
  // Fastify passes on to Node what its types do not know.
  const options = { port, host, reusePort };
  await app.listen(options);
  const address = app.server.address();
  return typeof address === 'object' && address !== null ? address.port : port;
}

/** Open connections of callers, by protocol. */
export function countConnections({ api, platform }: Ports) {
  const counts = api.connections.countConnections();
  const others = platform?.connections.countConnections();
  return {
    http1: counts.http1 + (others?.http1 ?? 0),
    http2: counts.http2 + (others?.http2 ?? 0),
    undecided: counts.undecided + (others?.undecided ?? 0),
  };
}

/**
 * Ends all calls. None takes long by itself: one that does is a caller's slow upload, and must not use up the
 * time that settlements and webhooks need.
 */
export async function endCalls(
  { api, platform, shared }: Ports,
  machine: MachineClock,
  withinMs: number,
): Promise<void> {
  const endPlatform = shared ? endCallsAlone : closeApi;
  await Promise.all([
    closeApi(api, machine, withinMs),
    platform === undefined ? undefined : endPlatform(platform, machine, withinMs),
  ]);
}

/** Ends what answers probes and scrapes. */
export async function closeOps({ platform, ops, shared }: Ports, machine: MachineClock): Promise<void> {
  if (shared && platform !== undefined) {
    await closeApi(platform, machine, closeMs);
  }
  await closeOpsServer(ops, machine);
}

async function closeApi(api: ApiServer, machine: MachineClock, withinMs: number): Promise<void> {
  const forceClose = machine.setTimer(withinMs, () => api.connections.destroyConnections());
  try {
    await api.app.close();
  } finally {
    forceClose.cancel();
  }
}

/** Ends the calls of a port that stays open. Its connections are closed as they fall idle, those of probes too. */
async function endCallsAlone(api: ApiServer, machine: MachineClock, withinMs: number): Promise<void> {
  const { connections } = api;
  const deadline = machine.monotonic() + withinMs;
  api.stopCalls();
  while (connections.countConnections().http1 + connections.countConnections().http2 > 0) {
    if (machine.monotonic() >= deadline) {
      connections.destroyConnections();
      return;
    }
    await new Promise<void>((resolve) => void machine.setTimer(pollMs, resolve));
  }
}
