import { addGauge, addLostLines, type Metrics } from '../observability/metrics.ts';
import { logMisspelt } from '../observability/misspelt-log.ts';
import { logMissingProfile } from '../observability/profile-log.ts';
import { openTraces } from '../observability/open-traces.ts';
import type { Pending } from '../process/stop-notice.ts';
import type { State } from '../state/state.ts';
import { buildContracts } from './api.ts';
import { type AppOverrides, type Basics, createBasics } from './basics.ts';
import { buildDelivery, type Exits } from './channels.ts';
import type { Config } from './config.ts';
import { readFileRules } from './file-rules.ts';
import { openState } from './open-state.ts';
import { buildPorts, countConnections, type OpenPorts, openPorts, type Ports } from './ports.ts';
import { stopAll } from './stop.ts';

const serviceName = 'payment-sim-api';

/** A service that has been wired up. */
export interface App {
  /** Opens the ports and resolves with the addresses they got. */
  start(): Promise<OpenPorts>;
  /**
   * Stops in order: not ready, no new calls, calls in flight finish, pending payments settle, their
   * events go out; what did not in `shutdownGraceMs` is logged. Calling it again changes nothing.
   */
  stop(): Promise<void>;
  /** What a stop waits for: how many of each. */
  pending(): Promise<Pending>;
}

/**
 * Puts all parts together; with its neighbours in this folder the only place that does.
 *
 * @throws ConfigError that lists every mistake in files of rules.
 */
export async function buildApp(config: Config, overrides: AppOverrides = {}): Promise<App> {
  // The first, so that nothing is open yet when they have mistakes.
  const fileRules = await readFileRules(config);
  const bare = createBasics(config, overrides);
  const basics: Basics = { ...bare, traces: await openTraces(config.traces, { ...bare, serviceName }) };
  const openedState = await openState(basics);
  const state = overrides.wrapState?.(openedState) ?? openedState;
  const exits = buildDelivery(basics, state);
  const stopRequest = new AbortController();
  const unreadyReason = () =>
    stopRequest.signal.aborted ? 'draining' : (state.unreadyReason() ?? exits.unreadyReason());
  let opened: OpenPorts | undefined;
  const apiPort = () => opened?.apiPort ?? config.grpcPort;
  const life = { unreadyReason, stopping: stopRequest.signal, apiPort };
  const contracts = buildContracts(basics, state, exits, fileRules, life);
  const ports = await buildPorts(basics, contracts, { service: serviceName, unreadyReason });
  addGauges(basics.metrics, state, ports, unreadyReason);
  addLostLines(basics.metrics.registry, overrides.logDestination);

  let stopping: Promise<void> | undefined;
  return {
    async start() {
      opened = await startAll(basics, state, exits, ports);
      return opened;
    },
    stop() {
      stopRequest.abort();
      contracts.close();
      stopping ??= stopAll(basics, exits, { state, ports });
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
  ports: Ports,
  unreadyReason: () => string | undefined,
): void {
  addGauge(
    registry,
    'api_connections',
    'Open connections of callers, by protocol.',
    () => countConnections(ports),
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
  ports: Ports,
): Promise<OpenPorts> {
  if (config.reusePort && !state.durable) {
    logger.warn('REUSE_PORT without REDIS_URL: each process knows only the payments that it took itself');
  }
  logMisspelt(logger, config.misspelt);
  if (config.eventBridge.mode !== 'off') {
    logMissingProfile(logger, config.aws);
  }
  exits.start();
  await state.start();
  const opened = await openPorts(ports, config);
  exits.connect();
  logger.info(
    {
      host: config.host,
      api_port: opened.apiPort,
      ops_port: opened.opsPort,
      ...(opened.platformPort !== undefined && { platform_port: opened.platformPort }),
    },
    state.unreadyReason() === undefined ? 'Payment Sim is ready' : 'Payment Sim has started',
  );
  return opened;
}
