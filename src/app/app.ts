import type { FastifyInstance } from 'fastify';
import { addGauge, addLostLines, type Metrics } from '../observability/metrics.ts';
import { logMisspelt } from '../observability/misspelt-log.ts';
import type { Pending } from '../process/stop-notice.ts';
import type { ApiServer } from '../server/api-server.ts';
import { createOpsServer } from '../server/ops-server.ts';
import type { State } from '../state/state.ts';
import { buildApi, buildServices } from './api.ts';
import { type AppOverrides, type Basics, createBasics, fastifyLoggerOf } from './basics.ts';
import { buildDelivery, type Exits } from './channels.ts';
import type { Config } from './config.ts';
import { openState } from './open-state.ts';
import { stopAll } from './stop.ts';

const serviceName = 'payment-sim-api';

/** A service that has been wired up. */
export interface App {
  /** Opens both ports and resolves with the addresses they got. */
  start(): Promise<{ readonly apiPort: number; readonly opsPort: number }>;
  /**
   * Stops in order: not ready, no new calls, calls in flight finish, pending payments settle, their
   * events go out; what did not in `shutdownGraceMs` is logged. Calling it again changes nothing.
   */
  stop(): Promise<void>;
  /** What a stop waits for: how many of each. */
  pending(): Promise<Pending>;
}

/** Puts all parts together; with its neighbours in this folder the only place that does. */
export async function buildApp(config: Config, overrides: AppOverrides = {}): Promise<App> {
  const basics = createBasics(config, overrides);
  const openedState = await openState(basics);
  const state = overrides.wrapState?.(openedState) ?? openedState;
  const exits = buildDelivery(basics, state);
  const stopRequest = new AbortController();
  const unreadyReason = () =>
    stopRequest.signal.aborted ? 'draining' : (state.unreadyReason() ?? exits.unreadyReason());
  const life = { unreadyReason, stopping: stopRequest.signal };
  const api = await buildApi(basics, buildServices(basics, state, exits.delivery, life));
  const ops = createOpsServer({
    service: serviceName,
    unreadyReason,
    registry: basics.metrics.registry,
    logger: fastifyLoggerOf(basics),
  });
  addGauges(basics.metrics, state, api, unreadyReason);
  addLostLines(basics.metrics.registry, overrides.logDestination);

  let stopping: Promise<void> | undefined;
  return {
    start: () => startAll(basics, state, exits, api, ops),
    stop() {
      stopRequest.abort();
      stopping ??= stopAll(basics, exits, { state, api, ops });
      return stopping;
    },
    pending: () => countPending(state, exits),
  };
}

/** With durable state a stop leaves payments that are due later to the other replicas. */
async function countPending(state: State, exits: Exits): Promise<Pending> {
  const payments = state.durable ? 0 : (await state.payments.count()).pending;
  return { payments, ...exits.pending() };
}

function addGauges(
  { registry }: Metrics,
  { payments }: State,
  api: ApiServer,
  unreadyReason: () => string | undefined,
): void {
  addGauge(
    registry,
    'api_connections',
    'Open connections on the API port, by protocol.',
    () => api.connections.countConnections(),
    'protocol',
  );
  addGauge(registry, 'payment_service_ready', '1 while /readyz says that it takes calls, else 0.', () =>
    unreadyReason() === undefined ? 1 : 0,
  );
  addGauge(registry, 'payment_stored', 'Payments stored, by state.', () => payments.count(), 'state');
  addGauge(registry, 'payment_settlements_scheduled', 'Settlements scheduled.', () => payments.scheduled());
}

async function startAll(
  { config, logger }: Basics,
  state: State,
  exits: Exits,
  api: ApiServer,
  ops: FastifyInstance,
): Promise<{ readonly apiPort: number; readonly opsPort: number }> {
  if (config.reusePort && !state.durable) {
    logger.warn('REUSE_PORT without REDIS_URL: each process knows only the payments that it took itself');
  }
  logMisspelt(logger, config.misspelt);
  exits.start();
  await state.start();
  const apiPort = await listen(api.app, config.grpcPort, config.host, config.reusePort);
  const opsPort = await listen(ops, config.healthPort, config.host);
  exits.connect();
  logger.info(
    { host: config.host, api_port: apiPort, ops_port: opsPort },
    state.unreadyReason() === undefined ? 'Payment Sim is ready' : 'Payment Sim has started',
  );
  return { apiPort, opsPort };
}

async function listen(app: FastifyInstance, port: number, host: string, reusePort = false): Promise<number> {
  // Fastify passes on to Node what its types do not know.
  const options = { port, host, reusePort };
  await app.listen(options);
  const address = app.server.address();
  return typeof address === 'object' && address !== null ? address.port : port;
}
